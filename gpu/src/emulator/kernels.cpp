// Modules, functions and kernel launches.
#include <dlfcn.h>

#include <algorithm>

#include "driver.h"

struct Function;
struct Module {
    void* library;
    Device* device;
    std::map<std::string, std::shared_ptr<Function>> functions;
};
struct Function {
    Module* module;
    std::string name;
    const EmulatedKernel* kernel;
    int maxDynamicShared = 48 * 1024;
};

namespace {

Handles<Module>& modules = *new Handles<Module>();
Handles<Function>& functions = *new Handles<Function>();
const char MAGIC[] = "MILLRACE EMULATOR\n";  // then the path of the kernels' shared object and a newline

struct LaunchAttribute {
    int id;
    alignas(8) int value[16];
};
struct LaunchConfiguration {
    dim3 grid, block;
    unsigned sharedBytes;
    Stream* stream;
    const LaunchAttribute* attributes;
    unsigned attributeCount;
};
constexpr int PROGRAMMATIC_STREAM_SERIALIZATION = 6;

Result load_module(Module** handle, const void* image) {
    return with_device([&](Lock&, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        if (!handle || !image) return INVALID_VALUE;
        const char* text = static_cast<const char*>(image);
        if (memcmp(image, "\x50\xed\x55\xba", 4) == 0 || memcmp(image, "\177ELF", 4) == 0) return NO_BINARY_FOR_GPU;
        if (strncmp(text, MAGIC, sizeof MAGIC - 1) != 0) return INVALID_IMAGE;
        text += sizeof MAGIC - 1;
        const std::string path(text, strcspn(text, "\n"));
        void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            complain(dlerror());
            return SHARED_OBJECT_INIT_FAILED;
        }
        *handle = modules.add(std::make_shared<Module>(Module{library, &device, {}}));
        return SUCCESS;
    });
}

bool valid_shape(const Function& f, dim3 grid, dim3 block, unsigned sharedBytes) {
    const auto in = [](unsigned n, unsigned most) { return n >= 1 && n <= most; };
    const bool sizes = in(grid.x, 0x7fffffff) && in(grid.y, 65535) && in(grid.z, 65535) && in(block.x, 1024) && in(block.y, 1024) && in(block.z, 64);
    return sizes && static_cast<uint64_t>(block.x) * block.y * block.z <= 1024 && sharedBytes <= static_cast<unsigned>(f.maxDynamicShared);
}

std::vector<size_t> argument_offsets(const EmulatedKernel& kernel) {
    std::vector<size_t> offsets;
    size_t offset = 0;
    for (int i = 0; i < kernel.arguments; i++) {
        offset = (offset + kernel.alignments[i] - 1) / kernel.alignments[i] * kernel.alignments[i];
        offsets.push_back(offset);
        offset += kernel.sizes[i];
    }
    offsets.push_back(offset);  // behind the last
    return offsets;
}

// Copies the arguments out of the caller's memory, given as pointers to each or as one packed buffer.
Result copy_arguments(Launch& launch, void** parameters, void** extra) {
    const EmulatedKernel& kernel = *launch.kernel;
    const char* packed = nullptr;
    size_t packedBytes = 0;
    for (int i = 0; extra && extra[i] != nullptr && i < 8; i += 2) {
        if (extra[i] == reinterpret_cast<void*>(1)) packed = static_cast<const char*>(extra[i + 1]);
        if (extra[i] == reinterpret_cast<void*>(2)) packedBytes = *static_cast<size_t*>(extra[i + 1]);
    }
    if (kernel.arguments > 0 && (parameters != nullptr) == (packed != nullptr)) return INVALID_VALUE;
    const std::vector<size_t> offsets = argument_offsets(kernel);
    if (packed && packedBytes < offsets.back()) return INVALID_VALUE;
    launch.storage.resize(offsets.back() + 1);
    auto* storage = launch.storage.data();
    for (int i = 0; i < kernel.arguments; i++) {
        if (!packed && !parameters[i]) return INVALID_VALUE;
        memcpy(storage + offsets[i], packed ? packed + offsets[i] : parameters[i], kernel.sizes[i]);
        launch.arguments.push_back(storage + offsets[i]);
    }
    return SUCCESS;
}

// A pointer to another device's memory is no valid argument without peer access.
bool reachable(const Device& device, const Launch& launch) {
    for (int i = 0; i < launch.kernel->arguments; i++) {
        if (launch.kernel->sizes[i] != 8) continue;
        uintptr_t value;
        memcpy(&value, launch.arguments[i], sizeof value);
        const int owner = owner_of(value);
        if (owner >= 0 && owner != device.ordinal && std::count(device.peers.begin(), device.peers.end(), owner) == 0) return false;
    }
    return true;
}

Result run_kernel(const Device& device, const Launch& launch) {
    {
        Lock lock(driver_lock);
        if (!reachable(device, launch)) {
            complain("kernel " + launch.name + " was given memory of a device without peer access to it");
            return ILLEGAL_ADDRESS;
        }
    }
    if (Result result = run_grid(launch)) return result;
    Lock lock(driver_lock);
    std::string broken;
    if (guards_intact(device.ordinal, broken)) return SUCCESS;
    complain("kernel " + launch.name + " wrote to " + broken);
    return ILLEGAL_ADDRESS;
}

