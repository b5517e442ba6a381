// Copies blocks of the key-value cache in all layers.
//   pairs i[C, 2]: from, to; cache: layers of `layerBytes`, blocks of `blockBytes` (a multiple of 4)
// Grid: (C, layers).

namespace {

constexpr int THREADS = 256;

}  // namespace

extern "C" __global__ void __launch_bounds__(THREADS) copy_blocks(
        const int* pairs, long long blockBytes, long long layerBytes, unsigned char* cache) {
    unsigned char* layer = cache + blockIdx.y * layerBytes;
    const int* from = (const int*)(layer + pairs[2 * blockIdx.x] * blockBytes);
    int* to = (int*)(layer + pairs[2 * blockIdx.x + 1] * blockBytes);
    for (long long i = threadIdx.x; i < blockBytes / 4; i += THREADS) {
        to[i] = from[i];
    }
}
