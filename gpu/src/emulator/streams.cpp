// Streams and events. Work runs on one thread a device, in each stream's order and otherwise as late as it may:
// when somebody waits or asks for it, or when nothing was asked for a while; so a missing wait shows.
#include <algorithm>
#include <chrono>
#include <thread>

#include "streams.h"

struct Event {
    bool timing;
    StreamPtr stream;     // where it was recorded last
    uint64_t ticket = 0;  // and after how many pieces of work
    std::chrono::steady_clock::time_point time;
    GraphPtr capture;  // recorded in a stream that was being captured: the nodes before it
    std::vector<int> tail;
};

Handles<Stream>& streams = *new Handles<Stream>();
std::minstd_rand& random_order = *new std::minstd_rand(environment("MILLRACE_EMULATOR_SEED", 1));

namespace {

Handles<Event>& events = *new Handles<Event>();

bool done(const StreamPtr& stream, uint64_t ticket) { return !stream || stream->completed >= ticket; }

void demand(Stream& stream, uint64_t ticket) {
    stream.demanded = std::max(stream.demanded, ticket);
    stream.device.wake.notify_one();
}

// A stream with demanded work that can run; what it waits for is demanded too.
StreamPtr pick(Device& device) {
    for (bool raised = true; raised;) {
        raised = false;
        std::vector<StreamPtr> runnable;
        for (const StreamPtr& stream : device.streams) {
            if (stream->queue.empty() || stream->completed >= stream->demanded) continue;
            const Work& head = stream->queue.front();
            if (done(head.after, head.ticket)) {
                runnable.push_back(stream);
            } else if (head.after->demanded < head.ticket) {
                demand(*head.after, head.ticket);
                raised = true;
            }
        }
        if (!runnable.empty()) return runnable[random_order() % runnable.size()];
    }
    return nullptr;
}

void demand_any(Device& device) {
    std::vector<StreamPtr> pending;
    for (const StreamPtr& stream : device.streams) {
        if (!stream->queue.empty()) pending.push_back(stream);
    }
    if (!pending.empty()) {
        const StreamPtr& stream = pending[random_order() % pending.size()];
        stream->demanded = stream->submitted;
    }
}

void run(Device& device) {
    const auto patience = std::chrono::microseconds(environment("MILLRACE_EMULATOR_IDLE_MICROS", 200));
    Lock lock(driver_lock);
    for (;;) {
        const StreamPtr stream = pick(device);
        if (!stream) {
            const bool idle = std::all_of(device.streams.begin(), device.streams.end(), [](auto& s) { return s->queue.empty(); });
            if (idle) {
                device.wake.wait(lock);
            } else if (device.wake.wait_for(lock, patience) == std::cv_status::timeout) {
                demand_any(device);
            }
            continue;
        }
        Work work = std::move(stream->queue.front());
        stream->queue.pop_front();
        if (work.action && device.sticky == SUCCESS) {
            lock.unlock();
            const Result result = work.action();
            work.action = nullptr;
            lock.lock();
            if (device.sticky == SUCCESS) device.sticky = result;
        }
        stream->completed++;
        auto& all = device.streams;
        all.erase(std::remove_if(all.begin(), all.end(), [](auto& s) { return s->destroyed && s->queue.empty(); }), all.end());
        driver_changed.notify_all();
        for (Device* other : devices()) other->wake.notify_one();
    }
}

void enqueue(const StreamPtr& stream, Work work) {
    stream->queue.push_back(std::move(work));
    stream->submitted++;
    Device& device = stream->device;
    if (!device.started) {
        device.started = true;
        std::thread([&device] { run(device); }).detach();
    }
    device.wake.notify_one();
}

// The null stream and the streams that are not "non-blocking" wait for each other.
Result order_with_legacy(const StreamPtr& stream) {
    const StreamPtr legacy = stream->device.legacy;
    if (stream->blocking() && !done(legacy, legacy->submitted)) enqueue(stream, {nullptr, legacy, legacy->submitted});
    if (!stream->legacy) return SUCCESS;
    for (const StreamPtr& other : std::vector<StreamPtr>(stream->device.streams)) {
        if (!other->blocking()) continue;
        if (other->capture) return invalidate(other->capture, STREAM_CAPTURE_IMPLICIT);
        if (!done(other, other->submitted)) enqueue(stream, {nullptr, other, other->submitted});
    }
    return SUCCESS;
}

Result create_stream(Stream** handle, unsigned flags, int priority) {
    return with_device([&](Lock&, Device& device) {
        if (!handle || flags > 1) return INVALID_VALUE;
        auto stream = std::make_shared<Stream>(device, flags, priority);
        device.streams.push_back(stream);
        *handle = streams.add(stream);
        return SUCCESS;
    });
}

template <typename F>
Result with_event(Event* handle, F body) {
    return with_device([&](Lock& lock, Device&) {
        std::shared_ptr<Event> event = events.find(handle);
        return event ? body(lock, event) : INVALID_HANDLE;
    });
}

Result wait_for_event(const StreamPtr& stream, const Event& event) {
    if (event.capture) {
        if (!event.capture->ongoing) return CAPTURED_EVENT;
        if (stream->capture && stream->capture != event.capture) return invalidate(stream->capture, STREAM_CAPTURE_MERGE);
        stream->capture = event.capture;
        for (int node : event.tail) {
            if (std::count(stream->tail.begin(), stream->tail.end(), node) == 0) stream->tail.push_back(node);
        }
        return SUCCESS;
    }
    if (stream->capture) return invalidate(stream->capture, STREAM_CAPTURE_ISOLATION);
    if (event.stream) enqueue(stream, {nullptr, event.stream, event.ticket});
    return SUCCESS;
}

Result launch_host_function(Stream* handle, std::function<void()> function) {
    return with_device([&](Lock&, Device& device) {
        StreamPtr stream;
        if (Result result = find_stream(device, handle, stream)) return result;
        return submit(stream, [=] {
            in_host_function = true;
            function();
            in_host_function = false;
            return SUCCESS;
        });
    });
}

}  // namespace

