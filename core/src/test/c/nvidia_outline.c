// Outlines of NVIDIA's three libraries for tests of the probe: exactly the functions that it may call before it knows the
// versions, and a few lines behind each. Any other call ends the process, since the name is not there, as it would with
// a library that is older than the function. What they answer is set in the environment.
//
// Built with -DOUTLINE_CUDA, -DOUTLINE_CUBLAS or -DOUTLINE_CUDNN, each a shared library under NVIDIA's name.
#include <stdio.h>
#include <stdlib.h>

static int setting(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value == NULL ? otherwise : atoi(value);
}

#ifdef OUTLINE_CUDA
static int contexts;

int cuInit(unsigned flags) { return flags != 0 ? 1 : setting("OUTLINE_INIT", 0); }
int cuDriverGetVersion(int *version) { *version = setting("OUTLINE_DRIVER", 12020); return 0; }
int cuDeviceGetCount(int *count) { *count = setting("OUTLINE_DEVICES", 2); return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < setting("OUTLINE_DEVICES", 2) ? 0 : 101; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Outline %d", device); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t) (8 + device) << 30; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    // Device 0 is older than device 1 unless told otherwise.
    int capability = setting("OUTLINE_CAPABILITY", device == 0 ? 70 : 86);
    *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : -1;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    contexts++;
    *context = (void *) (size_t) (device + 1);
    return setting("OUTLINE_CONTEXT", 0);
}
int cuDevicePrimaryCtxRelease_v2(int device) { (void) device; return --contexts < 0 ? 201 : 0; }
int cuCtxPushCurrent_v2(void *context) { (void) context; return 0; }
int cuCtxPopCurrent_v2(void **context) { *context = NULL; return 0; }
int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options, void **values) { (void) count; (void) options; (void) values; *module = (void *) image; return setting("OUTLINE_MODULE", 0); }
int cuModuleUnload(void *module) { (void) module; return 0; }
#endif

#ifdef OUTLINE_CUBLAS
int cublasGetProperty(int part, int *value) { *value = part == 0 ? 12 : part == 1 ? 3 : 4; return setting("OUTLINE_CUBLAS", 0); }
#endif

#ifdef OUTLINE_CUDNN
size_t cudnnGetVersion(void) { return setting("OUTLINE_CUDNN", 8907); }
size_t cudnnGetCudartVersion(void) { return setting("OUTLINE_CUDNN_CUDA", 12020); }
#endif
