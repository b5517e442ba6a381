// The wrappers of ptx.cuh on the host; what each does is said there. Layouts are those of the PTX ISA, sections on mma.m16n8k16
// and ldmatrix. Asynchronous copies are carried out as late as allowed, in the wait for them, so that a missing wait shows.
#pragma once

#include <ctime>

#define PTX inline

PTX unsigned short bf16_bits(float x) {
    const unsigned bits = __float_as_uint(x);
    if (isnan(x)) return 0x7fff;
    return static_cast<unsigned short>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
PTX unsigned bf16x2_bits(float low, float high) { return bf16_bits(low) | static_cast<unsigned>(bf16_bits(high)) << 16; }
PTX float emulated_bf16(unsigned bits) { return __uint_as_float(bits << 16); }

PTX float emulated_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x; }
PTX float ex2_approx(float x) { return emulated_flush(exp2f(emulated_flush(x))); }
PTX float rcp_approx(float x) { return emulated_flush(1.0f / emulated_flush(x)); }

PTX uint4 ld_global_nc_l2(const void* global) { return *static_cast<const uint4*>(global); }
PTX void prefetch_l2(const void*) {}

PTX void st_release_sys(unsigned* p, unsigned v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
PTX unsigned ld_acquire_sys(const unsigned* p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
PTX uint4 ld_relaxed_sys(const uint4* p) { return *p; }
PTX float ld_relaxed_sys(const float* p) { return *p; }
PTX void st_relaxed_sys(unsigned long long* p, unsigned long long first, unsigned long long second) {
    __atomic_store_n(p, first, __ATOMIC_RELAXED);
    __atomic_store_n(p + 1, second, __ATOMIC_RELAXED);
}
PTX void ld_relaxed_sys(const unsigned long long* p, unsigned long long& first, unsigned long long& second) {
    first = __atomic_load_n(p, __ATOMIC_RELAXED);
    second = __atomic_load_n(p + 1, __ATOMIC_RELAXED);
}

PTX unsigned long long globaltimer() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

PTX void cp_async16(void* shared, const void* global, EMULATED_HERE) { emulated_copy_async(shared, global, true, file, line); }
PTX void cp_async16(void* shared, const void* global, bool valid, EMULATED_HERE) {
    emulated_copy_async(shared, global, valid, file, line);
}
PTX void cp_async_commit() { emulated_copy_commit(); }
template <int N>
PTX void cp_async_wait() {
    emulated_copy_wait(N);
}

struct EmulatedLdmatrix {
    const void* row;
    unsigned* r;
    const char* file;
    int line;
};
template <int TILES, bool TRANSPOSED>
void emulated_ldmatrix(unsigned* r, const void* row, const char* file, int line) {
    EmulatedLdmatrix operand{row, r, file, line};
    emulated_collective(
            0xffffffffu,
            [](unsigned, void** operands) {
                auto lane = [=](int i) -> EmulatedLdmatrix& { return *static_cast<EmulatedLdmatrix*>(operands[i]); };
                for (int tile = 0; tile < TILES; tile++) {
                    unsigned short element[8][8];
                    for (int row = 0; row < 8; row++) {
                        const EmulatedLdmatrix& at = lane(8 * tile + row);
                        emulated_shared_access(at.row, 16, at.file, at.line);
                        std::memcpy(element[row], at.row, 16);
                    }
                    for (int i = 0; i < 32; i++) {
                        const int row = i / 4, column = i % 4 * 2;
                        const unsigned low = TRANSPOSED ? element[column][row] : element[row][column];
                        const unsigned high = TRANSPOSED ? element[column + 1][row] : element[row][column + 1];
                        lane(i).r[tile] = low | high << 16;
                    }
                }
            },
            &operand, file, line);
}
PTX void ldmatrix_x4(unsigned (&r)[4], const void* row, EMULATED_HERE) { emulated_ldmatrix<4, false>(r, row, file, line); }
PTX void ldmatrix_x4_trans(unsigned (&r)[4], const void* row, EMULATED_HERE) { emulated_ldmatrix<4, true>(r, row, file, line); }
PTX void ldmatrix_x2(unsigned (&r)[2], const void* row, EMULATED_HERE) { emulated_ldmatrix<2, false>(r, row, file, line); }
PTX void ldmatrix_x2_trans(unsigned (&r)[2], const void* row, EMULATED_HERE) { emulated_ldmatrix<2, true>(r, row, file, line); }

PTX unsigned movmatrix_trans(unsigned a, EMULATED_HERE) {
    emulated_collective(
            0xffffffffu,
            [](unsigned, void** operands) {
                unsigned short element[8][8];
                for (int i = 0; i < 32; i++) {
                    std::memcpy(&element[i / 4][i % 4 * 2], operands[i], 4);
                }
                for (int i = 0; i < 32; i++) {
                    const int row = i / 4, column = i % 4 * 2;
                    *static_cast<unsigned*>(operands[i]) = element[column][row] | element[column + 1][row] << 16;
                }
            },
            &a, file, line);
    return a;
}

struct EmulatedMma {
    float* d;
    const unsigned *a, *b;
};
PTX void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], EMULATED_HERE) {
    EmulatedMma operand{d, a, b};
    emulated_collective(
            0xffffffffu,
            [](unsigned, void** operands) {
                float A[16][16], B[16][8], D[16][8];
                for (int lane = 0; lane < 32; lane++) {
                    const EmulatedMma& o = *static_cast<EmulatedMma*>(operands[lane]);
                    const int group = lane / 4, pair = lane % 4 * 2;
                    for (int half = 0; half < 2; half++) {
                        for (int i = 0; i < 4; i++) {
                            A[group + i % 2 * 8][pair + half + i / 2 * 8] = emulated_bf16(o.a[i] >> 16 * half & 0xffff);
                        }
                        for (int i = 0; i < 2; i++) {
                            B[pair + half + i * 8][group] = emulated_bf16(o.b[i] >> 16 * half & 0xffff);
                            D[group + i * 8][pair + half] = o.d[2 * i + half];
                        }
                    }
                }
                for (int m = 0; m < 16; m++) {
                    for (int k = 0; k < 16; k++) {
                        for (int n = 0; n < 8; n++) D[m][n] += A[m][k] * B[k][n];
                    }
                }
                for (int lane = 0; lane < 32; lane++) {
                    float* to = static_cast<EmulatedMma*>(operands[lane])->d;
                    for (int i = 0; i < 4; i++) to[i] = D[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
                }
            },
            &operand, file, line);
}

PTX void griddepcontrol_wait() { emulated_grid_wait(); }

#undef PTX