Result find_stream(Device& device, Stream* handle, StreamPtr& stream) {
    stream = reinterpret_cast<uintptr_t>(handle) <= 2 ? device.legacy : streams.find(handle);
    return stream && &stream->device == &device ? SUCCESS : INVALID_HANDLE;
}

Result submit(const StreamPtr& stream, Action action) {
    if (stream->capture) return record(stream, std::move(action));
    if (Result result = order_with_legacy(stream)) return result;
    enqueue(stream, {std::move(action), nullptr, 0});
    return SUCCESS;
}

Result finish(Lock& lock, const StreamPtr& stream, uint64_t ticket) {
    demand(*stream, ticket);
    driver_changed.wait(lock, [&] { return done(stream, ticket); });
    return stream->device.sticky;
}
Result finish(Lock& lock, Device& device) {
    for (const StreamPtr& stream : std::vector<StreamPtr>(device.streams)) finish(lock, stream, stream->submitted);
    return device.sticky;
}
Result finish_all(Lock& lock, Device& device) {
    for (Device* each : devices()) finish(lock, *each);
    return device.sticky;
}

void reset_streams(Device& device) {
    for (const StreamPtr& stream : device.streams) {
        if (!stream->legacy) streams.remove(stream.get());
        stream->destroyed = !stream->legacy;
        stream->capture = nullptr;
    }
}

