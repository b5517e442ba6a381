// Shows that the emulator computes what CUDA computes and notices what CUDA forbids. Expected values are plain loops over the
// layouts that the PTX ISA tells. Every misuse leaves the context broken, as on a device, until it is reset.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
typedef uintptr_t Pointer;
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxReset_v2(int);
int cuCtxEnablePeerAccess(void*, unsigned);
int cuCtxSetCurrent(void*);
int cuCtxSynchronize();
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuMemAlloc_v2(Pointer*, size_t);
int cuMemFree_v2(Pointer);
int cuMemHostAlloc(void**, size_t, unsigned);
int cuMemcpyHtoD_v2(Pointer, const void*, size_t);
int cuMemcpyDtoH_v2(void*, Pointer, size_t);
int cuMemcpyHtoDAsync_v2(Pointer, const void*, size_t, void*);
int cuMemsetD8Async(Pointer, unsigned char, size_t, void*);
int cuMemcpyDtoDAsync_v2(Pointer, Pointer, size_t, void*);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuLaunchKernelEx(const void*, void*, void**, void**);
int cuFuncGetParamInfo(void*, size_t, size_t*, size_t*);
int cuFuncSetAttribute(void*, int, int);
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamSynchronize(void*);
int cuStreamWaitEvent(void*, void*, unsigned);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuEventCreate(void**, unsigned);
int cuEventRecord(void*, void*);
int cuEventQuery(void*);
int cuLaunchHostFunc(void*, void (*)(void*), void*);
int cuMemcpy2D_v2(void*) __attribute__((weak));  // there if the build had JCuda's natives to see that they want it
int cublasCreate_v2(void**);
int cublasSetStream_v2(void*, void*);
int cublasGemmEx(void*, int, int, int, int, int, const float*, Pointer, int, int, Pointer, int, int, const float*, Pointer, int, int, int, int);
}

