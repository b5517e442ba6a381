// What streams and the graphs captured from them share.
#pragma once

#include <thread>

#include "driver.h"

struct Node {
    Action action;
    std::vector<int> after;
};
enum CaptureMode { GLOBAL, THREAD_LOCAL, RELAXED };
struct Graph {
    std::vector<Node> nodes;
    Stream* origin = nullptr;
    CaptureMode mode = GLOBAL;
    std::thread::id thread;
    bool ongoing = false, invalid = false;
};

extern Handles<Stream>& streams;
extern std::minstd_rand& random_order;

inline Result invalidate(const GraphPtr& capture, Result result) {
    capture->invalid = true;
    return result;
}
Result record(const StreamPtr& stream, Action action);  // a node of the graph that the stream is captured into

// Runs body(lock, stream) for a stream of any device.
template <typename F>
Result with_stream(Stream* handle, F body) {
    return with_device([&](Lock& lock, Device& device) {
        StreamPtr stream = reinterpret_cast<uintptr_t>(handle) <= 2 ? device.legacy : streams.find(handle);
        return stream ? body(lock, stream) : INVALID_HANDLE;
    });
}
