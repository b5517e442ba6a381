// What the emulated driver's files share: result codes, devices, streams and the way work reaches them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#define EMULATED_DRIVER
#include "cuda_emulator.h"

#define API extern "C" __attribute__((visibility("default"))) Result

enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    CONTEXT_IS_DESTROYED = 709,
    NO_BINARY_FOR_GPU = 209,
    PEER_ACCESS_UNSUPPORTED = 217,
    SHARED_OBJECT_INIT_FAILED = 303,
    INVALID_HANDLE = 400,
    ILLEGAL_STATE = 401,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_TIMEOUT = 702,
    PEER_ACCESS_ALREADY_ENABLED = 704,
    PEER_ACCESS_NOT_ENABLED = 705,
    MISALIGNED_ADDRESS = 716,
    LAUNCH_FAILED = 719,
    NOT_PERMITTED = 800,
    NOT_SUPPORTED = 801,
    STREAM_CAPTURE_UNSUPPORTED = 900,
    STREAM_CAPTURE_INVALIDATED = 901,
    STREAM_CAPTURE_MERGE = 902,
    STREAM_CAPTURE_UNMATCHED = 903,
    STREAM_CAPTURE_UNJOINED = 904,
    STREAM_CAPTURE_ISOLATION = 905,
    STREAM_CAPTURE_IMPLICIT = 906,
    CAPTURED_EVENT = 907,
    STREAM_CAPTURE_WRONG_THREAD = 908,
};

#pragma GCC visibility push(default)  // libcublas.so.12 uses these of libcuda.so.1

using Lock = std::unique_lock<std::mutex>;
using Action = std::function<Result()>;
struct Stream;
struct Graph;
using StreamPtr = std::shared_ptr<Stream>;
using GraphPtr = std::shared_ptr<Graph>;

// Owns the handles given out of one kind, so that one that is closed or was never given is told apart.
template <typename T>
class Handles {
public:
    T* add(std::shared_ptr<T> object) {
        T* handle = object.get();
        open[handle] = std::move(object);
        return handle;
    }
    std::shared_ptr<T> find(T* handle) const {
        auto at = open.find(handle);
        return at == open.end() ? nullptr : at->second;
    }
    bool remove(T* handle) { return open.erase(handle) > 0; }

private:
    std::map<T*, std::shared_ptr<T>> open;
};

struct Device {
    int ordinal = 0;  // as this process sees it
    int number = 0;   // on the machine
    Result sticky = SUCCESS;  // the first failure of a kernel: every later call gives it back, until the context is reset
    size_t used = 0;
    std::vector<int> peers;  // ordinals whose memory this device may touch
    int references = 0;      // of the primary context
    StreamPtr legacy;        // the null stream
    std::vector<StreamPtr> streams;
    std::condition_variable wake;
    bool started = false;
};

// One piece of work of a stream: an action, or a wait for another stream to have completed `ticket` pieces.
struct Work {
    Action action;
    StreamPtr after;
    uint64_t ticket = 0;
};
struct Stream : std::enable_shared_from_this<Stream> {
    explicit Stream(Device& device, unsigned flags, int priority) : device(device), flags(flags), priority(priority) {}
    Device& device;
    unsigned flags;
    int priority;
    bool legacy = false, destroyed = false;
    std::deque<Work> queue;
    uint64_t submitted = 0, completed = 0, demanded = 0;
    GraphPtr capture;       // where this stream's work is recorded, while it is being captured
    std::vector<int> tail;  // the nodes that its next one depends on
    bool blocking() const { return !legacy && (flags & 1) == 0; }
};

// --- driver.cpp --------------------------------------------------------------------------------------------------------------------
extern std::mutex& driver_lock;
extern std::condition_variable& driver_changed;
std::vector<Device*>& devices();
size_t device_memory();  // bytes of each
extern thread_local bool in_host_function;  // where no call into the driver is allowed
Result current_device(Device*& device);     // of the calling thread's context; its sticky error where it has one
long environment(const char* name, long otherwise);

// Runs body(lock, device) for the calling thread's device with the driver locked.
template <typename F>
Result with_device(F body) {
    Lock lock(driver_lock);
    Device* device = nullptr;
    if (Result result = current_device(device)) return result;
    return body(lock, *device);
}

// --- streams.cpp -------------------------------------------------------------------------------------------------------------------
Result find_stream(Device& device, Stream* handle, StreamPtr& stream);  // a null handle: the device's null stream
Result submit(const StreamPtr& stream, Action action);                 // the driver is locked
Result finish(Lock& lock, const StreamPtr& stream, uint64_t ticket);   // waits until that much is completed
Result finish(Lock& lock, Device& device);                             // all streams
Result finish_all(Lock& lock, Device& device);                         // of all devices; the result of one
Result refuse_during_capture();  // an error if a call that may synchronise is made while a capture forbids it
void reset_streams(Device& device);

// --- memory.cpp --------------------------------------------------------------------------------------------------------------------
bool in_device_memory(uintptr_t address, size_t bytes, int ordinal);  // inside one allocation; any device for -1
bool in_pinned_memory(uintptr_t address, size_t bytes);
int owner_of(uintptr_t address);  // the device whose allocation this lies in, or -1
std::string describe_address(uintptr_t address);
bool guards_intact(int ordinal, std::string& broken);  // no canary behind an allocation was written
void free_all(Device& device);

// --- fibers.cpp --------------------------------------------------------------------------------------------------------------------
struct Launch {
    const EmulatedKernel* kernel;
    std::string name;
    dim3 grid, block;
    int sharedBytes;
    bool overlapping = false;  // may begin before the kernel ahead has ended (programmatic dependent launch)
    std::vector<unsigned char> storage;
    std::vector<void*> arguments;  // into storage
};
Result run_grid(const Launch& launch);          // on the calling thread
Result guarded(const char* what, const std::function<void()>& body);  // a fault in body becomes an error
void complain(const std::string& message);      // on stderr

#pragma GCC visibility pop
