// Modules, functions, occupancy and launches. What a kernel does is the emulator's business.
#include "state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 200
#define MAX_PARAMETERS 128
#define MAX_PARAMETER_BYTES 4096
#define DESCRIPTION 5

// What ptxas would give is not known here: the most that lets 1024 threads run.
#define ASSUMED_REGISTERS 64

typedef struct {
    Object object;
    long id;
} Module;

typedef struct {
    Object object;
    uint64_t module;
    char name[NAME_BYTES];
    int kernel, parameterBytes, staticShared, maxThreads, localBytes;
    int dynamicShared; // allowed
    int parameterCount;
    int offsets[MAX_PARAMETERS], sizes[MAX_PARAMETERS];
} Function;

typedef struct {
    LaunchParams params;
    unsigned char block[MAX_PARAMETER_BYTES];
} Launch;

static long faultIn;
static int faultWith;

void launch_order_fault(long in, int code) {
    faultIn = in;
    faultWith = code;
}

// ---- Modules

CUresult cuModuleLoadDataEx(CUmodule *result, const void *image, unsigned count, const int *options, void **values) {
    API("cuModuleLoadData");
    (void) options;
    (void) values;
    REQUIRE_CONTEXT(context);
    if (result == NULL || image == NULL || count > 64) return CUDA_ERROR_INVALID_VALUE;
    TRY(capture_forbids("cuModuleLoadData"));
    long id;
    TRY(bridge_load_module(image, strlen(image), &id));
    Module *module = object_create(sizeof *module, KIND_MODULE, context);
    module->id = id;
    object_announce(module);
    *result = handle_of(module);
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *result, const void *image) {
    return cuModuleLoadDataEx(result, image, 0, NULL, NULL);
}

static CUresult require_module(CUmodule handle, Module **module) {
    *module = object_get(handle, KIND_MODULE);
    return *module != NULL ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_INVALID_HANDLE, "no such module: %p", handle);
}

CUresult cuModuleUnload(CUmodule handle) {
    API("cuModuleUnload");
    REQUIRE_CONTEXT(context);
    Module *module;
    TRY(require_module(handle, &module));
    TRY(capture_forbids("cuModuleUnload"));
    size_t cursor = 0;
    for (Function *function; (function = object_next(KIND_FUNCTION, &cursor)) != NULL;) {
        if (function->module == module->object.handle) object_destroy(function);
    }
    bridge_unload_module(module->id);
    object_destroy(module);
    return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *result, CUmodule handle, const char *name) {
    API("cuModuleGetFunction");
    REQUIRE_CONTEXT(context);
    Module *module;
    TRY(require_module(handle, &module));
    if (result == NULL || name == NULL || strlen(name) >= NAME_BYTES) return CUDA_ERROR_INVALID_VALUE;
    // The same function has the same handle.
    size_t cursor = 0;
    for (Function *known; (known = object_next(KIND_FUNCTION, &cursor)) != NULL;) {
        if (known->module == module->object.handle && strcmp(known->name, name) == 0) {
            *result = handle_of(known);
            return CUDA_SUCCESS;
        }
    }
    int numbers[DESCRIPTION + 2 * MAX_PARAMETERS], count;
    TRY(bridge_describe_kernel(module->id, name, numbers, DESCRIPTION + 2 * MAX_PARAMETERS, &count));
    Function *function = object_create(sizeof *function, KIND_FUNCTION, context);
    function->module = module->object.handle;
    strcpy(function->name, name);
    function->kernel = numbers[0];
    function->parameterBytes = numbers[1];
    function->staticShared = numbers[2];
    function->maxThreads = numbers[3];
    function->localBytes = numbers[4];
    function->dynamicShared = device_attribute(8) - function->staticShared;
    function->parameterCount = (count - DESCRIPTION) / 2;
    for (int i = 0; i < function->parameterCount; i++) {
        function->offsets[i] = numbers[DESCRIPTION + 2 * i];
        function->sizes[i] = numbers[DESCRIPTION + 2 * i + 1];
    }
    *result = handle_of(function);
    return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
    API("cuModuleGetGlobal");
    REQUIRE_CONTEXT(context);
    Module *module;
    TRY(require_module(handle, &module));
    CUdeviceptr at;
    size_t size;
    TRY(bridge_variable(module->id, name, &at, &size));
    TRY(memory_add_variable(context, at, size));
    if (address != NULL) *address = at;
    if (bytes != NULL) *bytes = size;
    return CUDA_SUCCESS;
}

// ---- Functions

static CUresult require_function(CUfunction handle, Function **function) {
    *function = object_get(handle, KIND_FUNCTION);
    return *function != NULL ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_INVALID_HANDLE, "no such function: %p", handle);
}

