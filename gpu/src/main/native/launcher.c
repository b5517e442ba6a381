/*
 * What JCuda lacks of the driver API: launches with attributes, and what parameters a kernel has. The driver is found by name
 * at run time, because neither it nor its header need be where this is compiled; the types are those of cuda.h (CUDA 12 on).
 */
#include <dlfcn.h>
#include <jni.h>
#include <stdlib.h>

enum { CUDA_SUCCESS = 0, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION = 6 };

typedef struct {
    int id;
    char pad[4];
    union {
        char pad[64];
        int programmaticStreamSerializationAllowed;
    } value;
} CUlaunchAttribute;

typedef struct {
    unsigned gridDimX, gridDimY, gridDimZ;
    unsigned blockDimX, blockDimY, blockDimZ;
    unsigned sharedMemBytes;
    void* hStream;
    CUlaunchAttribute* attrs;
    unsigned numAttrs;
} CUlaunchConfig;

static int (*launch_kernel)(const CUlaunchConfig*, void*, void**, void**);
static int (*parameter_info)(void*, size_t, size_t*, size_t*);

/* Finds the functions; false where the driver lacks the launch. To be called before cuInit, which reads the variables. */
JNIEXPORT jboolean JNICALL Java_dev_millrace_gpu_device_Launcher_bind(JNIEnv* env, jclass type) {
    (void)env, (void)type;
    /* Loading a kernel at its first launch allocates, and waits for kernels that wait for this launch. */
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    /* GPUs are numbered as nvidia-smi and Flink's GPU plugin number them. */
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0);
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
    if (!driver) return JNI_FALSE;
    *(void**)&launch_kernel = dlsym(driver, "cuLaunchKernelEx");
    *(void**)&parameter_info = dlsym(driver, "cuFuncGetParamInfo");
    return launch_kernel ? JNI_TRUE : JNI_FALSE;
}

/* overlapping: the kernel may begin while the one before it in the stream ends (programmatic dependent launch). */
JNIEXPORT jint JNICALL Java_dev_millrace_gpu_device_Launcher_launch(
    JNIEnv* env, jclass type, jlong function, jint x, jint y, jint z, jint threads, jint shared_bytes, jlong stream,
    jlong parameters, jboolean overlapping) {
    (void)env, (void)type;
    CUlaunchAttribute serialization = {.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
                                       .value.programmaticStreamSerializationAllowed = 1};
    CUlaunchConfig config = {.gridDimX = x,
                             .gridDimY = y,
                             .gridDimZ = z,
                             .blockDimX = threads,
                             .blockDimY = 1,
                             .blockDimZ = 1,
                             .sharedMemBytes = shared_bytes,
                             .hStream = (void*)stream,
                             .attrs = &serialization,
                             .numAttrs = overlapping ? 1 : 0};
    return launch_kernel(&config, (void*)function, (void**)parameters, NULL);
}

/* The size of a kernel's parameter in bytes; 0 behind the last, -1 where the driver (before 12.4) cannot tell. */
JNIEXPORT jint JNICALL Java_dev_millrace_gpu_device_Launcher_parameterBytes(
    JNIEnv* env, jclass type, jlong function, jint index) {
    (void)env, (void)type;
    size_t offset, bytes;
    if (!parameter_info) return -1;
    return parameter_info((void*)function, index, &offset, &bytes) == CUDA_SUCCESS ? (jint)bytes : 0;
}
