// Streams and events. Work waits in its stream until something synchronises, and then no more of it runs than has to: a host
// that reads too early, or a stream that does not wait for another, meets the oldest bytes that a GPU might show it.
#include "state.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

// So many entries may wait; a driver's queue is of that order too.
#define QUEUE_LIMIT 1024

Op *op_create(int nodeType, const char *label, Context *context, size_t payloadBytes, OpRun run, OpRelease release) {
    Op *op = calloc(1, sizeof *op + payloadBytes);
    op->references = 1;
    op->nodeType = nodeType;
    op->label = label;
    op->context = context;
    op->run = run;
    op->release = release;
    return op;
}

Op *op_retain(Op *op) {
    op->references++;
    return op;
}

void op_release(Op *op) {
    if (--op->references == 0) {
        if (op->release != NULL) op->release(op);
        free(op);
    }
}

Stream *stream_create(Context *context, unsigned flags, int priority) {
    Stream *stream = object_create(sizeof *stream, KIND_STREAM, context);
    stream->blocking = (flags & CU_STREAM_NON_BLOCKING) == 0;
    stream->flags = flags;
    stream->priority = priority;
    return stream;
}

// Handles 0 and 1 are the legacy stream; 2, the default stream of each thread, is for programs that are compiled for it.
CUresult stream_resolve(Context *context, CUstream handle, Stream **stream) {
    *stream = (uintptr_t) handle <= 1 ? context->legacy : object_get(handle, KIND_STREAM);
    if (*stream == NULL) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "no such stream: %p", handle);
    if ((*stream)->object.context != context) {
        return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "the stream belongs to another context than the current one");
    }
    return CUDA_SUCCESS;
}

// ---- Running

static Moment last_of(const Stream *stream) {
    return (Moment) {stream->object.handle, stream->issued};
}

static void run_moment(Moment moment) {
    // A stream that is gone ran all it had.
    Stream *stream = object_get((void *) (uintptr_t) moment.stream, KIND_STREAM);
    if (stream != NULL) stream_run_until(stream, moment.sequence);
}

static void run_first(Stream *stream) {
    Entry *entry = stream->first;
    for (size_t i = 0; i < entry->dependencyCount; i++) run_moment(entry->dependencies[i]);
    stream->first = entry->next;
    if (stream->first == NULL) stream->last = NULL;
    stream->pending--;
    Context *context = stream->object.context;
    if (context->sticky == CUDA_SUCCESS) context->sticky = entry->op->run(entry->op);
    stream->done = entry->sequence;
    op_release(entry->op);
    free(entry);
}

void stream_run_until(Stream *stream, uint64_t sequence) {
    while (stream->first != NULL && stream->first->sequence <= sequence) run_first(stream);
}

CUresult stream_drain(Stream *stream) {
    stream_run_until(stream, stream->issued);
    return stream->object.context->sticky;
}