#define REQUIRE_FUNCTION(name, handle)                                                                                 \
    REQUIRE_CONTEXT(context);                                                                                          \
    Function *name;                                                                                                    \
    TRY(require_function(handle, &name))

CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction handle) {
    API("cuFuncGetAttribute");
    REQUIRE_FUNCTION(function, handle);
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    int target = 10 * standin_settings.major + standin_settings.minor;
    switch (attribute) {
        case FUNC_MAX_THREADS_PER_BLOCK: *value = function->maxThreads; return CUDA_SUCCESS;
        case FUNC_SHARED_SIZE_BYTES: *value = function->staticShared; return CUDA_SUCCESS;
        case FUNC_LOCAL_SIZE_BYTES: *value = function->localBytes; return CUDA_SUCCESS;
        case FUNC_NUM_REGS: *value = ASSUMED_REGISTERS; return CUDA_SUCCESS;
        case FUNC_PTX_VERSION: case FUNC_BINARY_VERSION: *value = target; return CUDA_SUCCESS;
        case FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = function->dynamicShared; return CUDA_SUCCESS;
        case FUNC_CONST_SIZE_BYTES: case FUNC_CACHE_MODE_CA: *value = 0; return CUDA_SUCCESS;
        case FUNC_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; return CUDA_SUCCESS;
        default: return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuFuncGetAttribute: attribute %d", attribute);
    }
}

CUresult cuFuncSetAttribute(CUfunction handle, int attribute, int value) {
    API("cuFuncSetAttribute");
    REQUIRE_FUNCTION(function, handle);
    if (attribute == FUNC_PREFERRED_SHARED_MEMORY_CARVEOUT && value >= -1 && value <= 100) return CUDA_SUCCESS;
    int most = device_attribute(97) - function->staticShared;
    if (attribute != FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > most) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuFuncSetAttribute(%s): attribute %d = %d; dynamic shared memory %d at most",
                              function->name, attribute, value, most);
    }
    function->dynamicShared = value;
    return CUDA_SUCCESS;
}

