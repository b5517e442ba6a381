// Runs a kernel's blocks one after another, each CUDA thread as a fiber of the calling OS thread. A fiber runs until it meets a
// barrier or a warp's collective operation; their order is another one in each launch and after each barrier.
#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "fibers.h"

__attribute__((visibility("default"))) thread_local EmulatedThread* emulated_thread = nullptr;
thread_local Executor* executor = nullptr;

// void switch_stack(void** save, void* load): saves the callee-saved registers on this stack and takes those of the other.
extern "C" void switch_stack(void** save, void* load);
asm(R"(
.text
.type switch_stack, @function
switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");

namespace {

std::atomic<unsigned> launches{0};

bool same_place(const Fiber& fiber, const char* file, int line) {
    return fiber.line == line && (fiber.file == file || strcmp(fiber.file, file) == 0);
}

unsigned char* take_stack(Executor& e) {
    if (e.stacks.empty()) {
        void* memory = mmap(nullptr, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        mprotect(memory, GUARD_BYTES, PROT_NONE);
        return static_cast<unsigned char*>(memory);
    }
    unsigned char* stack = e.stacks.back();
    e.stacks.pop_back();
    return stack;
}

void release_barrier(Executor& e) {
    int result = e.predicates;
    if (e.kind == EMULATED_SYNC_OR) result = e.predicates > 0;
    if (e.kind == EMULATED_SYNC_AND) result = e.predicates == e.waiting;
    e.waiting = e.predicates = 0;
    e.permuted(e.threads, [&](int i) {
        Fiber& fiber = e.fibers[i];
        if (fiber.state != AT_BARRIER) return;
        fiber.result = result;
        fiber.state = READY;
        e.push(&fiber);
    });
}

// Leaves a fiber that is ready, waits or failed; returns when it is resumed.
void leave(Fiber* fiber, void* to) { switch_stack(&fiber->stackPointer, to); }
void wait_here(Executor& e, Fiber* fiber) {
    if (Fiber* next = e.readyHead == e.readyTail ? nullptr : e.ready[e.readyHead % 1024]; next && next->state != NEW) {
        e.pop();
        if (next == fiber) return;
        emulated_thread = next;
        leave(fiber, next->stackPointer);
    } else {
        leave(fiber, e.mainStack);
    }
}

void fiber_main() {
    Executor& e = *executor;
    Fiber* fiber = current();
    e.launch->kernel->call(const_cast<void**>(e.launch->arguments.data()));
    fiber->state = DONE;
    Warp& warp = e.warps[(fiber - e.fibers.data()) / 32];
    warp.done |= 1u << fiber->lane;
    for (int lane = 0; lane < 32; lane++) {
        const Fiber& other = *(fiber - fiber->lane + lane);
        if (warp.waiting >> lane & 1 && other.mask >> fiber->lane & 1) {
            emulated_fail(LAUNCH_FAILED, other.file, other.line, "a thread ended while its warp waits for it");
        }
    }
    e.live--;
    if (e.waiting > 0 && e.waiting == e.live) release_barrier(e);
    leave(fiber, e.mainStack);
}

void resume(Executor& e, Fiber* fiber) {
    if (fiber->state == NEW) {
        fiber->state = READY;
        fiber->stack = take_stack(e);
        void** top = reinterpret_cast<void**>(fiber->stack + GUARD_BYTES + STACK_BYTES) - 1;  // after the return into it 8 past a multiple of 16
        *--top = reinterpret_cast<void*>(&fiber_main);
        top -= 6;
        std::fill(top, top + 6, nullptr);
        fiber->stackPointer = top;
    }
    emulated_thread = fiber;
    switch_stack(&e.mainStack, fiber->stackPointer);
    Fiber* last = current();
    if (last->state == DONE && last->stack) {
        e.stacks.push_back(last->stack);
        last->stack = nullptr;
    }
}

void report_deadlock(Executor& e) {
    std::string text = where(e, nullptr) + ": deadlock";
    int told = 0;
    for (int i = 0; i < e.threads && told < 4; i++) {
        const Fiber& fiber = e.fibers[i];
        bool first = i == 0 || e.fibers[i - 1].state != fiber.state || e.fibers[i - 1].line != fiber.line;
        if (!first || (fiber.state != AT_BARRIER && fiber.state != AT_COLLECTIVE)) continue;
        text += "\n  thread " + triple(fiber.index.x, fiber.index.y, fiber.index.z) + " waits at " + place(fiber.file, fiber.line) +
                (fiber.state == AT_BARRIER ? " for the block" : " for its warp");
        told++;
    }
    complain(text);
    e.result = LAUNCH_FAILED;
}

SharedRange shared_range(const EmulatedKernel& kernel) {
    SharedRange range{kernel.shared(), nullptr, nullptr};
    dl_iterate_phdr(
            [](dl_phdr_info* info, size_t, void* data) {
                auto& range = *static_cast<SharedRange*>(data);
                auto* begin = static_cast<unsigned char*>(info->dlpi_tls_data);
                for (int i = 0; i < info->dlpi_phnum && begin; i++) {
                    if (info->dlpi_phdr[i].p_type != PT_TLS) continue;
                    if (range.dynamic < begin || range.dynamic >= begin + info->dlpi_phdr[i].p_memsz) continue;
                    range.begin = begin;
                    range.end = begin + info->dlpi_phdr[i].p_memsz;
                    return 1;
                }
                return 0;
            },
            &range);
    return range;
}
constexpr int DYNAMIC_BYTES = EMULATED_SHARED_BYTES + EMULATED_SHARED_MARGIN;

void poison_shared(const SharedRange& shared, int dynamicBytes) {
    std::fill(shared.begin, shared.dynamic, 0xff);
    std::fill(shared.dynamic, shared.dynamic + dynamicBytes + EMULATED_SHARED_MARGIN, 0xff);
    std::fill(shared.dynamic + DYNAMIC_BYTES, shared.end, 0xff);
}

void start_block(Executor& e, long index) {
    const Launch& launch = *e.launch;
    e.block.index = {static_cast<unsigned>(index % launch.grid.x), static_cast<unsigned>(index / launch.grid.x % launch.grid.y),
                     static_cast<unsigned>(index / launch.grid.x / launch.grid.y)};
    e.live = e.threads;
    e.waiting = e.predicates = 0;
    e.readyHead = e.readyTail = 0;
    e.waitedForGrid = false;
    e.bulkCopies.clear();
    std::fill(e.warps.begin(), e.warps.end(), Warp{});
    for (int i = 0; i < e.threads; i++) {
        Fiber& fiber = e.fibers[i];
        const unsigned x = launch.block.x, y = launch.block.y;
        fiber.index = {i % x, i / x % y, i / (x * y)};
        fiber.lane = i % 32;
        fiber.block = &e.block;
        fiber.state = NEW;
        fiber.stack = nullptr;
        fiber.copies.clear();
        fiber.group = 0;
        e.warps[i / 32].lanes |= 1u << fiber.lane;
    }
    e.permuted(e.threads, [&](int i) { e.push(&e.fibers[i]); });
}

void run_block(Executor& e, long index) {
    poison_shared(e.shared, e.launch->sharedBytes);
    start_block(e, index);
    while (e.result == SUCCESS) {
        Fiber* next = e.pop();
        if (!next) break;
        resume(e, next);
    }
    if (e.result == SUCCESS && e.live > 0) report_deadlock(e);
    if (e.result == SUCCESS && e.launch->overlapping && !e.waitedForGrid) {
        complain(where(e, nullptr) + ": launched to overlap the kernel ahead, and no thread called griddepcontrol_wait()");
        e.result = LAUNCH_FAILED;
    }
    if (e.result == SUCCESS && !e.bulkCopies.empty()) {
        complain(where(e, nullptr) + ": ended before a bulk copy of its had arrived");
        e.result = LAUNCH_FAILED;
    }
    const unsigned char* margin = e.shared.dynamic + e.launch->sharedBytes;
    if (e.result == SUCCESS && std::any_of(margin, margin + EMULATED_SHARED_MARGIN, [](unsigned char b) { return b != 0xff; })) {
        complain(where(e, nullptr) + ": wrote behind its " + std::to_string(e.launch->sharedBytes) + " bytes of dynamic shared memory");
        e.result = ILLEGAL_ADDRESS;
    }
    if (e.result != SUCCESS) {
        for (int i = 0; i < e.threads; i++) {
            if (e.fibers[i].stack) e.stacks.push_back(e.fibers[i].stack);
        }
    }
}

}  // namespace

Result run_grid(const Launch& launch) {
    return guarded(launch.name.c_str(), [&] {
        Executor& e = *executor;
        const unsigned seed = environment("MILLRACE_EMULATOR_SEED", 1) * 7919u + launches++;
        e.random.seed(seed);
        e.launch = &launch;
        e.block.size = launch.block;
        e.block.grid = launch.grid;
        e.threads = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
        e.shared = shared_range(*launch.kernel);
        const long blocks = static_cast<long>(launch.grid.x) * launch.grid.y * launch.grid.z;
        // Several devices: kernels may wait for their peers' blocks, so that these must come in the same order everywhere.
        const bool reversed = devices().size() == 1 && seed % 2 == 1;
        for (long i = 0; i < blocks && e.result == SUCCESS; i++) run_block(e, reversed ? blocks - 1 - i : i);
    });
}

// --- what kernels call ---------------------------------------------------------------------------------------------------------------

EXPORT void emulated_fail(int result, const char* file, int line, const char* what) {
    Executor& e = *executor;
    complain(where(e, emulated_thread) + ": " + what + ", at " + place(file, line));
    e.result = static_cast<Result>(result);
    leave(current(), e.mainStack);
    __builtin_unreachable();
}

EXPORT int emulated_barrier(EmulatedBarrier kind, int predicate, const char* file, int line) {
    Executor& e = *executor;
    Fiber* fiber = current();
    fiber->file = file;
    fiber->line = line;
    if (e.waiting > 0) {
        const Fiber& other = *e.firstWaiting;
        if (kind != e.kind || !same_place(other, file, line)) {
            const std::string text = "divergent barrier: thread " + triple(other.index.x, other.index.y, other.index.z) + " waits at " +
                                     place(other.file, other.line);
            emulated_fail(LAUNCH_FAILED, file, line, text.c_str());
        }
    }
    if (e.waiting == 0) e.firstWaiting = fiber;
    e.kind = kind;
    e.predicates += predicate != 0;
    e.waiting++;
    fiber->state = AT_BARRIER;
    if (e.waiting == e.live) release_barrier(e);
    wait_here(e, fiber);
    return fiber->result;
}

EXPORT void emulated_collective(unsigned mask, void (*run)(unsigned, void**), void* operand, const char* file, int line) {
    Executor& e = *executor;
    Fiber* fiber = current();
    Fiber* lanes = fiber - fiber->lane;
    Warp& warp = e.warps[(fiber - e.fibers.data()) / 32];
    if (!(mask >> fiber->lane & 1)) emulated_fail(LAUNCH_FAILED, file, line, "the mask lacks the calling lane");
    if (mask & ~warp.lanes) emulated_fail(LAUNCH_FAILED, file, line, "the mask names lanes that the block does not have");
    if (mask & warp.done) emulated_fail(LAUNCH_FAILED, file, line, "the mask names lanes whose threads have ended");
    fiber->mask = mask;
    fiber->run = run;
    fiber->operand = operand;
    fiber->file = file;
    fiber->line = line;
    fiber->state = AT_COLLECTIVE;
    warp.waiting |= 1u << fiber->lane;
    if ((warp.waiting & mask) != mask) {
        wait_here(e, fiber);
        return;
    }
    void* operands[32] = {};
    for (int i = 0; i < 32; i++) {
        if (!(mask >> i & 1)) continue;
        const Fiber& lane = lanes[i];
        if (lane.mask != mask || lane.run != run || !same_place(lane, file, line)) {
            const std::string text = "divergent warp: lane " + std::to_string(i) + " is at " + place(lane.file, lane.line);
            emulated_fail(LAUNCH_FAILED, file, line, text.c_str());
        }
        operands[i] = lane.operand;
    }
    run(mask, operands);
    warp.waiting &= ~mask;
    const int first = static_cast<int>(e.random() % 32);
    for (int k = 0; k < 32; k++) {
        const int i = (first + k) % 32;
        if (!(mask >> i & 1)) continue;
        lanes[i].state = READY;
        if (i != fiber->lane) e.push(&lanes[i]);
    }
}

EXPORT void emulated_yield() {
    sched_yield();
    executor->push(current());
    wait_here(*executor, current());
}

EXPORT void emulated_grid_wait() { executor->waitedForGrid = true; }

EXPORT void emulated_shared_access(const void* address, int bytes, const char* file, int line) {
    const auto* at = static_cast<const unsigned char*>(address);
    const SharedRange& shared = executor->shared;
    if (at < shared.begin || at + bytes > shared.end) emulated_fail(ILLEGAL_ADDRESS, file, line, "address not in shared memory");
    if (reinterpret_cast<uintptr_t>(at) % bytes != 0) emulated_fail(MISALIGNED_ADDRESS, file, line, "misaligned shared memory address");
}

EXPORT void emulated_copy_async(void* to, const void* from, bool valid, const char* file, int line) {
    emulated_shared_access(to, 16, file, line);
    if (reinterpret_cast<uintptr_t>(from) % 16 != 0) emulated_fail(MISALIGNED_ADDRESS, file, line, "misaligned global memory address");
    memset(to, 0xff, 16);
    current()->copies.push_back({to, from, valid, current()->group});
}
EXPORT void emulated_copy_commit() { current()->group++; }
EXPORT void emulated_copy_wait(int newest) {
    Fiber* fiber = current();
    auto due = [=](const AsyncCopy& copy) { return copy.group < fiber->group - newest; };
    for (const AsyncCopy& copy : fiber->copies) {
        if (!due(copy)) continue;
        if (copy.valid) {
            memcpy(copy.to, copy.from, 16);
        } else {
            memset(copy.to, 0, 16);
        }
    }
    fiber->copies.erase(std::remove_if(fiber->copies.begin(), fiber->copies.end(), due), fiber->copies.end());
}

EXPORT void emulated_bulk_copy(void* to, const void* from, int bytes, const void* barrier, const char* file, int line) {
    emulated_shared_access(to, 16, file, line);
    if (bytes <= 0 || bytes % 16 != 0 || reinterpret_cast<uintptr_t>(from) % 16 != 0) {
        emulated_fail(MISALIGNED_ADDRESS, file, line, "bulk copy of no multiple of 16 bytes, or from no such address");
    }
    emulated_shared_access(static_cast<unsigned char*>(to) + bytes - 16, 16, file, line);
    memset(to, 0xff, bytes);
    executor->bulkCopies.push_back({to, from, bytes, barrier});
}
EXPORT int emulated_bulk_wait(const void* barrier) {
    int bytes = 0;
    auto due = [=](const BulkCopy& copy) { return copy.barrier == barrier; };
    auto& copies = executor->bulkCopies;
    for (const BulkCopy& copy : copies) {
        if (!due(copy)) continue;
        memcpy(copy.to, copy.from, copy.bytes);
        bytes += copy.bytes;
    }
    copies.erase(std::remove_if(copies.begin(), copies.end(), due), copies.end());
    return bytes;
}
