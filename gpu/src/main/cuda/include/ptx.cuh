// Every PTX instruction that CUDA C++ has no function for, as one small wrapper each (PTX ISA, the section named at each).
// Under the emulator the same names are emulated on the host: a new wrapper needs its twin in src/emulator/emulated_ptx.h.
#pragma once

#ifdef MILLRACE_EMULATOR
#include "emulated_ptx.h"
#else

#define PTX __device__ __forceinline__

// The 32-bit address in the shared window that PTX wants of a generic pointer into shared memory.
PTX unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

// cvt: fp32 to bf16, round to nearest even. In a pair the first value lies in the low half.
PTX unsigned short bf16_bits(float x) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
PTX unsigned bf16x2_bits(float low, float high) {
    unsigned bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}

// ex2.approx, rcp.approx: 2^x within 2 ulp and 1/x within 1 ulp, subnormals flushed to zero.
PTX float ex2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
PTX float rcp_approx(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// ld.global.nc: 16 bytes that nobody writes during the kernel and that are used once (weights): kept out of L1.
PTX uint4 ld_global_nc_l2(const void* global) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(global));
    return v;
}
PTX void prefetch_l2(const void* global) { asm volatile("prefetch.global.L2 [%0];" ::"l"(global)); }

// ld and st at system scope, for what GPUs tell each other: what a thread (or its block, up to a barrier) wrote before st_release_sys
// is seen by whoever finds the value with ld_acquire_sys. ld_relaxed_sys reads past L1, which does not follow other GPUs' writes.
PTX void st_release_sys(unsigned* p, unsigned v) { asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }
PTX unsigned ld_acquire_sys(const unsigned* p) {
    unsigned v;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
    return v;
}
PTX uint4 ld_relaxed_sys(const uint4* p) {
    uint4 v;
    asm volatile("ld.relaxed.sys.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p) : "memory");
    return v;
}
// Two times 8 bytes, of which each is written and read as one.
PTX void st_relaxed_sys(unsigned long long* p, unsigned long long first, unsigned long long second) {
    asm volatile("st.relaxed.sys.global.v2.u64 [%0], {%1, %2};" ::"l"(p), "l"(first), "l"(second) : "memory");
}
PTX void ld_relaxed_sys(const unsigned long long* p, unsigned long long& first, unsigned long long& second) {
    asm volatile("ld.relaxed.sys.global.v2.u64 {%0, %1}, [%2];" : "=l"(first), "=l"(second) : "l"(p) : "memory");
}
PTX float ld_relaxed_sys(const float* p) {
    float v;
    asm volatile("ld.relaxed.sys.global.f32 %0, [%1];" : "=f"(v) : "l"(p) : "memory");
    return v;
}

// globaltimer: nanoseconds.
PTX unsigned long long globaltimer() {
    unsigned long long t;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t));
    return t;
}

// cp.async: 16 bytes from global to shared memory, both aligned to 16, in the background; not valid: 16 zero bytes, nothing is read.
// A thread's copies since its last commit are one group; cp_async_wait<N> returns when all but its newest N groups are there.
PTX void cp_async16(void* shared, const void* global) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
}
PTX void cp_async16(void* shared, const void* global, bool valid) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
                 "l"(global), "r"(valid ? 16 : 0)
                 : "memory");
}
PTX void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N>
PTX void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// ldmatrix: 8x8 tiles of 16-bit elements. Lane 8i+r gives the address of row r of tile i (16 bytes, aligned to 16); lane l gets in
// register i the elements (row l/4, columns 2(l%4) and 2(l%4)+1) of tile i; with _trans of its transpose. x2 reads lanes 0 to 15.
#define LDMATRIX_X4(name, form)                                                                             \
    PTX void name(unsigned (&r)[4], const void* row) {                                                      \
        asm volatile("ldmatrix.sync.aligned.m8n8.x4" form ".shared.b16 {%0, %1, %2, %3}, [%4];"             \
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])                                       \
                     : "r"(shared_address(row))                                                             \
                     : "memory");                                                                           \
    }
#define LDMATRIX_X2(name, form)                                                                             \
    PTX void name(unsigned (&r)[2], const void* row) {                                                      \
        asm volatile("ldmatrix.sync.aligned.m8n8.x2" form ".shared.b16 {%0, %1}, [%2];"                     \
                     : "=r"(r[0]), "=r"(r[1])                                                               \
                     : "r"(shared_address(row))                                                             \
                     : "memory");                                                                           \
    }
LDMATRIX_X4(ldmatrix_x4, "")
LDMATRIX_X4(ldmatrix_x4_trans, ".trans")
LDMATRIX_X2(ldmatrix_x2, "")
LDMATRIX_X2(ldmatrix_x2_trans, ".trans")

// movmatrix: transposes an 8x8 tile of 16-bit elements; lane l holds row l/4, columns 2(l%4) and 2(l%4)+1, low half first.
PTX unsigned movmatrix_trans(unsigned a) {
    unsigned d;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(d) : "r"(a));
    return d;
}

// mma.m16n8k16: D[16,8] += A[16,16]·B[16,8], bf16 in, fp32 sums. With g = lane / 4 and t = lane % 4, low half first, lane holds
//   a[0] A(g, 2t..2t+1)  a[1] A(g+8, 2t..)  a[2] A(g, 2t+8..)  a[3] A(g+8, 2t+8..)    b[0] B(2t..2t+1, g)  b[1] B(2t+8.., g)
//   d[0], d[1] D(g, 2t..2t+1)  d[2], d[3] D(g+8, 2t..2t+1)
PTX void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// In a kernel launched with programmatic stream serialization: waits until the kernels before it have finished and their writes are
// seen, then lets the next one come, so that two are there at a time. Let in sooner, a third took an H200 35 us. Does nothing in an
// ordinary launch and before Hopper.
PTX void griddepcontrol_wait() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;\n\tgriddepcontrol.launch_dependents;" ::: "memory");
#endif
}

#undef LDMATRIX_X4
#undef LDMATRIX_X2
#undef PTX
#endif
