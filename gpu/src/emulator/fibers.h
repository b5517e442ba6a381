// The fibers of the block that an OS thread is running.
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <numeric>

#include "driver.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

constexpr size_t STACK_BYTES = 64 * 1024, GUARD_BYTES = 4096;
enum State { NEW, READY, AT_BARRIER, AT_COLLECTIVE, DONE };

struct AsyncCopy {
    void* to;
    const void* from;
    bool valid;
    int group;
};
struct BulkCopy {
    void* to;
    const void* from;
    int bytes;
    const void* barrier;
};
struct Fiber : EmulatedThread {
    State state;
    void* stackPointer;
    unsigned char* stack;
    int result;  // of the barrier
    unsigned mask;
    void (*run)(unsigned, void**);
    void* operand;
    const char* file;
    int line;
    std::vector<AsyncCopy> copies;
    int group;
};
struct Warp {
    unsigned lanes, waiting, done;
};

// Static shared variables are the thread-local ones of the kernel's shared object, on this OS thread.
struct SharedRange {
    unsigned char *dynamic, *begin, *end;
};

struct Executor {
    std::vector<Fiber> fibers{1024};
    std::vector<Warp> warps{32};
    std::vector<unsigned char*> stacks;  // free ones
    std::vector<Fiber*> ready;           // a ring of 1024
    std::vector<BulkCopy> bulkCopies;    // of the block, that nobody has waited for
    unsigned readyHead = 0, readyTail = 0;
    int threads = 0, live = 0, waiting = 0;
    EmulatedBarrier kind = EMULATED_SYNC;
    int predicates = 0;
    const Fiber* firstWaiting = nullptr;
    bool waitedForGrid = false;
    void* mainStack = nullptr;
    const Launch* launch = nullptr;
    SharedRange shared;
    EmulatedBlock block;
    Result result = SUCCESS;
    std::minstd_rand random;
    sigjmp_buf escape;
    volatile bool guarded = false;
    volatile uintptr_t faultAddress = 0;
    const pthread_t thread = pthread_self();
    std::atomic<long> deadline{0};  // of the kernel that runs, in seconds that the thread has worked; 0: none

    Executor() : ready(1024) {
        stack_t alternate = {};
        alternate.ss_size = 256 * 1024;
        alternate.ss_sp = mmap(nullptr, alternate.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        sigaltstack(&alternate, nullptr);
    }
    void push(Fiber* fiber) { ready[readyTail++ % 1024] = fiber; }
    Fiber* pop() { return readyHead == readyTail ? nullptr : ready[readyHead++ % 1024]; }
    // Calls visit(i) for 0 <= i < n in an order that differs each time: i = start + k * stride with a stride coprime to n.
    template <typename F>
    void permuted(int n, F visit) {
        unsigned stride = random() % n, at = random() % n;
        while (std::gcd(stride, static_cast<unsigned>(n)) != 1) stride++;
        for (int i = 0; i < n; i++, at = (at + stride) % n) visit(static_cast<int>(at));
    }
};
extern thread_local Executor* executor;
inline Fiber* current() { return static_cast<Fiber*>(emulated_thread); }

inline std::string triple(unsigned x, unsigned y, unsigned z) {
    return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}
inline std::string place(const char* file, int line) { return std::string(file) + ":" + std::to_string(line); }
inline std::string where(const Executor& e, const EmulatedThread* thread) {
    std::string text = "kernel " + e.launch->name + ", block " + triple(e.block.index.x, e.block.index.y, e.block.index.z);
    return thread ? text + ", thread " + triple(thread->index.x, thread->index.y, thread->index.z) : text;
}