API cuStreamCreate(Stream** stream, unsigned flags) { return create_stream(stream, flags, 0); }
API cuStreamCreateWithPriority(Stream** stream, unsigned flags, int priority) { return create_stream(stream, flags, priority); }
API cuStreamDestroy_v2(Stream* handle) {
    return with_device([&](Lock&, Device&) {
        StreamPtr stream = streams.find(handle);
        if (!stream) return INVALID_HANDLE;
        stream->destroyed = true;
        stream->demanded = stream->submitted;
        stream->device.wake.notify_one();
        auto& all = stream->device.streams;
        if (done(stream, stream->submitted)) all.erase(std::remove(all.begin(), all.end(), stream), all.end());
        streams.remove(handle);
        return SUCCESS;
    });
}
API cuStreamSynchronize(Stream* handle) {
    return with_stream(handle, [](Lock& lock, const StreamPtr& stream) {
        if (stream->capture) return invalidate(stream->capture, STREAM_CAPTURE_UNSUPPORTED);
        if (Result result = refuse_during_capture()) return result;
        return finish(lock, stream, stream->submitted);
    });
}
API cuStreamQuery(Stream* handle) {
    return with_stream(handle, [](Lock&, const StreamPtr& stream) {
        if (stream->capture) return invalidate(stream->capture, STREAM_CAPTURE_UNSUPPORTED);
        if (done(stream, stream->submitted)) return SUCCESS;
        demand(*stream, stream->submitted);
        return NOT_READY;
    });
}
API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    return with_device([&](Lock&, Device&) { return *least = 0, *greatest = -5, SUCCESS; });
}
API cuCtxSynchronize() {
    return with_device([](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        return finish(lock, device);
    });
}

API cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* data) {
    return launch_host_function(stream, [=] { function(data); });
}

API cuEventCreate(Event** handle, unsigned flags) {
    return with_device([&](Lock&, Device&) {
        if (!handle || flags > 7) return INVALID_VALUE;
        auto event = std::make_shared<Event>();
        event->timing = (flags & 2) == 0;
        *handle = events.add(event);
        return SUCCESS;
    });
}
API cuEventDestroy_v2(Event* handle) {
    return with_event(handle, [&](Lock&, auto&) { return events.remove(handle), SUCCESS; });
}
API cuEventRecord(Event* handle, Stream* streamHandle) {
    return with_event(handle, [&](Lock&, const std::shared_ptr<Event>& event) {
        Device* device = nullptr;
        StreamPtr stream;
        if (Result result = current_device(device)) return result;
        if (Result result = find_stream(*device, streamHandle, stream)) return result;
        event->capture = stream->capture;
        event->tail = stream->tail;
        if (stream->capture) return SUCCESS;
        Result result = submit(stream, [event] { return event->time = std::chrono::steady_clock::now(), SUCCESS; });
        event->stream = stream;
        event->ticket = stream->submitted;
        return result;
    });
}
API cuStreamWaitEvent(Stream* streamHandle, Event* handle, unsigned) {
    return with_stream(streamHandle, [&](Lock&, const StreamPtr& stream) {
        const std::shared_ptr<Event> event = events.find(handle);
        return event ? wait_for_event(stream, *event) : INVALID_HANDLE;
    });
}
API cuEventSynchronize(Event* handle) {
    return with_event(handle, [](Lock& lock, const std::shared_ptr<Event>& event) {
        if (event->capture) return CAPTURED_EVENT;
        if (Result result = refuse_during_capture()) return result;
        return event->stream ? finish(lock, event->stream, event->ticket) : SUCCESS;
    });
}
API cuEventQuery(Event* handle) {
    return with_event(handle, [](Lock&, const std::shared_ptr<Event>& event) {
        if (event->capture) return CAPTURED_EVENT;
        if (Result result = refuse_during_capture()) return result;
        if (done(event->stream, event->ticket)) return SUCCESS;
        demand(*event->stream, event->ticket);
        return NOT_READY;
    });
}
API cuEventElapsedTime(float* millis, Event* startHandle, Event* endHandle) {
    return with_event(startHandle, [&](Lock&, const std::shared_ptr<Event>& start) {
        const std::shared_ptr<Event> end = events.find(endHandle);
        if (!end || !start->timing || !end->timing || !start->stream || !end->stream) return INVALID_HANDLE;
        if (!done(start->stream, start->ticket) || !done(end->stream, end->ticket)) return NOT_READY;
        *millis = std::chrono::duration<float, std::milli>(end->time - start->time).count();
        return SUCCESS;
    });
}