CUresult cuFuncSetCacheConfig(CUfunction handle, int config) {
    API("cuFuncSetCacheConfig");
    REQUIRE_FUNCTION(function, handle);
    return config < 0 || config > 3 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuFuncGetModule(CUmodule *result, CUfunction handle) {
    API("cuFuncGetModule");
    REQUIRE_FUNCTION(function, handle);
    if (result == NULL) return CUDA_ERROR_INVALID_VALUE;
    *result = (CUmodule) (uintptr_t) function->module;
    return CUDA_SUCCESS;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

static int blocks_per_processor(const Function *function, int threads, size_t dynamicShared) {
    int warps = (threads + 31) / 32;
    int blocks = least(device_attribute(106), device_attribute(39) / (32 * warps));
    blocks = least(blocks, device_attribute(82) / (ASSUMED_REGISTERS * 32 * warps));
    long shared = (long) dynamicShared + function->staticShared + device_attribute(111);
    return shared == 0 ? blocks : least(blocks, (int) (device_attribute(81) / shared));
}

static CUresult occupancy(int *blocks, CUfunction handle, int threads, size_t dynamicShared) {
    REQUIRE_FUNCTION(function, handle);
    if (blocks == NULL || threads < 1 || threads > function->maxThreads) return CUDA_ERROR_INVALID_VALUE;
    *blocks = dynamicShared > (size_t) function->dynamicShared ? 0 : blocks_per_processor(function, threads, dynamicShared);
    return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction handle, int threads, size_t dynamicShared) {
    API("cuOccupancyMaxActiveBlocksPerMultiprocessor");
    return occupancy(blocks, handle, threads, dynamicShared);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle, int threads, size_t dynamicShared,
                                                              unsigned flags) {
    API("cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags");
    return flags > 1 ? CUDA_ERROR_INVALID_VALUE : occupancy(blocks, handle, threads, dynamicShared);
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction handle, size_t (*sharedOf)(int), size_t dynamicShared,
                                          int limit) {
    API("cuOccupancyMaxPotentialBlockSize");
    REQUIRE_FUNCTION(function, handle);
    if (grid == NULL || block == NULL || limit < 0) return CUDA_ERROR_INVALID_VALUE;
    int most = limit == 0 ? function->maxThreads : least(limit, function->maxThreads);
    int best = 0;
    for (int threads = most / 32 * 32; threads >= 32; threads -= 32) {
        size_t shared = sharedOf != NULL ? sharedOf(threads) : dynamicShared;
        int blocks = blocks_per_processor(function, threads, shared);
        if (blocks * threads > best) {
            best = blocks * threads;
            *block = threads;
            *grid = blocks * device_attribute(16);
        }
    }
    return best > 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

// ---- Launches

// Numbers of a kernel's record before its arguments.
#define GEOMETRY 8

// As an integer; of a float its bits, of what is wider than 8 bytes the first.
static long argument(const Function *function, const unsigned char *block, int which) {
    const unsigned char *at = block + function->offsets[which];
    if (function->sizes[which] == 4) {
        int value;
        memcpy(&value, at, 4);
        return value;
    }
    long value = 0;
    memcpy(&value, at, (size_t) least(function->sizes[which], 8));
    return value;
}

static CUresult run_launch(Op *op) {
    const Launch *launch = (const Launch *) op->payload;
    const LaunchParams *p = &launch->params;
    Function *function = object_get(p->function, KIND_FUNCTION);
    if (function == NULL) return standin_refuse(CUDA_ERROR_LAUNCH_FAILED, "a kernel runs whose module was unloaded");
    long numbers[RECORD_NUMBERS] = {p->gridX, p->gridY, p->gridZ, p->blockX, p->blockY, p->blockZ, p->sharedBytes, function->parameterCount};
    for (int i = 0; i < function->parameterCount && GEOMETRY + i < RECORD_NUMBERS; i++) {
        numbers[GEOMETRY + i] = argument(function, launch->block, i);
    }
    record_work(RECORD_KERNEL, function->name, numbers, RECORD_NUMBERS);
    if (faultIn > 0 && --faultIn == 0) {
        return standin_refuse(faultWith, "%s: error %d while it ran, which a test ordered", function->name, faultWith);
    }
    if (standin_settings.dry) return CUDA_SUCCESS;
    unsigned geometry[] = {p->gridX, p->gridY, p->gridZ, p->blockX, p->blockY, p->blockZ, p->sharedBytes};
    return bridge_launch(function->kernel, geometry, launch->block, (size_t) function->parameterBytes);
}

static CUresult check_geometry(const Function *f, const LaunchParams *p) {
    unsigned long threads = (unsigned long) p->blockX * p->blockY * p->blockZ;
    bool gridFits = p->gridX >= 1 && p->gridX <= 2147483647u && p->gridY >= 1 && p->gridY <= 65535 && p->gridZ >= 1 && p->gridZ <= 65535;
    bool blockFits = threads >= 1 && p->blockX <= 1024 && p->blockY <= 1024 && p->blockZ <= 64 && threads <= 1024;
    if (!gridFits || !blockFits) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: grid %u,%u,%u of blocks %u,%u,%u", f->name, p->gridX, p->gridY, p->gridZ,
                              p->blockX, p->blockY, p->blockZ);
    }
    if (threads > (unsigned long) f->maxThreads) {
        return standin_refuse(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "%s: %lu threads a block, %d at most", f->name, threads, f->maxThreads);
    }
    if (p->sharedBytes > (unsigned) f->dynamicShared) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: %u bytes of dynamic shared memory, %d allowed; see cuFuncSetAttribute",
                              f->name, p->sharedBytes, f->dynamicShared);
    }
    return CUDA_SUCCESS;
}

/** A launch as an operation; checks all that can be checked before it runs. */
static CUresult kernel_op(Context *context, const LaunchParams *params, Op **op) {
    Function *function;
    TRY(require_function(params->function, &function));
    if (function->object.context != context) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "%s is of another context", function->name);
    TRY(check_geometry(function, params));
    if (params->extra != NULL) return standin_refuse(CUDA_ERROR_NOT_SUPPORTED, "%s: parameters in 'extra'", function->name);
    if (function->parameterCount > 0 && params->parameters == NULL) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: no parameters, expected %d", function->name, function->parameterCount);
    }
    *op = op_create(NODE_KERNEL, "kernel", context, sizeof(Launch), run_launch, NULL);
    Launch *launch = (Launch *) (*op)->payload;
    launch->params = *params;
    for (int i = 0; i < function->parameterCount; i++) {
        if (params->parameters[i] == NULL) {
            op_release(*op);
            return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: parameter %d of %d is NULL", function->name, i, function->parameterCount);
        }
        memcpy(launch->block + function->offsets[i], params->parameters[i], (size_t) function->sizes[i]);
    }
    launch->params.parameters = NULL;
    return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream handle, void **parameters, void **extra) {
    API("cuLaunchKernel");
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    LaunchParams params = {function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, parameters, extra};
    Op *op = NULL;
    TRY(kernel_op(context, &params, &op));
    return stream_submit(stream, op);
}
