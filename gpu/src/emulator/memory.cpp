// Device memory and pinned host memory: each allocation is a mapping of its own that ends at a page nobody may touch, starts with all
// bits set (NaN), and has a canary between its last byte and that page. Freed memory is unmapped.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>

#include "driver.h"

namespace {

constexpr size_t PAGE = 4096, ALIGNMENT = 256, POISON_LIMIT = 64 << 20;
constexpr unsigned char CANARY = 0xa5;
constexpr int PINNED = -1;

struct Allocation {
    size_t bytes, rounded, mapped;
    void* mapping;
    int device;     // or PINNED
};
std::map<uintptr_t, Allocation>& allocations = *new std::map<uintptr_t, Allocation>();

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

uintptr_t allocate(size_t bytes, int device) {
    const size_t rounded = round_up(bytes, ALIGNMENT), mapped = round_up(rounded, PAGE) + PAGE;
    void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) return 0;
    auto* guard = static_cast<unsigned char*>(mapping) + mapped - PAGE;
    mprotect(guard, PAGE, PROT_NONE);
    unsigned char* start = guard - rounded;
    memset(start, 0xff, std::min(bytes, POISON_LIMIT));
    memset(start + bytes, CANARY, rounded - bytes);
    allocations[reinterpret_cast<uintptr_t>(start)] = {bytes, rounded, mapped, mapping, device};
    return reinterpret_cast<uintptr_t>(start);
}

std::map<uintptr_t, Allocation>::iterator find(uintptr_t address) {
    auto at = allocations.upper_bound(address);
    if (at == allocations.begin()) return allocations.end();
    --at;
    return address < at->first + std::max<size_t>(at->second.bytes, 1) ? at : allocations.end();
}

// The addresses of the last freed ones stay out of use, so that a late access to them shows.
void release(std::map<uintptr_t, Allocation>::iterator at) {
    static auto& freed = *new std::deque<std::pair<void*, size_t>>();
    mmap(at->second.mapping, at->second.mapped, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    freed.emplace_back(at->second.mapping, at->second.mapped);
    if (freed.size() > 256) {
        munmap(freed.front().first, freed.front().second);
        freed.pop_front();
    }
    allocations.erase(at);
}

}  // namespace

bool in_device_memory(uintptr_t address, size_t bytes, int ordinal) {
    auto at = find(address);
    return at != allocations.end() && at->second.device != PINNED && (ordinal < 0 || at->second.device == ordinal) &&
           bytes <= at->first + at->second.bytes - address;
}
bool in_pinned_memory(uintptr_t address, size_t bytes) {
    auto at = find(address);
    return at != allocations.end() && at->second.device == PINNED && bytes <= at->first + at->second.bytes - address;
}
int owner_of(uintptr_t address) {
    auto at = find(address);
    return at == allocations.end() ? -1 : at->second.device;
}
std::string describe_address(uintptr_t address) {
    char text[160];
    auto at = allocations.upper_bound(address);
    if (at == allocations.begin() || address - std::prev(at)->first > std::prev(at)->second.mapped + (1 << 20)) {
        snprintf(text, sizeof text, "address 0x%lx, which is near no allocation", address);
    } else {
        --at;
        snprintf(text, sizeof text, "address 0x%lx, %zu bytes after the start of an allocation of %zu", address, address - at->first,
                 at->second.bytes);
    }
    return text;
}
bool guards_intact(int ordinal, std::string& broken) {
    for (auto& [start, a] : allocations) {
        if (a.device != ordinal && a.device != PINNED) continue;
        const auto* end = reinterpret_cast<const unsigned char*>(start) + a.rounded;
        const auto* wrong = std::find_if(end - (a.rounded - a.bytes), end, [](unsigned char b) { return b != CANARY; });
        if (wrong != end) {
            broken = describe_address(reinterpret_cast<uintptr_t>(wrong));
            return false;
        }
    }
    return true;
}
void free_all(Device& device) {
    for (auto at = allocations.begin(); at != allocations.end();) {
        auto next = std::next(at);
        if (at->second.device == device.ordinal) release(at);
        at = next;
    }
    device.used = 0;
}

API cuMemAlloc_v2(uintptr_t* p, size_t bytes) {
    return with_device([&](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        if (!p || bytes == 0) return INVALID_VALUE;
        if (Result result = finish_all(lock, device)) return result;
        const size_t rounded = round_up(bytes, ALIGNMENT);
        if (rounded > device_memory() - device.used) return OUT_OF_MEMORY;
        *p = allocate(bytes, device.ordinal);
        if (!*p) return OUT_OF_MEMORY;
        device.used += rounded;
        return SUCCESS;
    });
}
API cuMemFree_v2(uintptr_t p) {
    if (p == 0) return SUCCESS;
    return with_device([&](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        auto at = allocations.find(p);
        if (at == allocations.end() || at->second.device == PINNED) return INVALID_VALUE;
        if (Result result = finish_all(lock, device)) return result;
        at = allocations.find(p);
        if (at == allocations.end()) return INVALID_VALUE;
        devices()[at->second.device]->used -= at->second.rounded;
        release(at);
        return SUCCESS;
    });
}
API cuMemGetInfo_v2(size_t* free, size_t* total) {
    return with_device([&](Lock&, Device& device) {
        if (free) *free = device_memory() - device.used;
        if (total) *total = device_memory();
        return SUCCESS;
    });
}