namespace {

int failures = 0;
#define CHECK(condition)                                                                                      \
    do {                                                                                                      \
        if (!(condition)) {                                                                                   \
            printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #condition);                                     \
            if (++failures == 20) exit(1);                                                                    \
        }                                                                                                     \
    } while (0)
#define OK(call)                                                                                              \
    do {                                                                                                      \
        if (int result = (call)) {                                                                            \
            printf("FAILED %s:%d: %s gave %d\n", __FILE__, __LINE__, #call, result);                          \
            failures++;                                                                                       \
        }                                                                                                     \
    } while (0)

void* module;

template <typename T>
Pointer device(const std::vector<T>& values) {
    Pointer p = 0;
    OK(cuMemAlloc_v2(&p, values.size() * sizeof(T)));
    OK(cuMemcpyHtoD_v2(p, values.data(), values.size() * sizeof(T)));
    return p;
}
template <typename T>
std::vector<T> host(Pointer p, size_t n) {
    std::vector<T> values(n);
    OK(cuMemcpyDtoH_v2(values.data(), p, n * sizeof(T)));
    return values;
}
std::vector<int> iota(int n) {
    std::vector<int> v(n);
    for (int i = 0; i < n; i++) v[i] = i;
    return v;
}

struct Arguments {
    template <typename... A>
    explicit Arguments(A... values) {
        (add(values), ...);
    }
    template <typename T>
    void add(T value) {
        memcpy(storage[count], &value, sizeof value);
        pointers[count] = storage[count];
        count++;
    }
    unsigned char storage[8][8];
    void* pointers[8];
    int count = 0;
};
template <typename... A>
int launch(void* stream, const char* name, int blocks, int threads, int shared, A... values) {
    void* function;
    if (int result = cuModuleGetFunction(&function, module, name)) return result;
    Arguments arguments(values...);
    return cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, shared, stream, arguments.pointers, nullptr);
}

// Launches a kernel that must fail with this code, sees that the context stays broken, and mends it.
template <typename... A>
void fails(int code, const char* name, int threads, int shared, A... values) {
    OK(launch(nullptr, name, 1, threads, shared, values...));
    const int result = cuCtxSynchronize();
    if (result != code) {
        printf("FAILED: %s gave %d, not %d\n", name, result, code);
        failures++;
    }
    Pointer p;
    CHECK(cuMemAlloc_v2(&p, 16) == code);
    OK(cuDevicePrimaryCtxReset_v2(0));
}

void barriers_and_blocks() {
    const Pointer x = device(iota(1024)), y = device(std::vector<int>(1024));
    OK(launch(nullptr, "reverse", 4, 256, 0, y, x, 5));
    const auto got = host<int>(y, 1024);
    for (int i = 0; i < 1024; i++) CHECK(got[i] == i / 256 * 256 + 255 - i % 256 + 5);
    CHECK(launch(nullptr, "reverse", 1, 512, 0, y, x, 5) == 701);  // beyond its launch bounds
    CHECK(launch(nullptr, "reverse", 1, 2048, 0, y, x, 5) == 1);
    CHECK(launch(nullptr, "no_such_kernel", 1, 1, 0) == 500);
    OK(launch(nullptr, "reverse_without_barrier", 1, 256, 0, y, x));
    const auto wrong = host<int>(y, 256);
    int unread = 0;
    for (int i = 0; i < 256; i++) unread += wrong[i] == -1;
    CHECK(unread > 0);
}

void misuse_is_noticed() {
    auto y = [] { return device(std::vector<int>(100)); };
    fails(700, "write_at", 1, 0, y(), 100LL, 1);        // the canary behind the allocation
    fails(700, "write_at", 1, 0, y(), 128LL, 1);        // the page behind it
    fails(700, "write_at", 1, 0, Pointer(8), 0LL, 1);
    Pointer freed = y();
    OK(cuMemFree_v2(freed));
    fails(700, "read_at", 1, 0, y(), freed, 0LL);
    fails(716, "misaligned", 1, 0, y(), y());
    fails(700, "shared_bounds", 1, 0, y(), 8);
    fails(719, "divergent_barrier", 64, 0, y());
    fails(719, "ended_lane", 32, 0, y());
    fails(719, "ended_lane", 20, 0, y());
    fails(719, "deadlock", 64, 0, y());
    fails(719, "deep", 1, 0, y(), 5);
    fails(700, "behind_dynamic", 1, 64, 64);
    const Pointer p = y();
    CHECK(host<int>(p, 1)[0] == 0);  // all is well again
    Pointer huge;
    CHECK(cuMemAlloc_v2(&huge, 1LL << 40) == 2);
    CHECK(cuMemcpyHtoD_v2(p, "x", 401) == 1);
    CHECK(cuMemFree_v2(p + 4) == 1);
    if (cuMemcpy2D_v2) CHECK(cuMemcpy2D_v2(nullptr) == 801);
}

int launch_overlapping(const char* name, Pointer y) {
    struct {
        int id = 6;  // CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
        alignas(8) int value[16] = {1};
    } attribute;
    struct {
        unsigned grid[3] = {1, 1, 1}, block[3] = {32, 1, 1}, shared = 0;
        void* stream = nullptr;
        const void* attributes;
        unsigned count = 1;
    } configuration;
    configuration.attributes = &attribute;
    void* function;
    size_t offset = 9, bytes = 0;
    OK(cuModuleGetFunction(&function, module, name));
    OK(cuFuncGetParamInfo(function, 0, &offset, &bytes));
    CHECK(offset == 0 && bytes == 8);
    CHECK(cuFuncGetParamInfo(function, 1, &offset, &bytes) == 1);
    Arguments arguments(y);
    return cuLaunchKernelEx(&configuration, function, arguments.pointers, nullptr);
}

void overlapping_kernels_wait_for_the_grid_ahead() {
    Pointer y = device(std::vector<int>(32));
    OK(launch_overlapping("plus_one_after_grid", y));
    CHECK(host<int>(y, 1)[0] == 1);
    OK(launch_overlapping("plus_one", y));
    CHECK(cuCtxSynchronize() == 719);
    OK(cuDevicePrimaryCtxReset_v2(0));
}

void warp_collectives() {
    const Pointer y = device(std::vector<int>(8 * 96)), s = device(std::vector<float>(192));
    OK(launch(nullptr, "collectives", 1, 96, 0, y, s));
    const auto got = host<int>(y, 8 * 96);
    const auto sums = host<float>(s, 192);
    unsigned thirds = 0;
    for (int i = 0; i < 32; i += 3) thirds |= 1u << i;
    for (int i = 0; i < 96; i++) {
        const int lane = i % 32, base = i - lane;
        CHECK(got[i] == base + 3);
        CHECK(got[96 + i] == (lane == 0 ? i : i - 1));
        CHECK(got[192 + i] == (lane % 16 >= 14 ? i : i + 2));
        CHECK(got[288 + i] == base + (lane ^ 5));
        CHECK(static_cast<unsigned>(got[384 + i]) == thirds);
        CHECK(got[480 + i] == 40 * 4 + 2);
        CHECK(sums[i] == 4560 && sums[96 + i] == 95);
        CHECK(got[576 + i] == (i < 64 ? 1 : 2));
        CHECK(got[672 + i] == 1 + base + 31);
    }
}

uint16_t bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits >> 16;  // exact for the small integers used here
}

