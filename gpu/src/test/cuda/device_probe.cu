// Small kernels that the tests of gpu.device launch.
#include "scalar.cuh"

// y[i + offset] += scale * x[i] for i < n.
extern "C" __global__ void __launch_bounds__(256) add_scaled(float* y, const float* x, float scale, int n, long long offset) {
    const int i = blockIdx.x * 256 + threadIdx.x;
    if (i < n) y[i + offset] += scale * x[i];
}

// y[i] = value, by one thread.
extern "C" __global__ void set_one(int* y, int i, int value) { y[i] = value; }

// y[0] = y[0] * factor + 1, by one thread: shows in which order launches ran.
extern "C" __global__ void step_one(int* y, int factor) { y[0] = y[0] * factor + 1; }

// As step_one, and may be launched to begin before its predecessor in the stream ends.
extern "C" __global__ void step_one_overlapping(int* y, int factor) {
    griddepcontrol_wait();
    y[0] = y[0] * factor + 1;
}

// Reverses words [0, n) through dynamic shared memory of n words.
extern "C" __global__ void __launch_bounds__(256) reverse_words(int* y, int n) {
    extern __shared__ __align__(16) unsigned char shared_memory[];
    int* words = reinterpret_cast<int*>(shared_memory);
    for (int i = threadIdx.x; i < n; i += 256) words[i] = y[i];
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += 256) y[i] = words[n - 1 - i];
}

// Loses the context.
extern "C" __global__ void trap() { __trap(); }
