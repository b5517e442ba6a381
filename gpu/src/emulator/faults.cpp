// What stops a kernel from outside: signals while it runs (SIGSEGV, SIGBUS, SIGFPE, and SIGURG from the watchdog), and the compiler's checks.
// Signals of other threads go to the handlers that were there before (the JVM's).
#include <chrono>
#include <thread>

#include "fibers.h"

namespace {

// Ends kernels that do not end.
const long TIMEOUT_SECONDS = environment("MILLRACE_EMULATOR_TIMEOUT", 120);
long seconds(const Executor& executor) {
    clockid_t clock;
    timespec used = {};
    if (pthread_getcpuclockid(executor.thread, &clock) == 0) clock_gettime(clock, &used);
    return used.tv_sec;
}
void watch(Executor* executor) {
    std::thread([executor] {
        for (;;) {
            std::this_thread::sleep_for(std::chrono::seconds(1));
            const long deadline = executor->deadline;
            if (deadline != 0 && seconds(*executor) > deadline) pthread_kill(executor->thread, SIGURG);
        }
    }).detach();
}

struct sigaction previous[NSIG];

void on_fault(int signal, siginfo_t* info, void* context) {
    if (executor && executor->guarded) {
        executor->faultAddress = reinterpret_cast<uintptr_t>(info->si_addr);
        siglongjmp(executor->escape, signal);
    }
    const struct sigaction& old = previous[signal];
    if (old.sa_flags & SA_SIGINFO) {
        old.sa_sigaction(signal, info, context);
    } else if (signal == SIGURG && old.sa_handler == SIG_DFL) {
        return;  // is ignored by default
    } else if (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) {
        sigaction(signal, &old, nullptr);  // the instruction faults again and meets the default action
    } else {
        old.sa_handler(signal);
    }
}

void install_fault_handlers() {
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGURG}) {
        sigaction(signal, nullptr, &previous[signal]);
        struct sigaction action = previous[signal];
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | (previous[signal].sa_flags & SA_NODEFER);
        action.sa_sigaction = &on_fault;
        sigaction(signal, &action, nullptr);
    }
}

Result report_fault(Executor& e, const char* what, int signal) {
    std::string text = e.launch ? where(e, emulated_thread) : std::string(what);
    if (signal == SIGFPE) {
        complain(text + ": division by zero");
        return LAUNCH_FAILED;
    }
    if (signal == SIGURG) {
        complain(text + ": did not end in " + std::to_string(TIMEOUT_SECONDS) + " s of its thread");
        return LAUNCH_TIMEOUT;
    }
    const uintptr_t address = e.faultAddress;
    for (int i = 0; i < e.threads && e.launch; i++) {
        const auto stack = reinterpret_cast<uintptr_t>(e.fibers[i].stack);
        if (stack && address >= stack && address < stack + GUARD_BYTES) {
            complain(text + ": needs more than " + std::to_string(STACK_BYTES) + " bytes of stack");
            return LAUNCH_FAILED;
        }
    }
    complain(text + ": illegal access, " + describe_address(address));
    return ILLEGAL_ADDRESS;
}

}  // namespace

Result guarded(const char* what, const std::function<void()>& body) {
    static std::once_flag installed;
    std::call_once(installed, install_fault_handlers);
    if (!executor) watch(executor = new Executor());
    Executor& e = *executor;
    e.result = SUCCESS;
    if (const int signal = sigsetjmp(e.escape, 1)) {
        e.guarded = false;
        e.deadline = 0;
        e.result = report_fault(e, what, signal);
        for (int i = 0; i < e.threads && e.launch; i++) {
            if (e.fibers[i].stack) e.stacks.push_back(e.fibers[i].stack);
        }
    } else {
        e.guarded = true;
        e.deadline = seconds(e) + TIMEOUT_SECONDS;
        body();
        e.deadline = 0;
        e.guarded = false;
    }
    e.launch = nullptr;
    emulated_thread = nullptr;
    return e.result;
}

// The compiler's checks of array bounds and of alignment (-fsanitize=bounds,alignment) end here; their data begins with the place.
struct SourceLocation {
    const char* file;
    unsigned line, column;
};
EXPORT void __ubsan_handle_out_of_bounds_abort(const SourceLocation* at, uintptr_t) {
    emulated_fail(ILLEGAL_ADDRESS, at->file, static_cast<int>(at->line), "index out of the array's bounds");
}
EXPORT void __ubsan_handle_type_mismatch_v1_abort(const SourceLocation* at, uintptr_t) {
    emulated_fail(MISALIGNED_ADDRESS, at->file, static_cast<int>(at->line), "access to an address that is not a multiple of its size");
}