API cuMemHostAlloc(void** p, size_t bytes, unsigned) {
    return with_device([&](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        if (!p || bytes == 0) return INVALID_VALUE;
        if (Result result = finish_all(lock, device)) return result;
        *p = reinterpret_cast<void*>(allocate(bytes, PINNED));
        return *p ? SUCCESS : OUT_OF_MEMORY;
    });
}
API cuMemFreeHost(void* p) {
    return with_device([&](Lock& lock, Device& device) {
        if (Result result = refuse_during_capture()) return result;
        if (Result result = finish_all(lock, device)) return result;
        auto at = allocations.find(reinterpret_cast<uintptr_t>(p));
        if (at == allocations.end() || at->second.device != PINNED) return INVALID_VALUE;
        release(at);
        return SUCCESS;
    });
}

// --- copies and fills: the ranges are checked when asked for, the bytes move in the stream's order ------------------------------------------

namespace {

// Which memory one side of a copy must lie in.
enum Side { HOST, DEVICE, ANY };

bool allowed(Side side, uintptr_t p, size_t bytes, const Device& device) {
    const bool pinned = in_pinned_memory(p, bytes), inside = in_device_memory(p, bytes, -1);
    if (side == HOST) return p != 0 && owner_of(p) < 0;
    if (pinned) return true;  // one address space
    if (!inside) return side == ANY && p != 0 && owner_of(p) < 0;
    const int owner = owner_of(p);
    return owner == device.ordinal || side == ANY || std::count(device.peers.begin(), device.peers.end(), owner) > 0;
}

Result copy(Side toSide, uintptr_t to, Side fromSide, uintptr_t from, size_t bytes, Stream* handle, bool wait) {
    return with_device([&](Lock& lock, Device& device) {
        StreamPtr stream;
        if (Result result = find_stream(device, handle, stream)) return result;
        if (wait) {
            if (Result result = refuse_during_capture()) return result;
        }
        if (bytes == 0) return SUCCESS;
        if (!allowed(toSide, to, bytes, device) || !allowed(fromSide, from, bytes, device)) return INVALID_VALUE;
        auto pageable = [&](uintptr_t p) { return !in_device_memory(p, bytes, -1) && !in_pinned_memory(p, bytes); };
        auto* target = reinterpret_cast<void*>(to);
        const auto* source = reinterpret_cast<const char*>(from);
        Result result;
        if (!stream->capture && pageable(from)) {  // is staged before the call returns
            result = submit(stream, [staged = std::vector<char>(source, source + bytes), target] {
                return guarded("copy", [&] { memcpy(target, staged.data(), staged.size()); });
            });
        } else {
            result = submit(stream, [=] { return guarded("copy", [&] { memcpy(target, source, bytes); }); });
        }
        if (result || stream->capture || !(wait || pageable(to))) return result;
        return finish(lock, stream, stream->submitted);
    });
}

template <typename T>
Result fill(uintptr_t to, T value, size_t count, Stream* handle, bool wait) {
    return with_device([&](Lock& lock, Device& device) {
        StreamPtr stream;
        if (Result result = find_stream(device, handle, stream)) return result;
        if (wait) {
            if (Result result = refuse_during_capture()) return result;
        }
        if (count == 0) return SUCCESS;
        if (to % sizeof(T) != 0 || !allowed(DEVICE, to, count * sizeof(T), device)) return INVALID_VALUE;
        Result result = submit(stream, [=] {
            return guarded("fill", [&] { std::fill_n(reinterpret_cast<T*>(to), count, value); });
        });
        return result || !wait ? result : finish(lock, stream, stream->submitted);
    });
}

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

}  // namespace

API cuMemcpyHtoD_v2(uintptr_t to, const void* from, size_t n) { return copy(DEVICE, to, HOST, address(from), n, nullptr, true); }
API cuMemcpyDtoH_v2(void* to, uintptr_t from, size_t n) { return copy(HOST, address(to), DEVICE, from, n, nullptr, true); }
API cuMemcpyDtoD_v2(uintptr_t to, uintptr_t from, size_t n) { return copy(DEVICE, to, DEVICE, from, n, nullptr, true); }
API cuMemcpy(uintptr_t to, uintptr_t from, size_t n) { return copy(ANY, to, ANY, from, n, nullptr, true); }
API cuMemcpyHtoDAsync_v2(uintptr_t to, const void* from, size_t n, Stream* s) { return copy(DEVICE, to, HOST, address(from), n, s, false); }
API cuMemcpyDtoHAsync_v2(void* to, uintptr_t from, size_t n, Stream* s) { return copy(HOST, address(to), DEVICE, from, n, s, false); }
API cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t n, Stream* s) { return copy(DEVICE, to, DEVICE, from, n, s, false); }
API cuMemcpyAsync(uintptr_t to, uintptr_t from, size_t n, Stream* s) { return copy(ANY, to, ANY, from, n, s, false); }
API cuMemcpyPeer(uintptr_t to, void*, uintptr_t from, void*, size_t n) { return copy(ANY, to, ANY, from, n, nullptr, true); }
API cuMemcpyPeerAsync(uintptr_t to, void*, uintptr_t from, void*, size_t n, Stream* s) { return copy(ANY, to, ANY, from, n, s, false); }

API cuMemsetD8_v2(uintptr_t to, unsigned char v, size_t n) { return fill<uint8_t>(to, v, n, nullptr, true); }
API cuMemsetD32_v2(uintptr_t to, unsigned v, size_t n) { return fill<uint32_t>(to, v, n, nullptr, true); }
API cuMemsetD8Async(uintptr_t to, unsigned char v, size_t n, Stream* s) { return fill<uint8_t>(to, v, n, s, false); }
API cuMemsetD32Async(uintptr_t to, unsigned v, size_t n, Stream* s) { return fill<uint32_t>(to, v, n, s, false); }