// "Matrix fragments for mma.m16n8k16 with floating point type" in the PTX ISA, element by element.
void matrix_fragments() {
    float a[16][16], b[16][8], c[16][8];
    for (int i = 0; i < 256; i++) a[i / 16][i % 16] = static_cast<float>(i * 11 % 23 - 11);
    for (int i = 0; i < 128; i++) b[i / 8][i % 8] = static_cast<float>(i * 5 % 19 - 9), c[i / 8][i % 8] = static_cast<float>(i);
    std::vector<uint16_t> ar(256), br(128);
    std::vector<float> cr(128);
    for (int lane = 0; lane < 32; lane++) {
        const int group = lane >> 2, thread = lane % 4;
        for (int i = 0; i < 8; i++) {
            const int row = i < 2 || (4 <= i && i < 6) ? group : group + 8, column = i < 4 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8;
            ar[8 * lane + i] = bf16(a[row][column]);
        }
        for (int i = 0; i < 4; i++) {
            br[4 * lane + i] = bf16(b[i < 2 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8][group]);
            cr[4 * lane + i] = c[i < 2 ? group : group + 8][thread * 2 + (i & 1)];
        }
    }
    const Pointer d = device(cr);
    OK(launch(nullptr, "fragment_product", 1, 32, 0, d, device(ar), device(br)));
    const auto got = host<float>(d, 128);
    for (int lane = 0; lane < 32; lane++) {
        for (int i = 0; i < 4; i++) {
            const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8, column = lane % 4 * 2 + (i & 1);
            float sum = c[row][column];
            for (int k = 0; k < 16; k++) sum += a[row][k] * b[k][column];
            CHECK(got[4 * lane + i] == sum);
        }
    }
}

void matrix_tiles() {
    std::vector<uint16_t> a(256), b(128), columns(128);
    for (int i = 0; i < 256; i++) a[i] = bf16(static_cast<float>(i * 7 % 31 - 15));
    for (int k = 0; k < 16; k++) {
        for (int n = 0; n < 8; n++) b[8 * k + n] = columns[16 * n + k] = bf16(static_cast<float>((k * 5 + n * 3) % 17 - 8));
    }
    for (int form = 0; form < 2; form++) {
        const Pointer d = device(std::vector<float>(128)), pa = device(a), pb = device(form ? columns : b);
        OK(launch(nullptr, "tile_product", 1, 32, 768, d, pa, pb, form));
        const auto got = host<float>(d, 128);
        for (int m = 0; m < 16; m++) {
            for (int n = 0; n < 8; n++) {
                float sum = 0;
                for (int k = 0; k < 16; k++) sum += ((m * 16 + k) * 7 % 31 - 15) * ((k * 5 + n * 3) % 17 - 8);
                CHECK(got[m * 8 + n] == sum);
            }
        }
    }
    const Pointer plain = device(std::vector<unsigned>(128)), transposed = device(std::vector<unsigned>(128));
    OK(launch(nullptr, "tile_registers", 1, 32, 0, plain, transposed));
    const auto p = host<unsigned>(plain, 128), t = host<unsigned>(transposed, 128);
    for (unsigned lane = 0; lane < 32; lane++) {
        for (unsigned tile = 0; tile < 4; tile++) {
            const unsigned row = lane / 4, column = 2 * (lane % 4);
            const unsigned low = 64 * tile + 8 * row + column, mirrored = 64 * tile + 8 * column + row;
            CHECK(p[4 * lane + tile] == (low | (low + 1) << 16));
            CHECK(t[4 * lane + tile] == (mirrored | (mirrored + 8) << 16));
        }
    }
    const Pointer x = device(iota(128)), y = device(std::vector<int>(32));
    OK(launch(nullptr, "copy_without_wait", 1, 32, 0, y, x));
    for (int v : host<int>(y, 32)) CHECK(v == -1);
}