CUresult context_drain(Context *context) {
    size_t cursor = 0;
    for (Stream *stream; (stream = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (stream->object.context == context) stream_drain(stream);
    }
    return context->sticky;
}

bool context_is_busy(const Context *context) {
    size_t cursor = 0;
    for (Stream *stream; (stream = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (stream->object.context == context && stream->first != NULL) return true;
    }
    return false;
}

void stream_discard(Stream *stream) {
    while (stream->first != NULL) {
        Entry *entry = stream->first;
        stream->first = entry->next;
        op_release(entry->op);
        free(entry);
    }
    if (stream->capture != NULL) capture_invalidate(stream->capture);
    free(stream->waits);
    free(stream->tails);
    object_destroy(stream);
}

// ---- Queueing

void stream_wait_for(Stream *stream, Moment moment) {
    Stream *other = object_get((void *) (uintptr_t) moment.stream, KIND_STREAM);
    if (other == NULL || other == stream || other->done >= moment.sequence) return;
    stream->waits = realloc(stream->waits, (stream->waitCount + 1) * sizeof *stream->waits);
    stream->waits[stream->waitCount++] = moment;
}

/** The legacy stream and the blocking ones run as if they were one. */
static void wait_as_legacy_demands(Stream *stream) {
    Context *context = stream->object.context;
    if (stream != context->legacy) {
        if (stream->blocking) stream_wait_for(stream, last_of(context->legacy));
        return;
    }
    size_t cursor = 0;
    for (Stream *other; (other = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (other->object.context == context && other->blocking && other != stream) stream_wait_for(stream, last_of(other));
    }
}

CUresult stream_submit(Stream *stream, Op *op) {
    Context *context = stream->object.context;
    if (stream->capture != NULL) return capture_append(stream, op);
    CUresult status = stream == context->legacy ? capture_check_legacy(context) : CUDA_SUCCESS;
    if (status != CUDA_SUCCESS) {
        op_release(op);
        return status;
    }
    wait_as_legacy_demands(stream);
    size_t waitBytes = stream->waitCount * sizeof *stream->waits;
    Entry *entry = malloc(sizeof *entry + waitBytes);
    *entry = (Entry) {.op = op, .sequence = ++stream->issued, .next = NULL, .dependencyCount = stream->waitCount};
    if (waitBytes > 0) memcpy(entry->dependencies, stream->waits, waitBytes);
    stream->waitCount = 0;
    if (stream->last == NULL) {
        stream->first = entry;
    } else {
        stream->last->next = entry;
    }
    stream->last = entry;
    stream->pending++;
    if (!standin_settings.deferred) return stream_drain(stream);
    if (stream->pending > QUEUE_LIMIT) run_first(stream);
    return CUDA_SUCCESS;
}

CUresult stream_submit_to(CUstream handle, Op *op) {
    Context *context;
    Stream *stream;
    CUresult status = context_current(&context);
    if (status == CUDA_SUCCESS) status = stream_resolve(context, handle, &stream);
    if (status != CUDA_SUCCESS) {
        op_release(op);
        return status;
    }
    return stream_submit(stream, op);
}

// ---- The calls on streams

static CUresult create(CUstream *result, unsigned flags, int priority) {
    REQUIRE_CONTEXT(context);
    if (result == NULL || flags > CU_STREAM_NON_BLOCKING) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "stream with flags %u", flags);
    Stream *stream = stream_create(context, flags, priority);
    object_announce(stream);
    *result = handle_of(stream);
    return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *result, unsigned flags) {
    API("cuStreamCreate");
    return create(result, flags, 0);
}

CUresult cuStreamCreateWithPriority(CUstream *result, unsigned flags, int priority) {
    API("cuStreamCreateWithPriority");
    return create(result, flags, priority > 0 ? 0 : priority < -5 ? -5 : priority);
}

#define REQUIRE_STREAM(name, handle)                                                                                   \
    REQUIRE_CONTEXT(context);                                                                                          \
    Stream *name;                                                                                                      \
    TRY(stream_resolve(context, handle, &name))

CUresult cuStreamDestroy_v2(CUstream handle) {
    API("cuStreamDestroy");
    REQUIRE_STREAM(stream, handle);
    if (stream == context->legacy) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "cuStreamDestroy of the default stream");
    // The driver lets queued work finish; here it does so at once.
    CUresult status = stream_drain(stream);
    stream_discard(stream);
    return status;
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
    API("cuStreamGetFlags");
    REQUIRE_STREAM(stream, handle);
    if (flags == NULL) return CUDA_ERROR_INVALID_VALUE;
    *flags = stream->flags;
    return CUDA_SUCCESS;
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
    API("cuStreamGetPriority");
    REQUIRE_STREAM(stream, handle);
    if (priority == NULL) return CUDA_ERROR_INVALID_VALUE;
    *priority = stream->priority;
    return CUDA_SUCCESS;
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext *result) {
    API("cuStreamGetCtx");
    REQUIRE_STREAM(stream, handle);
    if (result == NULL) return CUDA_ERROR_INVALID_VALUE;
    *result = handle_of(stream->object.context);
    return CUDA_SUCCESS;
}

/** What waits for a stream may not be called while it is captured, and invalidates what is captured. */
static CUresult require_not_capturing(const char *what, Stream *stream) {
    if (stream->capture != NULL) {
        capture_invalidate(stream->capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s of a stream that is being captured", what);
    }
    return capture_forbids(what);
}

CUresult cuStreamSynchronize(CUstream handle) {
    API("cuStreamSynchronize");
    REQUIRE_STREAM(stream, handle);
    TRY(require_not_capturing("cuStreamSynchronize", stream));
    if (stream != context->legacy) return stream_drain(stream);
    size_t cursor = 0;
    for (Stream *other; (other = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (other->object.context == context && other->blocking) stream_drain(other);
    }
    return context->sticky;
}

CUresult cuStreamQuery(CUstream handle) {
    API("cuStreamQuery");
    REQUIRE_STREAM(stream, handle);
    TRY(require_not_capturing("cuStreamQuery", stream));
    if (stream->first == NULL) return CUDA_SUCCESS;
    // Somebody polls: the device gets on by one.
    run_first(stream);
    return context->sticky != CUDA_SUCCESS ? context->sticky : CUDA_ERROR_NOT_READY;
}

// ---- Functions of the host in a stream

typedef struct {
    void (*plain)(void *);
    void (*callback)(CUstream, CUresult, void *);
    CUstream stream;
    void *data;
} HostCall;

static CUresult run_host_call(Op *op) {
    HostCall *call = (HostCall *) op->payload;
    if (call->plain != NULL) {
        call->plain(call->data);
    } else {
        call->callback(call->stream, CUDA_SUCCESS, call->data);
    }
    return CUDA_SUCCESS;
}

static CUresult submit_host_call(HostCall call) {
    REQUIRE_STREAM(stream, call.stream);
    if (call.plain == NULL && call.callback == NULL) return CUDA_ERROR_INVALID_VALUE;
    Op *op = op_create(NODE_HOST, "host function", context, sizeof call, run_host_call, NULL);
    memcpy(op->payload, &call, sizeof call);
    return stream_submit(stream, op);
}

CUresult cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data) {
    API("cuLaunchHostFunc");
    return submit_host_call((HostCall) {.plain = function, .stream = stream, .data = data});
}

CUresult cuStreamAddCallback(CUstream handle, void (*callback)(CUstream, CUresult, void *), void *data, unsigned flags) {
    API("cuStreamAddCallback");
    REQUIRE_STREAM(stream, handle);
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    TRY(require_not_capturing("cuStreamAddCallback", stream));
    return submit_host_call((HostCall) {.callback = callback, .stream = handle, .data = data});
}

// ---- Events

typedef struct {
    Object object;
    unsigned flags;
    bool recorded;
    Moment moment;
    struct timespec at;
    Capture *capture; // NULL unless recorded last in a stream that was captured
    uint64_t captureId;
    size_t *nodes;
    size_t nodeCount;
} Event;

static CUresult require_event(CUevent handle, Event **event) {
    *event = object_get(handle, KIND_EVENT);
    return *event != NULL ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_INVALID_HANDLE, "no such event: %p", handle);
}

#define REQUIRE_EVENT(name, handle)                                                                                    \
    Event *name;                                                                                                       \
    TRY(require_event(handle, &name))

CUresult cuEventCreate(CUevent *result, unsigned flags) {
    API("cuEventCreate");
    REQUIRE_CONTEXT(context);
    if (result == NULL || flags > 3) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuEventCreate: flags %u", flags);
    Event *event = object_create(sizeof *event, KIND_EVENT, context);
    event->flags = flags;
    object_announce(event);
    *result = handle_of(event);
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent handle) {
    API("cuEventDestroy");
    REQUIRE_CONTEXT(context);
    REQUIRE_EVENT(event, handle);
    free(event->nodes);
    object_destroy(event);
    return CUDA_SUCCESS;
}

static CUresult run_record(Op *op) {
    Event *event = object_get(*(void **) op->payload, KIND_EVENT);
    if (event != NULL) clock_gettime(CLOCK_MONOTONIC, &event->at);
    return CUDA_SUCCESS;
}

static CUresult record(CUevent handle, CUstream streamHandle) {
    REQUIRE_STREAM(stream, streamHandle);
    REQUIRE_EVENT(event, handle);
    if (event->object.context != context) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "the event is of another context");
    if (stream->capture != NULL) {
        if (!capture_active(stream)) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        event->capture = stream->capture;
        event->captureId = capture_id(stream->capture);
        event->nodes = realloc(event->nodes, (stream->tailCount + 1) * sizeof *event->nodes);
        if (stream->tailCount > 0) memcpy(event->nodes, stream->tails, stream->tailCount * sizeof *event->nodes);
        event->nodeCount = stream->tailCount;
        return CUDA_SUCCESS;
    }
    event->capture = NULL;
    Op *op = op_create(NODE_EMPTY, "event", context, sizeof handle, run_record, NULL);
    memcpy(op->payload, &handle, sizeof handle);
    event->recorded = true;
    event->moment = (Moment) {stream->object.handle, stream->issued + 1};
    return stream_submit(stream, op);
}

