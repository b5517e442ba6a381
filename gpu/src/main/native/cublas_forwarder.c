/*
 * Stands in for libcublas.so.12 where only CUDA 13 is installed: JCublas 12.6 is linked against that name, with symbols
 * versioned by it, and each function it calls here goes on to libcublas.so.13. Loaded before JCublas, whose dependency the
 * dynamic linker then takes as met by the soname this library was linked with. The functions kept their signatures from 12 to
 * 13 (cublas_api.h), so a jump that leaves all registers and the stack alone is enough.
 */
#include <dlfcn.h>

/* Those that gpu.device calls; JCublas binds lazily, so that the others may be missing. */
#define FUNCTIONS(X)                                                                                     \
    X(cublasCreate_v2)                                                                                   \
    X(cublasDestroy_v2)                                                                                  \
    X(cublasSetStream_v2)                                                                                \
    X(cublasSetWorkspace_v2)                                                                             \
    X(cublasGemmEx)

#define DEFINE(name)                                                                                     \
    static void* name##_target __attribute__((used));                                                    \
    __attribute__((naked)) void name(void) { __asm__("jmp *" #name "_target(%rip)"); }
FUNCTIONS(DEFINE)

static int unresolved = 1;

__attribute__((constructor)) static void resolve(void) {
    void* library = dlopen("libcublas.so.13", RTLD_NOW);
    if (!library) return;
    unresolved = 0;
#define RESOLVE(name) unresolved += !(name##_target = dlsym(library, #name));
    FUNCTIONS(RESOLVE)
}

/* What the JVM calls when it loads a library: a number that is no version makes it refuse this one. */
int JNI_OnLoad(void* vm, void* reserved) {
    (void)vm, (void)reserved;
    return unresolved ? -1 : 0x00010008;
}
