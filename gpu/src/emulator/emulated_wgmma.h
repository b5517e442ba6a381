// The wrappers of wgmma.cuh on the host, a warp at a time and at once: a missing wait does not show.
#pragma once

#define PTX inline

PTX unsigned long long wgmma_matrix(const void* shared, int leading, int stride) {
    const unsigned long long offset = static_cast<const unsigned char*>(shared) - shared_memory;
    return offset >> 4 | static_cast<unsigned long long>(leading >> 4) << 16 | static_cast<unsigned long long>(stride >> 4) << 32;
}
PTX unsigned long long wgmma_rows_of_128(const void* shared) { return wgmma_matrix(shared, 16, 1024) | 1ull << 62; }
PTX void wgmma_shared_fence() {}
PTX void wgmma_fence() {}
PTX void wgmma_commit() {}
template <int N>
PTX void wgmma_wait() {}

template <typename T, int N>
PTX void wgmma_settle(T (&)[N][4]) {}

struct EmulatedWgmma {
    float (*d)[4];
    const unsigned* a;
    unsigned long long b;
    bool add;
};
template <int COLUMNS, bool TRANSPOSED>
void emulated_wgmma(EmulatedWgmma operand, const char* file, int line) {
    emulated_collective(
            0xffffffffu,
            [](unsigned, void** operands) {
                auto lane = [=](int i) -> EmulatedWgmma& { return *static_cast<EmulatedWgmma*>(operands[i]); };
                float A[16][16];
                for (int i = 0; i < 128; i++) {
                    const int group = i / 16, pair = i / 4 % 4 * 2, word = i % 4;
                    for (int half = 0; half < 2; half++) {
                        A[group + word % 2 * 8][pair + half + word / 2 * 8] = emulated_bf16(lane(i / 4).a[word] >> 16 * half & 0xffff);
                    }
                }
                const unsigned long long b = lane(0).b;
                const unsigned base = (b & 0x3fff) * 16;
                const bool swizzled = b >> 62;
                const unsigned leading = (b >> 16 & 0x3fff) * 16, stride = (b >> 32 & 0x3fff) * 16;
                for (int n = 0; n < COLUMNS; n++) {
                    float column[16];
                    for (int k = 0; k < 16; k++) {
                        const unsigned core = k / 8 * leading + n / 8 * stride;
                        const unsigned row = swizzled ? 128 : 16;
                        unsigned at = base + core + (TRANSPOSED ? k % 8 * row + n % 8 * 2 : n % 8 * row + k % 8 * 2);
                        at ^= swizzled ? (at >> 7 & 7) << 4 : 0;
                        unsigned short bits;
                        std::memcpy(&bits, shared_memory + at, 2);
                        column[k] = emulated_bf16(bits);
                    }
                    for (int m = 0; m < 16; m++) {
                        EmulatedWgmma& o = lane(m % 8 * 4 + n % 8 / 2);
                        float& d = o.d[n / 8][m / 8 * 2 + n % 2];
                        float sum = o.add ? d : 0.0f;
                        for (int k = 0; k < 16; k++) sum += A[m][k] * column[k];
                        d = sum;
                    }
                }
            },
            &operand, file, line);
}
PTX void wgmma_m64n96k16_bf16(float (&d)[12][4], unsigned long long a, unsigned long long b, bool add, EMULATED_HERE) {
    const unsigned char* base = shared_memory + (a & 0x3fff) * 16;
    const unsigned leading = (a >> 16 & 0x3fff) * 16, stride = (a >> 32 & 0x3fff) * 16;
    const unsigned warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
    unsigned fragment[4];
    for (unsigned i = 0; i < 4; i++) {
        const unsigned row = warp * 16 + lane / 4 + i % 2 * 8, k = lane % 4 * 2 + i / 2 * 8;
        std::memcpy(&fragment[i], base + k / 8 * leading + row / 8 * stride + row % 8 * 16 + k % 8 * 2, 4);
    }
    emulated_wgmma<96, false>({d, fragment, b, add}, file, line);
}
PTX void wgmma_m64n80k16_bf16_trans(float (&d)[10][4], const unsigned (&a)[4], unsigned long long b, bool add, EMULATED_HERE) {
    emulated_wgmma<80, true>({d, a, b, add}, file, line);
}

PTX void wgmma_m64n48k16_bf16(float (&d)[6][4], const unsigned (&a)[4], unsigned long long b, bool add, EMULATED_HERE) {
    emulated_wgmma<48, false>({d, a, b, add}, file, line);
}

#undef PTX
