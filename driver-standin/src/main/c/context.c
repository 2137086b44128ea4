// Initialisation, devices and contexts.
#include "state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEVICES 16
#define STACK_DEPTH 64

static bool initialised;
static uint64_t primary[MAX_DEVICES];

// Handles, so that a context that another thread destroys is noticed; empty again after a reset.
static __thread void *stack[STACK_DEPTH];
static __thread int depth;
static __thread int stackResets;
static int resets;

static CUresult require_init(void) {
    if (stackResets != resets) {
        stackResets = resets;
        depth = 0;
    }
    return initialised ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
}

static CUresult require_device(CUdevice device) {
    TRY(require_init());
    if (device < 0 || device >= standin_settings.deviceCount) {
        return standin_refuse(CUDA_ERROR_INVALID_DEVICE, "device %d of %d", device, standin_settings.deviceCount);
    }
    return CUDA_SUCCESS;
}

CUresult context_current(Context **context) {
    TRY(require_init());
    if (depth == 0 || stack[depth - 1] == NULL) {
        return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread");
    }
    *context = object_get(stack[depth - 1], KIND_CONTEXT);
    if (*context == NULL) {
        return standin_refuse(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the current context was destroyed");
    }
    return (*context)->sticky;
}

CUresult cuInit(unsigned flags) {
    API("cuInit");
    if (flags != 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuInit: flags %u, expected 0", flags);
    if (standin_settings.initResult != 0) return standin_settings.initResult;
    initialised = true;
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
    API("cuDriverGetVersion");
    if (version == NULL) return CUDA_ERROR_INVALID_VALUE;
    *version = 12060;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
    API("cuDeviceGetCount");
    TRY(require_init());
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    *count = standin_settings.deviceCount;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    API("cuDeviceGet");
    TRY(require_device(ordinal));
    if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    API("cuDeviceGetName");
    TRY(require_device(device));
    if (name == NULL || length < 1) return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, (size_t) length, "Stand-in sm_%d%d", standin_settings.major, standin_settings.minor);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(char *uuid, CUdevice device) {
    API("cuDeviceGetUuid");
    TRY(require_device(device));
    if (uuid == NULL) return CUDA_ERROR_INVALID_VALUE;
    memcpy(uuid, "instaflowstandin", 16);
    uuid[15] = (char) device;
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    API("cuDeviceTotalMem");
    TRY(require_device(device));
    if (bytes == NULL) return CUDA_ERROR_INVALID_VALUE;
    *bytes = standin_settings.memoryBytes;
    return CUDA_SUCCESS;
}

// By number of CUdevice_attribute; those of A100, Ada and H100, as their compute capability says.
int device_attribute(int attribute) {
    int sm = 10 * standin_settings.major + standin_settings.minor;
    int sharedPerProcessor = sm >= 90 ? 233472 : sm == 80 ? 167936 : sm >= 86 ? 102400 : 65536;
    switch (attribute) {
        case 1: case 2: case 3: return 1024; // threads a block
        case 4: return 64;
        case 5: return 2147483647; // grid
        case 6: case 7: return 65535;
        case 8: return 49152; // shared memory of a block
        case 9: return 65536; // constant memory
        case 10: return 32;
        case 11: return 2147483647;
        case 12: case 82: return 65536; // registers
        case 13: return sm >= 90 ? 1980000 : 1410000; // kHz
        case 14: return 512;
        case 15: case 19: case 31: case 41: case 78: case 95: case 99: case 102: case 115: return 1;
        case 16: return standin_settings.processors;
        case 36: return sm >= 90 ? 2619000 : 1215000; // kHz, memory
        case 37: return 5120; // bits, memory bus
        case 38: return sm >= 90 ? 52428800 : 41943040; // L2
        case 39: return sm == 86 || sm == 89 ? 1536 : sm == 75 ? 1024 : 2048;
        case 40: return 3;
        case 75: return standin_settings.major;
        case 76: return standin_settings.minor;
        case 81: return sharedPerProcessor;
        case 97: return sm >= 80 ? sharedPerProcessor - 1024 : sharedPerProcessor; // by opting in
        case 106: return sm == 86 || sm == 75 ? 16 : sm == 89 ? 24 : 32;
        case 111: return sm >= 80 ? 1024 : 0; // reserved by the system in each block
        default: return 0;
    }
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    API("cuDeviceGetAttribute");
    TRY(require_device(device));
    if (value == NULL || attribute < 1 || attribute > 140) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuDeviceGetAttribute: attribute %d", attribute);
    }
    *value = device_attribute(attribute);
    return CUDA_SUCCESS;
}

static Context *create(CUdevice device, bool isPrimary) {
    Context *context = object_create(sizeof *context, KIND_CONTEXT, NULL);
    context->object.context = context;
    context->device = device;
    context->primary = isPrimary;
    context->legacy = stream_create(context, 0, 0);
    object_announce(context);
    return context;
}

/** What lives in a context dies with it, and queued work is dropped; handles of libraries are left, for the list of leaks. */
static void destroy(Context *context) {
    static const Kind kinds[] = {KIND_GRAPH_EXEC, KIND_GRAPH, KIND_FUNCTION, KIND_POOL, KIND_EVENT, KIND_MODULE};
    size_t cursor = 0;
    for (Stream *stream; (stream = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (stream->object.context == context) stream_discard(stream);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        cursor = 0;
        for (Object *object; (object = object_next(kinds[i], &cursor)) != NULL;) {
            if (object->context == context) object_destroy(object);
        }
    }
    memory_forget_context(context);
    object_destroy(context);
}

void context_reset(void) {
    captures_reset();
    size_t cursor = 0;
    for (Context *context; (context = object_next(KIND_CONTEXT, &cursor)) != NULL;) destroy(context);
    for (Kind kind = 1; kind < KIND_COUNT; kind++) {
        cursor = 0;
        for (Object *object; (object = object_next(kind, &cursor)) != NULL;) object_destroy(object);
    }
    memory_reset();
    memset(primary, 0, sizeof primary);
    initialised = false;
    resets++;
}

static CUresult push(void *handle) {
    if (depth == STACK_DEPTH) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "more than %d contexts pushed", STACK_DEPTH);
    stack[depth++] = handle;
    return CUDA_SUCCESS;
}

CUresult cuCtxCreate_v2(CUcontext *result, unsigned flags, CUdevice device) {
    API("cuCtxCreate");
    TRY(require_device(device));
    if (result == NULL || flags > 0x7f) return CUDA_ERROR_INVALID_VALUE;
    *result = handle_of(create(device, false));
    return push(*result);
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
    API("cuCtxDestroy");
    TRY(require_init());
    Context *context = object_get(handle, KIND_CONTEXT);
    if (context == NULL) return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "cuCtxDestroy: no such context");
    if (context->primary) {
        return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "cuCtxDestroy: a primary context is released, not destroyed");
    }
    TRY(capture_forbids("cuCtxDestroy"));
    destroy(context);
    if (depth > 0 && stack[depth - 1] == handle) depth--;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *result, CUdevice device) {
    API("cuDevicePrimaryCtxRetain");
    TRY(require_device(device));
    if (result == NULL) return CUDA_ERROR_INVALID_VALUE;
    Context *context = object_get((void *) (uintptr_t) primary[device], KIND_CONTEXT);
    if (context == NULL) {
        context = create(device, true);
        primary[device] = context->object.handle;
    }
    context->retained++;
    *result = handle_of(context);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    API("cuDevicePrimaryCtxRelease");
    TRY(require_device(device));
    Context *context = object_get((void *) (uintptr_t) primary[device], KIND_CONTEXT);
    if (context == NULL) {
        return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "cuDevicePrimaryCtxRelease: released more often than retained");
    }
    if (--context->retained == 0) {
        TRY(capture_forbids("cuDevicePrimaryCtxRelease"));
        destroy(context);
        primary[device] = 0;
    }
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    API("cuDevicePrimaryCtxGetState");
    TRY(require_device(device));
    if (flags == NULL || active == NULL) return CUDA_ERROR_INVALID_VALUE;
    *flags = 0;
    *active = object_get((void *) (uintptr_t) primary[device], KIND_CONTEXT) != NULL;
    return CUDA_SUCCESS;
}