CUresult cuEventRecord(CUevent handle, CUstream stream) {
    API("cuEventRecord");
    return record(handle, stream);
}

CUresult cuEventRecordWithFlags(CUevent handle, CUstream stream, unsigned flags) {
    API("cuEventRecordWithFlags");
    if (flags != 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuEventRecordWithFlags: flags %u", flags);
    return record(handle, stream);
}

static CUresult run_nothing(Op *op) {
    (void) op;
    return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent eventHandle, unsigned flags) {
    API("cuStreamWaitEvent");
    REQUIRE_STREAM(stream, handle);
    REQUIRE_EVENT(event, eventHandle);
    if (flags != 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuStreamWaitEvent: flags %u", flags);
    if (event->capture != NULL) {
        if (!capture_alive(event->capture, event->captureId)) {
            return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "the event was recorded in a capture that has ended");
        }
        return capture_wait(stream, event->capture, event->nodes, event->nodeCount);
    }
    if (stream->capture != NULL) {
        capture_invalidate(stream->capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "a captured stream waits for an event outside the capture");
    }
    if (!event->recorded) return CUDA_SUCCESS;
    stream_wait_for(stream, event->moment);
    // An entry of its own, so that later waiters for this stream wait for the event too.
    return stream_submit(stream, op_create(NODE_EMPTY, "wait", context, 0, run_nothing, NULL));
}

static bool is_done(const Event *event) {
    Stream *stream = object_get((void *) (uintptr_t) event->moment.stream, KIND_STREAM);
    return !event->recorded || stream == NULL || stream->done >= event->moment.sequence;
}

static CUresult require_not_captured(const char *what, const Event *event) {
    if (event->capture != NULL) {
        if (capture_alive(event->capture, event->captureId)) capture_invalidate(event->capture);
        return standin_refuse(CUDA_ERROR_CAPTURED_EVENT, "%s of an event that was last recorded in a capture", what);
    }
    return capture_forbids(what);
}

CUresult cuEventSynchronize(CUevent handle) {
    API("cuEventSynchronize");
    REQUIRE_CONTEXT(context);
    REQUIRE_EVENT(event, handle);
    TRY(require_not_captured("cuEventSynchronize", event));
    if (event->recorded) run_moment(event->moment);
    return context->sticky;
}

CUresult cuEventQuery(CUevent handle) {
    API("cuEventQuery");
    REQUIRE_CONTEXT(context);
    REQUIRE_EVENT(event, handle);
    TRY(require_not_captured("cuEventQuery", event));
    if (is_done(event)) return CUDA_SUCCESS;
    run_first(object_get((void *) (uintptr_t) event->moment.stream, KIND_STREAM));
    return context->sticky != CUDA_SUCCESS ? context->sticky : CUDA_ERROR_NOT_READY;
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent startHandle, CUevent endHandle) {
    API("cuEventElapsedTime");
    REQUIRE_CONTEXT(context);
    REQUIRE_EVENT(start, startHandle);
    REQUIRE_EVENT(end, endHandle);
    if (milliseconds == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING) != 0 || !start->recorded || !end->recorded) {
        return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "cuEventElapsedTime: an event without timing, or never recorded");
    }
    if (!is_done(start) || !is_done(end)) return CUDA_ERROR_NOT_READY;
    *milliseconds = (float) (1e3 * (double) (end->at.tv_sec - start->at.tv_sec) + 1e-6 * (double) (end->at.tv_nsec - start->at.tv_nsec));
    return CUDA_SUCCESS;
}
