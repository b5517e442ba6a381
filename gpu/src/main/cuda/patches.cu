// Brings a picture's patches into the order of the tower's windows and into its storage type.
//   from f32[n, length], the patches from `first` on in the order of the tokens; place i[P/unit], where a unit of patches goes
//   -> to c[P, stride], zeros behind `length`
// Grid: a block a patch.

#include "scalar.cuh"

namespace {

constexpr int THREADS = 256;

template <typename C>
__device__ void patches(const float* from, const int* place, int first, int unit, int length, int stride, C* to) {
    const int patch = first + blockIdx.x;
    const float* row = from + (long long)blockIdx.x * length;
    C* out = to + ((long long)place[patch / unit] * unit + patch % unit) * stride;
    for (int i = threadIdx.x; i < stride; i += THREADS) {
        out[i] = from_float<C>(i < length ? row[i] : 0.0f);
    }
}

}  // namespace

#define PATCHES(NAME, C)                                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                             \
            const float* from, const int* place, int first, int unit, int length, int stride, C* to) {      \
        patches<C>(from, place, first, unit, length, stride, to);                                           \
    }

PATCHES(patches_bf16, bf16)
PATCHES(patches_f32, float)
