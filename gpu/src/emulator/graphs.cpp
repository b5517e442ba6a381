// Stream capture and graphs. A graph's nodes run in an order that differs each time, within their dependencies.
#include <algorithm>

#include "streams.h"

struct Executable {
    std::vector<Node> nodes;
};

namespace {

Handles<Graph>& graphs = *new Handles<Graph>();
Handles<Executable>& executables = *new Handles<Executable>();
std::vector<GraphPtr>& captures = *new std::vector<GraphPtr>();  // going on now
thread_local CaptureMode thread_mode = GLOBAL;

Result run_nodes(const std::vector<Node>& nodes) {
    std::vector<int> waits(nodes.size()), ready;
    for (size_t i = 0; i < nodes.size(); i++) {
        waits[i] = static_cast<int>(nodes[i].after.size());
        if (waits[i] == 0) ready.push_back(static_cast<int>(i));
    }
    std::minstd_rand random;
    {
        Lock lock(driver_lock);
        random.seed(random_order());
    }
    while (!ready.empty()) {
        std::swap(ready[random() % ready.size()], ready.back());
        const int node = ready.back();
        ready.pop_back();
        if (Result result = nodes[node].action()) return result;
        for (size_t i = node + 1; i < nodes.size(); i++) {
            for (int before : nodes[i].after) {
                if (before == node && --waits[i] == 0) ready.push_back(static_cast<int>(i));
            }
        }
    }
    return SUCCESS;
}

bool joined(const Graph& graph) {
    std::vector<bool> reached(graph.nodes.size());
    for (int i : graph.origin->tail) reached[i] = true;
    for (size_t i = graph.nodes.size(); i-- > 0;) {
        if (!reached[i]) return false;
        for (int before : graph.nodes[i].after) reached[before] = true;
    }
    return true;
}

}  // namespace

Result record(const StreamPtr& stream, Action action) {
    Graph& capture = *stream->capture;
    if (capture.invalid) return STREAM_CAPTURE_INVALIDATED;
    capture.nodes.push_back({std::move(action), stream->tail});
    stream->tail = {static_cast<int>(capture.nodes.size()) - 1};
    return SUCCESS;
}

Result refuse_during_capture() {
    for (const GraphPtr& capture : captures) {
        const bool own = capture->thread == std::this_thread::get_id();
        const bool forbidden = own ? capture->mode != RELAXED && thread_mode != RELAXED : capture->mode == GLOBAL && thread_mode == GLOBAL;
        if (forbidden) return invalidate(capture, STREAM_CAPTURE_UNSUPPORTED);
    }
    return SUCCESS;
}

API cuStreamBeginCapture_v2(Stream* handle, int mode) {
    return with_stream(handle, [&](Lock&, const StreamPtr& stream) {
        if (mode < GLOBAL || mode > RELAXED) return INVALID_VALUE;
        if (stream->legacy) return STREAM_CAPTURE_UNSUPPORTED;
        if (stream->capture) return ILLEGAL_STATE;
        auto graph = std::make_shared<Graph>();
        graph->origin = stream.get();
        graph->mode = static_cast<CaptureMode>(mode);
        graph->thread = std::this_thread::get_id();
        graph->ongoing = true;
        captures.push_back(graph);
        stream->capture = graph;
        stream->tail.clear();
        return SUCCESS;
    });
}
API cuStreamEndCapture(Stream* handle, Graph** graph) {
    return with_stream(handle, [&](Lock&, const StreamPtr& stream) {
        const GraphPtr capture = stream->capture;
        if (!capture) return ILLEGAL_STATE;
        if (capture->origin != stream.get()) return invalidate(capture, STREAM_CAPTURE_UNMATCHED);
        if (capture->mode != RELAXED && capture->thread != std::this_thread::get_id()) return STREAM_CAPTURE_WRONG_THREAD;
        capture->ongoing = false;
        captures.erase(std::remove(captures.begin(), captures.end(), capture), captures.end());
        const Result result = capture->invalid ? STREAM_CAPTURE_INVALIDATED : joined(*capture) ? SUCCESS : STREAM_CAPTURE_UNJOINED;
        for (Device* device : devices()) {
            for (const StreamPtr& other : device->streams) {
                if (other->capture != capture) continue;
                other->capture = nullptr;
                other->tail.clear();
            }
        }
        *graph = result ? nullptr : graphs.add(capture);
        return result;
    });
}
API cuStreamIsCapturing(Stream* handle, int* status) {
    return with_stream(handle, [&](Lock&, const StreamPtr& stream) {
        *status = !stream->capture ? 0 : stream->capture->invalid ? 2 : 1;
        return SUCCESS;
    });
}
API cuThreadExchangeStreamCaptureMode(int* mode) {
    if (!mode || *mode < GLOBAL || *mode > RELAXED) return INVALID_VALUE;
    const CaptureMode before = thread_mode;
    thread_mode = static_cast<CaptureMode>(*mode);
    *mode = before;
    return SUCCESS;
}

API cuGraphDestroy(Graph* graph) {
    return with_device([&](Lock&, Device&) { return graphs.remove(graph) ? SUCCESS : INVALID_VALUE; });
}
API cuGraphGetNodes(Graph* handle, void** nodes, size_t* count) {
    return with_device([&](Lock&, Device&) {
        const GraphPtr graph = graphs.find(handle);
        if (!graph || !count) return INVALID_VALUE;
        for (size_t i = 0; nodes && i < std::min(*count, graph->nodes.size()); i++) nodes[i] = &graph->nodes[i];
        *count = nodes ? std::min(*count, graph->nodes.size()) : graph->nodes.size();
        return SUCCESS;
    });
}
API cuGraphInstantiateWithFlags(Executable** executable, Graph* handle, unsigned long long) {
    return with_device([&](Lock&, Device&) {
        const GraphPtr graph = graphs.find(handle);
        if (!graph || !executable) return INVALID_VALUE;
        *executable = executables.add(std::make_shared<Executable>(Executable{graph->nodes}));
        return SUCCESS;
    });
}
API cuGraphExecDestroy(Executable* executable) {
    return with_device([&](Lock&, Device&) { return executables.remove(executable) ? SUCCESS : INVALID_VALUE; });
}
API cuGraphUpload(Executable* executable, Stream*) {
    return with_device([&](Lock&, Device&) { return executables.find(executable) ? SUCCESS : INVALID_VALUE; });
}
API cuGraphLaunch(Executable* handle, Stream* streamHandle) {
    return with_device([&](Lock&, Device& device) {
        const std::shared_ptr<Executable> executable = executables.find(handle);
        StreamPtr stream;
        if (!executable) return INVALID_VALUE;
        if (Result result = find_stream(device, streamHandle, stream)) return result;
        return submit(stream, [executable] { return run_nodes(executable->nodes); });
    });
}
