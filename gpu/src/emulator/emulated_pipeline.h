// The wrappers of pipeline.cuh on the host. A bulk copy is carried out as late as allowed, when somebody waits for it.
#pragma once

#define PTX inline

struct alignas(8) Mbarrier {
    unsigned short arrivals, missing;
    int bytes : 31;
    unsigned phase : 1;
};

PTX void mbarrier_init(Mbarrier* barrier, int arrivals) {
    *barrier = {static_cast<unsigned short>(arrivals), static_cast<unsigned short>(arrivals), 0, 0};
}
PTX void mbarrier_init_fence() {}

PTX void emulated_mbarrier_step(Mbarrier* barrier) {
    if (barrier->missing == 0 && barrier->bytes == 0) {
        barrier->missing = barrier->arrivals;
        barrier->phase ^= 1;
    }
}
PTX void mbarrier_arrive_expecting(Mbarrier* barrier, int bytes, EMULATED_HERE) {
    emulated_shared_access(barrier, 8, file, line);
    if (barrier->missing-- == 0) emulated_fail(719, file, line, "more arrivals at an mbarrier than it was made for");
    barrier->bytes += bytes;
    emulated_mbarrier_step(barrier);
}
PTX void mbarrier_arrive(Mbarrier* barrier, EMULATED_HERE) { mbarrier_arrive_expecting(barrier, 0, file, line); }
PTX void mbarrier_wait(Mbarrier* barrier, int parity) {
    for (;;) {
        if (const int bytes = emulated_bulk_wait(barrier); bytes > 0) {
            barrier->bytes -= bytes;
            emulated_mbarrier_step(barrier);
        }
        if (static_cast<int>(barrier->phase) != parity) return;
        emulated_yield();
    }
}
PTX void bulk_copy(void* shared, const void* global, int bytes, Mbarrier* barrier, EMULATED_HERE) {
    emulated_bulk_copy(shared, global, bytes, barrier, file, line);
}

template <int REGISTERS>
PTX void take_registers() {}
template <int REGISTERS>
PTX void give_registers() {}

#undef PTX
