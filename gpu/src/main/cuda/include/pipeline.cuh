// How tiles come to shared memory on Hopper without any thread carrying them: bulk copies that tell an mbarrier of their arrival
// (PTX ISA, sections on mbarrier, cp.async.bulk). Only in code for sm_90a, where WGMMA is defined.
#pragma once

#include "wgmma.cuh"

#ifdef MILLRACE_EMULATOR
#include "emulated_pipeline.h"
#elif defined(WGMMA)

#define PTX __device__ __forceinline__

// A barrier in shared memory has phases, 0, 1, 0, ...; one ends when `arrivals` threads have arrived and all bytes that they
// announced are there. A wait for a phase's parity returns when that phase has ended; for parity 1 at once on a new barrier.
typedef unsigned long long Mbarrier;

PTX void mbarrier_init(Mbarrier* barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
// After it, and a barrier of the block, others may use what this thread has made.
PTX void mbarrier_init_fence() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
PTX void mbarrier_arrive(Mbarrier* barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
PTX void mbarrier_arrive_expecting(Mbarrier* barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}
PTX void mbarrier_wait(Mbarrier* barrier, int parity) {
    asm volatile(
        "{\n.reg .pred p;\nAGAIN%=:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@!p bra AGAIN%=;\n}\n" ::"r"(
            shared_address(barrier)),
        "r"(parity)
        : "memory");
}

// 16 * n bytes from global to shared memory, both aligned to 16, in the background; the barrier gets to know of them.
PTX void bulk_copy(void* shared, const void* global, int bytes, Mbarrier* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     shared_address(shared)),
                 "l"(global), "r"(bytes), "r"(shared_address(barrier))
                 : "memory");
}

// setmaxnreg: how many registers the threads of this warpgroup have from now on; all its warps say so alike.
template <int REGISTERS>
PTX void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <int REGISTERS>
PTX void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

#undef PTX
#endif
