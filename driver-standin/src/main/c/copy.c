// Copies and memsets. As NVIDIA's driver does, an asynchronous copy from pageable memory takes the bytes at the call, one into
// pageable memory is over at the return, and one from or to pinned memory touches it only when the stream gets there.
#include "standin.h"
#include <stdlib.h>
#include <string.h>

typedef enum { TO_DEVICE, TO_HOST, IN_DEVICE } Direction;

typedef struct {
    Direction direction;
    uint64_t target, source;
    size_t bytes;
    void *staged; // the bytes themselves, from pageable memory
    bool pinned;
} Copy;

static const char *const LABELS[] = {"copy to device", "copy to host", "copy in device"};

/** Of an address that was checked. */
static bool is_variable(CUdeviceptr address) {
    return memory_find(address)->variable;
}

static CUresult move(const Copy *copy, void *source, void *target) {
    if (copy->direction == TO_HOST && is_variable(copy->source)) {
        return bridge_copy_variable(copy->source, target, copy->bytes, false);
    }
    if (copy->direction == TO_DEVICE && is_variable(copy->target)) {
        return bridge_copy_variable(copy->target, source, copy->bytes, true);
    }
    if (copy->direction == IN_DEVICE && (is_variable(copy->source) || is_variable(copy->target))) {
        return standin_refuse(CUDA_ERROR_NOT_SUPPORTED, "copies between a module's variables and other device memory");
    }
    memmove(target, source, copy->bytes);
    return CUDA_SUCCESS;
}

static CUresult run_copy(Op *op) {
    Copy *copy = (Copy *) op->payload;
    const char *label = LABELS[copy->direction];
    if (copy->direction != TO_DEVICE) TRY(memory_check_run(label, copy->source, copy->bytes));
    if (copy->direction != TO_HOST) TRY(memory_check_run(label, copy->target, copy->bytes));
    uint64_t host = copy->direction == TO_DEVICE ? copy->source : copy->target;
    if (copy->pinned && !host_is_pinned(memory_host(host), copy->bytes)) {
        return standin_refuse(CUDA_ERROR_ILLEGAL_ADDRESS, "%s: host memory at 0x%lx is no longer pinned", label, host);
    }
    long numbers[] = {copy->direction, (long) copy->bytes, copy->pinned};
    record_work(RECORD_COPY, label, numbers, 3);
    if (standin_settings.dry) {
        if (copy->direction == TO_HOST) memset(memory_host(copy->target), 0, copy->bytes);
        return CUDA_SUCCESS;
    }
    void *source = copy->staged != NULL ? copy->staged : memory_host(copy->source);
    TRY(move(copy, source, memory_host(copy->target)));
    if (copy->direction == TO_DEVICE && !is_variable(copy->target)) record_memory(EVENT_WRITTEN, copy->target, copy->bytes, 0);
    if (copy->direction == IN_DEVICE) record_memory(EVENT_COPIED, copy->target, copy->source, copy->bytes);
    return CUDA_SUCCESS;
}

static void release_copy(Op *op) {
    free(((Copy *) op->payload)->staged);
}