template <typename F>
Result with_function(Function* handle, F body) {
    return with_device([&](Lock&, Device& device) {
        std::shared_ptr<Function> function = functions.find(handle);
        return function && function->module->device == &device ? body(device, function) : INVALID_HANDLE;
    });
}

Result launch_kernel(const LaunchConfiguration& configuration, Function* handle, void** parameters, void** extra) {
    return with_function(handle, [&](Device& device, const std::shared_ptr<Function>& f) {
        StreamPtr stream;
        if (Result result = find_stream(device, configuration.stream, stream)) return result;
        auto launch = std::make_shared<Launch>();
        launch->kernel = f->kernel;
        launch->name = f->name;
        launch->grid = configuration.grid;
        launch->block = configuration.block;
        launch->sharedBytes = static_cast<int>(configuration.sharedBytes);
        for (unsigned i = 0; i < configuration.attributeCount; i++) {
            if (configuration.attributes[i].id != PROGRAMMATIC_STREAM_SERIALIZATION) return NOT_SUPPORTED;
            launch->overlapping = configuration.attributes[i].value[0] != 0;
        }
        if (!valid_shape(*f, launch->grid, launch->block, configuration.sharedBytes)) return INVALID_VALUE;
        const dim3 block = launch->block;
        if (block.x * block.y * block.z > static_cast<unsigned>(f->kernel->maxThreads)) return LAUNCH_OUT_OF_RESOURCES;
        if (Result result = copy_arguments(*launch, parameters, extra)) return result;
        return submit(stream, [&device, launch] { return run_kernel(device, *launch); });
    });
}

}  // namespace

API cuModuleLoadData(Module** module, const void* image) { return load_module(module, image); }
API cuModuleLoadDataEx(Module** module, const void* image, unsigned, int*, void**) { return load_module(module, image); }
API cuModuleUnload(Module* handle) {
    return with_device([&](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        const std::shared_ptr<Module> module = modules.find(handle);
        if (!module) return INVALID_HANDLE;
        Result result = finish(lock, device);
        for (auto& [name, function] : module->functions) functions.remove(function.get());
        modules.remove(handle);
        dlclose(module->library);
        return result;
    });
}
API cuModuleGetFunction(Function** function, Module* handle, const char* name) {
    return with_device([&](Lock&, Device&) {
        const std::shared_ptr<Module> module = modules.find(handle);
        if (!module) return INVALID_HANDLE;
        std::shared_ptr<Function>& known = module->functions[name];
        if (!known) {
            const void* kernel = dlsym(module->library, (std::string("emulated_kernel_") + name).c_str());
            if (!kernel) {
                module->functions.erase(name);
                return NOT_FOUND;
            }
            known = std::make_shared<Function>(Function{handle, name, static_cast<const EmulatedKernel*>(kernel)});
            functions.add(known);
        }
        *function = known.get();
        return SUCCESS;
    });
}
API cuFuncGetAttribute(int* value, int attribute, Function* handle) {
    return with_function(handle, [&](Device&, const std::shared_ptr<Function>& f) {
        const int values[] = {f->kernel->maxThreads, 0, 0, 0, 32, 90, 90, 0, f->maxDynamicShared, -1};
        if (attribute < 0 || attribute > 9) return INVALID_VALUE;
        *value = values[attribute];
        return SUCCESS;
    });
}
API cuFuncSetAttribute(Function* handle, int attribute, int value) {
    return with_function(handle, [&](Device&, const std::shared_ptr<Function>& f) {
        if (attribute == 9) return SUCCESS;  // the preferred share of shared memory
        if (attribute != 8 || value < 0 || value > EMULATED_SHARED_BYTES) return INVALID_VALUE;
        f->maxDynamicShared = value;
        return SUCCESS;
    });
}
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* handle, int threads, size_t sharedBytes) {
    return with_function(handle, [&](Device&, const std::shared_ptr<Function>&) {
        if (threads < 1 || threads > 1024) return INVALID_VALUE;
        *blocks = std::min({2048 / threads, 32, static_cast<int>(228 * 1024 / (sharedBytes + 1024))});
        return SUCCESS;
    });
}

API cuFuncGetParamInfo(Function* handle, size_t index, size_t* offset, size_t* bytes) {
    return with_function(handle, [&](Device&, const std::shared_ptr<Function>& f) {
        if (index >= static_cast<size_t>(f->kernel->arguments)) return INVALID_VALUE;
        *offset = argument_offsets(*f->kernel)[index];
        if (bytes) *bytes = f->kernel->sizes[index];
        return SUCCESS;
    });
}
API cuLaunchKernelEx(const LaunchConfiguration* configuration, Function* function, void** parameters, void** extra) {
    return configuration ? launch_kernel(*configuration, function, parameters, extra) : INVALID_VALUE;
}
API cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned sharedBytes,
                   Stream* stream, void** parameters, void** extra) {
    return launch_kernel({{gx, gy, gz}, {bx, by, bz}, sharedBytes, stream, nullptr, 0}, function, parameters, extra);
}