void bulk_copies() {
    const Pointer x = device(iota(32)), before = device(std::vector<int>(32)), after = device(std::vector<int>(32));
    OK(launch(nullptr, "copy_in_bulk", 1, 32, 0, before, after, x, 1));
    for (int v : host<int>(before, 32)) CHECK(v == -1);
    CHECK(host<int>(after, 32) == iota(32));
    fails(719, "copy_in_bulk", 32, 0, before, Pointer{0}, x, 1);  // ends before its copy is there
    fails(719, "copy_in_bulk", 32, 0, device(std::vector<int>(32)), Pointer{0}, device(iota(32)), 2);
    fails(716, "copy_in_bulk", 32, 0, device(std::vector<int>(32)), Pointer{0}, device(iota(40)) + 4, 1);
}

void streams_and_events() {
    void *first, *second, *event, *staging;
    OK(cuStreamCreate(&first, 1));
    OK(cuStreamCreate(&second, 1));
    OK(cuEventCreate(&event, 2));
    OK(cuMemHostAlloc(&staging, 128, 0));
    memset(staging, 1, 128);
    const Pointer y = device(std::vector<int>(32)), z = device(std::vector<int>(32));
    OK(cuMemcpyHtoDAsync_v2(y, staging, 128, first));
    OK(launch(first, "plus_one", 1, 32, 0, y));
    memset(staging, 2, 128);  // too early: nobody waited
    OK(cuEventRecord(event, first));
    OK(cuMemcpyDtoDAsync_v2(z, y, 128, second));  // does not wait for the event
    OK(cuStreamSynchronize(second));
    CHECK(host<int>(z, 1)[0] == 0);
    CHECK(cuEventQuery(event) == 600);
    OK(cuStreamWaitEvent(second, event, 0));
    OK(cuMemcpyDtoDAsync_v2(z, y, 128, second));
    OK(cuStreamSynchronize(second));
    OK(cuEventQuery(event));
    CHECK(host<int>(z, 1)[0] == 0x02020203);
    int called = 0;
    OK(cuLaunchHostFunc(first, [](void* data) { *static_cast<int*>(data) = cuCtxSynchronize(); }, &called));
    OK(cuStreamSynchronize(first));
    CHECK(called == 800);  // a host function may not call the driver
    OK(cuStreamDestroy_v2(second));
    CHECK(cuStreamSynchronize(second) == 400);
}

void graphs() {
    void *stream, *side, *fork, *join, *graph = nullptr, *executable;
    OK(cuStreamCreate(&stream, 1));
    OK(cuStreamCreate(&side, 1));
    OK(cuEventCreate(&fork, 2));
    OK(cuEventCreate(&join, 2));
    const Pointer y = device(std::vector<int>(32, 1)), z = device(std::vector<int>(32, 1));
    OK(cuStreamBeginCapture_v2(stream, 0));
    OK(launch(stream, "plus_one", 1, 32, 0, y));
    OK(cuEventRecord(fork, stream));
    OK(cuStreamWaitEvent(side, fork, 0));
    OK(launch(side, "twice", 1, 32, 0, z));
    OK(launch(stream, "twice", 1, 32, 0, y));
    OK(cuEventRecord(join, side));
    OK(cuStreamWaitEvent(stream, join, 0));
    OK(cuMemcpyDtoDAsync_v2(y + 4, z, 4, stream));
    OK(cuStreamEndCapture(stream, &graph));
    CHECK(host<int>(y, 1)[0] == 1);  // captured, not run
    OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
    for (int i = 0; i < 3; i++) OK(cuGraphLaunch(executable, stream));
    OK(cuStreamSynchronize(stream));
    CHECK(host<int>(y, 2)[0] == ((1 + 1) * 2 + 1) * 2 * 2 + 2);
    CHECK(host<int>(y, 2)[1] == 8);

    Pointer p;
    OK(cuStreamBeginCapture_v2(stream, 0));
    CHECK(cuMemAlloc_v2(&p, 64) == 900);
    CHECK(cuStreamEndCapture(stream, &graph) == 901);
    OK(cuStreamBeginCapture_v2(stream, 1));
    CHECK(cuStreamSynchronize(stream) == 900);
    CHECK(cuStreamEndCapture(stream, &graph) == 901);
    OK(cuStreamBeginCapture_v2(stream, 2));
    OK(cuEventRecord(fork, stream));
    OK(cuStreamWaitEvent(side, fork, 0));
    OK(launch(side, "twice", 1, 32, 0, z));
    CHECK(cuStreamEndCapture(stream, &graph) == 904);
    OK(launch(side, "twice", 1, 32, 0, z));
    OK(cuStreamSynchronize(side));
}

