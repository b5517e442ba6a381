// Devices and contexts of the emulated CUDA driver (libcuda.so.1). The signatures are those of the CUDA driver
// API's reference; what the project does not call answers NOT_SUPPORTED (functions written by the build).
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "driver.h"

struct Context {
    Device* device;
    bool primary;
};
std::mutex& driver_lock = *new std::mutex();  // never destroyed: the executors outlive main()
std::condition_variable& driver_changed = *new std::condition_variable();
thread_local bool in_host_function = false;

namespace {

bool initialized = false;
Handles<Context>& contexts = *new Handles<Context>();
thread_local std::vector<Context*> context_stack;
struct ErrorText {
    Result result;
    const char *name, *text;
};
#define ERROR(name, text) {name, "CUDA_ERROR_" #name, text}
const ErrorText ERRORS[] = {
        {SUCCESS, "CUDA_SUCCESS", "no error"},
        ERROR(INVALID_VALUE, "invalid argument"),
        ERROR(OUT_OF_MEMORY, "out of memory"),
        ERROR(NOT_INITIALIZED, "initialization error"),
        ERROR(NO_DEVICE, "no CUDA-capable device is detected"),
        ERROR(INVALID_DEVICE, "invalid device ordinal"),
        ERROR(INVALID_IMAGE, "device kernel image is invalid"),
        ERROR(INVALID_CONTEXT, "invalid device context"),
        ERROR(NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
        ERROR(PEER_ACCESS_UNSUPPORTED, "peer access is not supported between these two devices"),
        ERROR(SHARED_OBJECT_INIT_FAILED, "shared object initialization failed"),
        ERROR(INVALID_HANDLE, "invalid resource handle"),
        ERROR(ILLEGAL_STATE, "the operation cannot be performed in the present state"),
        ERROR(NOT_FOUND, "named symbol not found"),
        ERROR(NOT_READY, "device not ready"),
        ERROR(ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
        ERROR(LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
        ERROR(LAUNCH_TIMEOUT, "the launch timed out and was terminated"),
        ERROR(PEER_ACCESS_ALREADY_ENABLED, "peer access is already enabled"),
        ERROR(PEER_ACCESS_NOT_ENABLED, "peer access has not been enabled"),
        ERROR(CONTEXT_IS_DESTROYED, "context is destroyed"),
        ERROR(MISALIGNED_ADDRESS, "misaligned address"),
        ERROR(LAUNCH_FAILED, "unspecified launch failure"),
        ERROR(NOT_PERMITTED, "operation not permitted"),
        ERROR(NOT_SUPPORTED, "operation not supported"),
        ERROR(STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
        ERROR(STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
        ERROR(STREAM_CAPTURE_MERGE, "operation would result in a merge of separate capture sequences"),
        ERROR(STREAM_CAPTURE_UNMATCHED, "capture was not ended in the same stream as it began"),
        ERROR(STREAM_CAPTURE_UNJOINED, "capturing stream has unjoined work"),
        ERROR(STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
        ERROR(STREAM_CAPTURE_IMPLICIT, "operation would make the legacy stream depend on a capturing blocking stream"),
        ERROR(CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
        ERROR(STREAM_CAPTURE_WRONG_THREAD, "attempt to terminate a thread-local capture sequence from another thread"),
};
const ErrorText* find_error(int result) {
    const auto* end = std::end(ERRORS);
    const auto* at = std::find_if(std::begin(ERRORS), end, [=](const ErrorText& e) { return e.result == result; });
    return at == end ? nullptr : at;
}

// CUdevice_attribute, as on an H100 with SXM.
const std::map<int, int>& attributes() {
    static const auto& table = *new std::map<int, int>{
            {1, 1024},       // threads per block
            {2, 1024},       {3, 1024},  {4, 64},           // block x, y, z
            {5, 2147483647}, {6, 65535}, {7, 65535},        // grid x, y, z
            {8, 48 * 1024},  {97, EMULATED_SHARED_BYTES},   // shared memory per block; opt-in
            {9, 64 * 1024},  {10, 32},                      // constant memory; warp
            {11, 2147483647}, {12, 65536}, {82, 65536},     // pitch; registers per block, per multiprocessor
            {13, 1980000},   {14, 512},  {36, 2619000},     // clock kHz; texture alignment; memory clock
            {15, 1},         {16, 132},  {17, 0},           // overlap; multiprocessors; launch timeout
            {18, 0},         {19, 1},    {20, 0},           // integrated; maps host memory; compute mode
            {31, 1},         {32, 1},    {35, 0},           // concurrent kernels; ECC; TCC
            {37, 5120},      {38, 50 << 20}, {39, 2048},    // bus width; L2; threads per multiprocessor
            {40, 3},         {41, 1},    {75, environment("MILLRACE_EMULATED_CAPABILITY", 90) / 10},
            {76, environment("MILLRACE_EMULATED_CAPABILITY", 90) % 10}, {78, 1},  // compute capability; stream priorities
            {81, 228 * 1024}, {83, 0},   {95, 0},           // shared memory per multiprocessor; managed memory; cooperative launch
            {106, 32},       {111, 1024}, {115, 0},         // blocks per multiprocessor; reserved shared memory; memory pools
            {33, 0},         {34, 0},    {50, 0},           // PCI bus, device, domain
    };
    return table;
}

// CUDA_VISIBLE_DEVICES: numbers of devices in the order they are to be seen in; what follows a wrong one is not seen.
std::vector<int> visible_devices() {
    const int count = static_cast<int>(environment("MILLRACE_EMULATED_DEVICES", 1));
    std::vector<int> numbers;
    const char* chosen = getenv("CUDA_VISIBLE_DEVICES");
    if (!chosen) {
        for (int i = 0; i < count; i++) numbers.push_back(i);
        return numbers;
    }
    for (char* end; *chosen; chosen = *end == ',' ? end + 1 : end) {
        const long number = strtol(chosen, &end, 10);
        if (end == chosen || number < 0 || number >= count || std::count(numbers.begin(), numbers.end(), number) > 0) break;
        numbers.push_back(static_cast<int>(number));
    }
    return numbers;
}

Result find_device(int ordinal, Device*& device) {
    if (!initialized) return NOT_INITIALIZED;
    if (ordinal < 0 || ordinal >= static_cast<int>(devices().size())) return INVALID_DEVICE;
    device = devices()[ordinal];
    return SUCCESS;
}

Context* primary_context(Device& device) {
    static auto& primaries = *new std::map<Device*, Context*>();
    Context*& context = primaries[&device];
    if (!context) context = contexts.add(std::make_shared<Context>(Context{&device, true}));
    return context;
}

void reset(Device& device) {
    reset_streams(device);
    free_all(device);
    device.sticky = SUCCESS;
    device.peers.clear();
}

}  // namespace

long environment(const char* name, long otherwise) {
    const char* value = getenv(name);
    return value && *value ? atol(value) : otherwise;
}
void complain(const std::string& message) { fprintf(stderr, "emulated GPU: %s\n", message.c_str()); }
size_t device_memory() {
    static const size_t bytes = environment("MILLRACE_EMULATED_MEMORY", 2048) << 20;
    return bytes;
}
std::vector<Device*>& devices() {
    static auto& all = *[] {
        auto* created = new std::vector<Device*>();
        for (int number : visible_devices()) {
            auto* device = new Device();
            device->ordinal = static_cast<int>(created->size());
            device->number = number;
            device->legacy = std::make_shared<Stream>(*device, 0u, 0);
            device->legacy->legacy = true;
            device->streams.push_back(device->legacy);
            created->push_back(device);
        }
        return created;
    }();
    return all;
}
Result current_device(Device*& device) {
    if (!initialized) return NOT_INITIALIZED;
    if (in_host_function) return NOT_PERMITTED;
    if (context_stack.empty() || !context_stack.back()) return INVALID_CONTEXT;
    const std::shared_ptr<Context> context = contexts.find(context_stack.back());
    if (!context || (context->primary && context->device->references == 0)) return CONTEXT_IS_DESTROYED;
    device = context->device;
    return device->sticky;
}

API cuInit(unsigned flags) {
    if (flags != 0) return INVALID_VALUE;
    Lock lock(driver_lock);
    if (devices().empty()) return NO_DEVICE;
    initialized = true;
    return SUCCESS;
}
API cuModuleGetLoadingMode(int* mode) {
    if (!initialized) return NOT_INITIALIZED;
    const char* asked = getenv("CUDA_MODULE_LOADING");
    *mode = asked && std::string(asked) == "EAGER" ? 1 : 2;
    return SUCCESS;
}
API cuDriverGetVersion(int* version) { return *version = 13000, SUCCESS; }
API cuGetErrorName(int result, const char** name) {
    const ErrorText* error = find_error(result);
    *name = error ? error->name : nullptr;
    return error ? SUCCESS : INVALID_VALUE;
}
API cuGetErrorString(int result, const char** text) {
    const ErrorText* error = find_error(result);
    *text = error ? error->text : nullptr;
    return error ? SUCCESS : INVALID_VALUE;
}

API cuDeviceGetCount(int* count) { return initialized ? (*count = static_cast<int>(devices().size()), SUCCESS) : NOT_INITIALIZED; }
API cuDeviceGet(int* handle, int ordinal) {
    Device* device;
    Result result = find_device(ordinal, device);
    return result ? result : (*handle = ordinal, SUCCESS);
}
API cuDeviceGetName(char* name, int length, int ordinal) {
    Device* device;
    Result result = find_device(ordinal, device);
    return result ? result : (snprintf(name, length, "Emulated GPU"), SUCCESS);
}
API cuDeviceTotalMem_v2(size_t* bytes, int ordinal) {
    Device* device;
    Result result = find_device(ordinal, device);
    return result ? result : (*bytes = device_memory(), SUCCESS);
}
API cuDeviceGetAttribute(int* value, int attribute, int ordinal) {
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    const auto at = attributes().find(attribute);
    if (at == attributes().end()) return INVALID_VALUE;
    *value = attribute == 33 ? device->number : at->second;
    return SUCCESS;
}
API cuDeviceGetPCIBusId(char* text, int length, int ordinal) {
    Device* device;
    Result result = find_device(ordinal, device);
    return result ? result : (snprintf(text, length, "0000:%02X:00.0", device->number), SUCCESS);
}
API cuDeviceGetUuid(unsigned char* uuid, int ordinal) {
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    std::fill_n(uuid, 16, static_cast<unsigned char>(device->number + 1));
    return SUCCESS;
}

API cuDevicePrimaryCtxRetain(Context** context, int ordinal) {
    Lock lock(driver_lock);
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    device->references++;
    *context = primary_context(*device);
    return SUCCESS;
}
API cuDevicePrimaryCtxRelease_v2(int ordinal) {
    Lock lock(driver_lock);
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    if (device->references == 0) return INVALID_CONTEXT;
    if (device->references == 1) finish(lock, *device);
    if (--device->references == 0) reset(*device);
    return SUCCESS;
}
API cuDevicePrimaryCtxReset_v2(int ordinal) {
    Lock lock(driver_lock);
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    finish(lock, *device);
    reset(*device);
    return SUCCESS;
}
API cuDevicePrimaryCtxSetFlags_v2(int ordinal, unsigned) {
    Device* device;
    return find_device(ordinal, device);
}
API cuDevicePrimaryCtxGetState(int ordinal, unsigned* flags, int* active) {
    Lock lock(driver_lock);
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    *flags = 0;
    *active = device->references > 0;
    return SUCCESS;
}
API cuCtxCreate_v2(Context** context, unsigned, int ordinal) {
    Lock lock(driver_lock);
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    *context = contexts.add(std::make_shared<Context>(Context{device, false}));
    context_stack.push_back(*context);
    return SUCCESS;
}
API cuCtxDestroy_v2(Context* handle) {
    Lock lock(driver_lock);
    const std::shared_ptr<Context> context = contexts.find(handle);
    if (!context || context->primary) return INVALID_CONTEXT;
    finish(lock, *context->device);
    contexts.remove(handle);
    if (!context_stack.empty() && context_stack.back() == handle) context_stack.pop_back();
    return SUCCESS;
}
API cuCtxPushCurrent_v2(Context* context) {
    Lock lock(driver_lock);
    if (!contexts.find(context)) return INVALID_CONTEXT;
    context_stack.push_back(context);
    return SUCCESS;
}
API cuCtxPopCurrent_v2(Context** context) {
    if (context_stack.empty()) return INVALID_CONTEXT;
    if (context) *context = context_stack.back();
    context_stack.pop_back();
    return SUCCESS;
}
API cuCtxSetCurrent(Context* context) {
    Lock lock(driver_lock);
    if (context && !contexts.find(context)) return INVALID_CONTEXT;
    if (!context_stack.empty()) context_stack.pop_back();
    if (context) context_stack.push_back(context);
    return SUCCESS;
}
API cuCtxGetCurrent(Context** context) {
    *context = context_stack.empty() ? nullptr : context_stack.back();
    return SUCCESS;
}
API cuCtxGetDevice(int* ordinal) {
    return with_device([&](Lock&, Device& device) { return *ordinal = device.ordinal, SUCCESS; });
}

API cuDeviceCanAccessPeer(int* can, int ordinal, int peer) {
    Device* device;
    if (Result result = find_device(ordinal, device)) return result;
    if (Result result = find_device(peer, device)) return result;
    *can = ordinal != peer;
    return SUCCESS;
}
API cuCtxEnablePeerAccess(Context* handle, unsigned flags) {
    return with_device([&](Lock&, Device& device) {
        const std::shared_ptr<Context> peer = contexts.find(handle);
        if (!peer || flags != 0) return peer ? INVALID_VALUE : INVALID_CONTEXT;
        if (peer->device == &device) return INVALID_DEVICE;
        auto& peers = device.peers;
        if (std::count(peers.begin(), peers.end(), peer->device->ordinal) > 0) return PEER_ACCESS_ALREADY_ENABLED;
        peers.push_back(peer->device->ordinal);
        return SUCCESS;
    });
}
API cuCtxDisablePeerAccess(Context* handle) {
    return with_device([&](Lock&, Device& device) {
        const std::shared_ptr<Context> peer = contexts.find(handle);
        if (!peer) return INVALID_CONTEXT;
        auto& peers = device.peers;
        const auto at = std::find(peers.begin(), peers.end(), peer->device->ordinal);
        if (at == peers.end()) return PEER_ACCESS_NOT_ENABLED;
        peers.erase(at);
        return SUCCESS;
    });
}