static CUresult check(const char *what, const Copy *copy) {
    if (copy->direction != TO_DEVICE) TRY(memory_check_call(what, copy->source, copy->bytes));
    if (copy->direction != TO_HOST) TRY(memory_check_call(what, copy->target, copy->bytes));
    uint64_t host = copy->direction == TO_DEVICE ? copy->source : copy->target;
    if (copy->direction != IN_DEVICE && host == 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: NULL as host memory", what);
    return CUDA_SUCCESS;
}

/** Submits a copy whose stream the caller has resolved, and waits for it if need be. */
static CUresult submit(Stream *stream, Copy copy, bool wait) {
    Op *op = op_create(NODE_MEMCPY, LABELS[copy.direction], stream->object.context, sizeof copy, run_copy, release_copy);
    memcpy(op->payload, &copy, sizeof copy);
    TRY(stream_submit(stream, op));
    return wait ? stream_drain(stream) : CUDA_SUCCESS;
}

/**
 * JCuda holds on to a Java array, and stops the garbage collector, until a copy returns. If that has to wait for kernels, the
 * virtual machine stands still as long, and the emulator, which runs in it, may never come back.
 */
static CUresult refuse_heap(const char *what, Context *context, uint64_t host) {
    if (!bridge_in_java_heap(host) || !context_is_busy(context)) return CUDA_SUCCESS;
    return standin_refuse(CUDA_ERROR_NOT_PERMITTED, "%s into a Java array while work is queued: synchronise first, or use a buffer", what);
}

static CUresult copy_now(const char *what, Direction direction, uint64_t target, uint64_t source, size_t bytes) {
    REQUIRE_CONTEXT(context);
    if (bytes == 0) return CUDA_SUCCESS;
    Copy copy = {direction, target, source, bytes, NULL, false};
    TRY(check(what, &copy));
    TRY(capture_check_legacy(context));
    TRY(capture_forbids(what));
    if (direction == TO_DEVICE && context_is_busy(context)) {
        // From pageable memory the call may return before the device has the bytes.
        copy.staged = malloc(bytes);
        memcpy(copy.staged, memory_host(source), bytes);
        return submit(context->legacy, copy, false);
    }
    if (direction == TO_HOST) TRY(refuse_heap(what, context, target));
    return submit(context->legacy, copy, direction != IN_DEVICE);
}

static CUresult copy_later(const char *what, Direction direction, uint64_t target, uint64_t source, size_t bytes, CUstream handle) {
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    if (bytes == 0) return CUDA_SUCCESS;
    Copy copy = {direction, target, source, bytes, NULL, false};
    TRY(check(what, &copy));
    if (direction == IN_DEVICE) return submit(stream, copy, false);
    void *host = memory_host(direction == TO_DEVICE ? source : target);
    copy.pinned = host_is_pinned(host, bytes);
    if (copy.pinned) return submit(stream, copy, false);
    if (stream->capture != NULL) {
        capture_invalidate(stream->capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s: a captured copy needs pinned host memory", what);
    }
    if (direction == TO_HOST) {
        TRY(refuse_heap(what, context, target));
        return submit(stream, copy, true);
    }
    copy.staged = malloc(bytes);
    memcpy(copy.staged, host, bytes);
    return submit(stream, copy, false);
}

#define HOST(pointer) ((uint64_t) (uintptr_t) (pointer))

CUresult cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t bytes) {
    API("cuMemcpyHtoD");
    return copy_now("cuMemcpyHtoD", TO_DEVICE, target, HOST(source), bytes);
}

CUresult cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t bytes) {
    API("cuMemcpyDtoH");
    return copy_now("cuMemcpyDtoH", TO_HOST, HOST(target), source, bytes);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes) {
    API("cuMemcpyDtoD");
    return copy_now("cuMemcpyDtoD", IN_DEVICE, target, source, bytes);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source, size_t bytes, CUstream stream) {
    API("cuMemcpyHtoDAsync");
    return copy_later("cuMemcpyHtoDAsync", TO_DEVICE, target, HOST(source), bytes, stream);
}

CUresult cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t bytes, CUstream stream) {
    API("cuMemcpyDtoHAsync");
    return copy_later("cuMemcpyDtoHAsync", TO_HOST, HOST(target), source, bytes, stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    API("cuMemcpyDtoDAsync");
    return copy_later("cuMemcpyDtoDAsync", IN_DEVICE, target, source, bytes, stream);
}

// ---- Memsets

typedef struct {
    CUdeviceptr target;
    uint32_t value;
    unsigned width;
    size_t count;
} Set;

static CUresult run_set(Op *op) {
    Set *set = (Set *) op->payload;
    TRY(memory_check_write("memset", set->target, set->count * set->width));
    long numbers[] = {(long) (set->count * set->width), set->width};
    record_work(RECORD_SET, "memset", numbers, 2);
    if (standin_settings.dry) return CUDA_SUCCESS;
    unsigned char *bytes = memory_host(set->target);
    for (size_t i = 0; i < set->count; i++) memcpy(bytes + i * set->width, &set->value, set->width);
    return CUDA_SUCCESS;
}

static CUresult set_memory(const char *what, Set set, CUstream handle, bool async) {
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    if (set.count == 0) return CUDA_SUCCESS;
    if (set.target % set.width != 0) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s: 0x%lx is no multiple of %u", what, set.target, set.width);
    }
    TRY(memory_check_call(what, set.target, set.count * set.width));
    if (is_variable(set.target)) return standin_refuse(CUDA_ERROR_NOT_SUPPORTED, "%s of a module's variable", what);
    if (!async) {
        TRY(capture_check_legacy(context));
        TRY(capture_forbids(what));
    }
    Op *op = op_create(NODE_MEMSET, "memset", context, sizeof set, run_set, NULL);
    memcpy(op->payload, &set, sizeof set);
    return stream_submit(stream, op);
}

#define MEMSET(symbol, label, type, width)                                                                             \
    CUresult symbol(CUdeviceptr target, type value, size_t count) {                                                    \
        API(label);                                                                                                    \
        return set_memory(label, (Set) {target, value, width, count}, NULL, false);                                    \
    }
#define MEMSET_ASYNC(symbol, label, type, width)                                                                       \
    CUresult symbol(CUdeviceptr target, type value, size_t count, CUstream stream) {                                   \
        API(label);                                                                                                    \
        return set_memory(label, (Set) {target, value, width, count}, stream, true);                                   \
    }

MEMSET(cuMemsetD8_v2, "cuMemsetD8", unsigned char, 1)
MEMSET(cuMemsetD16_v2, "cuMemsetD16", unsigned short, 2)
MEMSET(cuMemsetD32_v2, "cuMemsetD32", unsigned, 4)
MEMSET_ASYNC(cuMemsetD8Async, "cuMemsetD8Async", unsigned char, 1)
MEMSET_ASYNC(cuMemsetD16Async, "cuMemsetD16Async", unsigned short, 2)
MEMSET_ASYNC(cuMemsetD32Async, "cuMemsetD32Async", unsigned, 4)