static CUresult require_context_or_none(CUcontext handle) {
    TRY(require_init());
    if (handle != NULL && object_get(handle, KIND_CONTEXT) == NULL) {
        return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "no such context");
    }
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext handle) {
    API("cuCtxSetCurrent");
    TRY(require_context_or_none(handle));
    if (depth > 0) depth--;
    return handle == NULL ? CUDA_SUCCESS : push(handle);
}

CUresult cuCtxGetCurrent(CUcontext *handle) {
    API("cuCtxGetCurrent");
    TRY(require_init());
    if (handle == NULL) return CUDA_ERROR_INVALID_VALUE;
    *handle = depth == 0 ? NULL : stack[depth - 1];
    return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
    API("cuCtxPushCurrent");
    TRY(require_context_or_none(handle));
    if (handle == NULL) return CUDA_ERROR_INVALID_CONTEXT;
    return push(handle);
}

CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
    API("cuCtxPopCurrent");
    TRY(require_init());
    if (depth == 0) return standin_refuse(CUDA_ERROR_INVALID_CONTEXT, "cuCtxPopCurrent: no context is current");
    depth--;
    if (handle != NULL) *handle = stack[depth];
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device) {
    API("cuCtxGetDevice");
    REQUIRE_CONTEXT(context);
    if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
    *device = context->device;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
    API("cuCtxGetApiVersion");
    TRY(require_context_or_none(handle));
    if (version == NULL) return CUDA_ERROR_INVALID_VALUE;
    *version = 3020;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    API("cuCtxGetStreamPriorityRange");
    REQUIRE_CONTEXT(context);
    if (least != NULL) *least = 0;
    if (greatest != NULL) *greatest = -5;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    API("cuCtxSynchronize");
    REQUIRE_CONTEXT(context);
    TRY(capture_forbids("cuCtxSynchronize"));
    return context_drain(context);
}