void products() {
    void *cublas, *stream;
    OK(cublasCreate_v2(&cublas));
    OK(cuStreamCreate(&stream, 1));
    OK(cublasSetStream_v2(cublas, stream));
    const int m = 19, n = 7, k = 37;
    for (int form = 0; form < 8; form++) {
        const bool ta = form & 1, tb = form & 2, half = form & 4;
        std::vector<float> a(m * k), b(k * n), c(m * n);
        std::vector<uint16_t> ah(m * k), bh(k * n);
        for (int i = 0; i < m * k; i++) ah[i] = bf16(a[i] = static_cast<float>(i * 7 % 11 - 5));
        for (int i = 0; i < k * n; i++) bh[i] = bf16(b[i] = static_cast<float>(i * 5 % 13 - 6));
        for (int i = 0; i < m * n; i++) c[i] = static_cast<float>(i % 3);
        const Pointer pa = half ? device(ah) : device(a), pb = half ? device(bh) : device(b), pc = device(c);
        const float alpha = 2, beta = 0.5f;
        const int type = half ? 14 : 0;
        OK(cublasGemmEx(cublas, ta, tb, m, n, k, &alpha, pa, type, ta ? k : m, pb, type, tb ? n : k, &beta, pc, 0, m, 68, -1));
        OK(cuStreamSynchronize(stream));
        const auto got = host<float>(pc, m * n);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                float sum = 0;
                for (int x = 0; x < k; x++) sum += (ta ? a[i * k + x] : a[i + x * m]) * (tb ? b[j + x * n] : b[j * k + x]);
                CHECK(got[i + j * m] == 2 * sum + 0.5f * c[i + j * m]);
            }
        }
    }
    const float one = 1;
    CHECK(cublasGemmEx(cublas, 0, 0, 1, 1, 1, &one, 0, 0, 1, 0, 0, 1, &one, 0, 0, 1, 0, -1) == 15);  // a compute type that is none
}

void two_devices_meet(void* first, const std::string& image) {
    void *second, *modules[2] = {module}, *contexts[2] = {first};
    OK(cuDevicePrimaryCtxRetain(&second, 1));
    OK(cuCtxSetCurrent(contexts[1] = second));
    OK(cuModuleLoadData(&modules[1], image.c_str()));
    Pointer flags[2], y[2];
    for (int i = 0; i < 2; i++) {
        OK(cuCtxSetCurrent(contexts[i]));
        flags[i] = device(std::vector<int>(1));
        y[i] = device(std::vector<int>(1));
    }
    for (int i = 0; i < 2; i++) {
        OK(cuCtxSetCurrent(contexts[i]));
        OK(cuCtxEnablePeerAccess(contexts[1 - i], 0));
        CHECK(cuCtxEnablePeerAccess(contexts[1 - i], 0) == 704);
        module = modules[i];
        OK(launch(nullptr, "meet", 1, 1, 0, flags[1 - i], flags[i], y[i]));
    }
    for (int i = 0; i < 2; i++) {
        OK(cuCtxSetCurrent(contexts[i]));
        OK(cuCtxSynchronize());
        CHECK(host<int>(y[i], 1)[0] == 1);
    }
    OK(cuCtxSetCurrent(contexts[0]));
    module = modules[0];
    const Pointer never = device(std::vector<int>(1));
    fails(702, "meet", 1, 0, y[0], never, y[0]);
    fails(700, "meet", 1, 0, flags[1], flags[0], y[0]);  // the reset took the peer access away
}

}  // namespace

int main(int count, char** arguments) {
    void* context;
    CHECK(cuCtxSynchronize() == 3);
    OK(cuInit(0));
    CHECK(cuCtxSynchronize() == 201);
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    const std::string image = "MILLRACE EMULATOR\n" + std::string(arguments[1]) + "\n";
    OK(cuModuleLoadData(&module, image.c_str()));
    void* other;
    CHECK(cuModuleLoadData(&other, "\x50\xed\x55\xba") == 209);
    if (count > 2) {
        two_devices_meet(context, image);
        printf("emulator, two devices: %d failures\n", failures);
        return failures == 0 ? 0 : 1;
    }
    barriers_and_blocks();
    warp_collectives();
    matrix_fragments();
    matrix_tiles();
    streams_and_events();
    graphs();
    products();
    bulk_copies();
    misuse_is_noticed();
    overlapping_kernels_wait_for_the_grid_ahead();
    printf("emulator: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
