// Stream capture and graphs. A captured call becomes a node and does nothing else; a graph's nodes run in an order that its
// edges allow, the one that differs most from the order of capture, so that an edge that is missing shows.
#include "state.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ILLEGAL_STATE 401

typedef struct {
    Op *op;
    size_t *before; // indices of nodes that have to be done
    size_t beforeCount;
} Node;

struct Capture {
    uint64_t id;
    uint64_t origin; // handle of the stream
    Context *context;
    int mode;
    pthread_t thread;
    bool invalid;
    Node *nodes;
    size_t count, capacity;
    Capture *next;
};

typedef struct {
    Object object;
    Node *nodes;
    size_t count;
} Graph;

typedef struct {
    Object object;
    unsigned long long flags;
    Op **ops; // in the order in which they run
    size_t count;
    Moment last;
} Exec;

static Capture *captures;
static uint64_t nextCapture = 1;
static __thread int threadMode = CAPTURE_GLOBAL;

// ---- Capturing

uint64_t capture_id(const Capture *capture) {
    return capture->id;
}

bool capture_alive(const Capture *capture, uint64_t id) {
    for (const Capture *c = captures; c != NULL; c = c->next) {
        if (c == capture) return c->id == id;
    }
    return false;
}

bool capture_active(const Stream *stream) {
    return stream->capture != NULL && !stream->capture->invalid;
}

void capture_invalidate(Capture *capture) {
    capture->invalid = true;
}

CUresult capture_forbids(const char *what) {
    if (threadMode == CAPTURE_RELAXED) return CUDA_SUCCESS;
    for (Capture *c = captures; c != NULL; c = c->next) {
        bool own = pthread_equal(c->thread, pthread_self()) && c->mode != CAPTURE_RELAXED;
        bool others = threadMode == CAPTURE_GLOBAL && c->mode == CAPTURE_GLOBAL;
        if (own || others) {
            capture_invalidate(c);
            return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s while a stream is being captured", what);
        }
    }
    return CUDA_SUCCESS;
}

CUresult capture_check_legacy(Context *context) {
    size_t cursor = 0;
    for (Stream *stream; (stream = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (stream->object.context == context && stream->blocking && stream->capture != NULL) {
            capture_invalidate(stream->capture);
            return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "work on the default stream while a blocking stream is captured");
        }
    }
    return CUDA_SUCCESS;
}

static void set_tails(Stream *stream, const size_t *nodes, size_t count) {
    stream->tails = realloc(stream->tails, (count + 1) * sizeof *stream->tails);
    if (count > 0) memcpy(stream->tails, nodes, count * sizeof *nodes);
    stream->tailCount = count;
}

CUresult capture_append(Stream *stream, Op *op) {
    Capture *capture = stream->capture;
    if (capture->invalid) {
        op_release(op);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was invalidated by an earlier call");
    }
    if (capture->count == capture->capacity) {
        capture->capacity = capture->capacity == 0 ? 256 : 2 * capture->capacity;
        capture->nodes = realloc(capture->nodes, capture->capacity * sizeof *capture->nodes);
    }
    size_t bytes = stream->tailCount * sizeof *stream->tails;
    Node node = {op, malloc(bytes + 1), stream->tailCount};
    if (bytes > 0) memcpy(node.before, stream->tails, bytes);
    size_t index = capture->count++;
    capture->nodes[index] = node;
    set_tails(stream, &index, 1);
    return CUDA_SUCCESS;
}

CUresult capture_wait(Stream *stream, Capture *capture, const size_t *nodes, size_t count) {
    if (capture->invalid) return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was invalidated by an earlier call");
    if (stream == stream->object.context->legacy) {
        capture_invalidate(capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the default stream cannot be captured");
    }
    if (stream->capture == NULL) {
        stream->capture = capture;
        set_tails(stream, nodes, count);
        return CUDA_SUCCESS;
    }
    if (stream->capture != capture) {
        capture_invalidate(capture);
        capture_invalidate(stream->capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_MERGE, "the event is of another capture than the stream");
    }
    size_t total = stream->tailCount + count;
    size_t *all = malloc((total + 1) * sizeof *all);
    memcpy(all, stream->tails, stream->tailCount * sizeof *all);
    memcpy(all + stream->tailCount, nodes, count * sizeof *all);
    set_tails(stream, all, total);
    free(all);
    return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture_v2(CUstream handle, int mode) {
    API("cuStreamBeginCapture");
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    if (mode < CAPTURE_GLOBAL || mode > CAPTURE_RELAXED) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "capture mode %d", mode);
    if (stream == context->legacy) {
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the default stream cannot be captured");
    }
    if (stream->capture != NULL) return standin_refuse(ILLEGAL_STATE, "the stream is being captured already");
    Capture *capture = calloc(1, sizeof *capture);
    *capture = (Capture) {.id = nextCapture++, .origin = stream->object.handle, .context = context, .mode = mode,
                          .thread = pthread_self(), .next = captures};
    captures = capture;
    stream->capture = capture;
    set_tails(stream, NULL, 0);
    return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream handle, int *status) {
    API("cuStreamIsCapturing");
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    if (status == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (stream == context->legacy) TRY(capture_check_legacy(context));
    *status = stream->capture == NULL ? CAPTURE_STATUS_NONE
              : stream->capture->invalid ? CAPTURE_STATUS_INVALIDATED : CAPTURE_STATUS_ACTIVE;
    return CUDA_SUCCESS;
}

CUresult cuThreadExchangeStreamCaptureMode(int *mode) {
    API("cuThreadExchangeStreamCaptureMode");
    if (mode == NULL || *mode < CAPTURE_GLOBAL || *mode > CAPTURE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    int old = threadMode;
    threadMode = *mode;
    *mode = old;
    return CUDA_SUCCESS;
}

static void mark_before(const Capture *capture, const size_t *nodes, size_t count, bool *marked) {
    for (size_t i = 0; i < count; i++) marked[nodes[i]] = true;
    // A node comes after all that it depends on.
    for (size_t i = capture->count; i-- > 0;) {
        if (!marked[i]) continue;
        for (size_t j = 0; j < capture->nodes[i].beforeCount; j++) marked[capture->nodes[i].before[j]] = true;
    }
}

static bool is_joined(const Capture *capture, const Stream *origin) {
    bool *marked = calloc(capture->count + 1, sizeof *marked);
    mark_before(capture, origin->tails, origin->tailCount, marked);
    bool joined = true;
    for (size_t i = 0; i < capture->count; i++) joined = joined && marked[i];
    free(marked);
    return joined;
}

static void free_nodes(Node *nodes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        op_release(nodes[i].op);
        free(nodes[i].before);
    }
    free(nodes);
}

/** Takes a capture out of the list and out of its streams; its nodes are the caller's. */
static void dissolve(Capture *capture) {
    size_t cursor = 0;
    for (Stream *stream; (stream = object_next(KIND_STREAM, &cursor)) != NULL;) {
        if (stream->capture == capture) stream->capture = NULL;
    }
    Capture **link = &captures;
    while (*link != capture) link = &(*link)->next;
    *link = capture->next;
    free(capture);
}

void captures_reset(void) {
    while (captures != NULL) {
        free_nodes(captures->nodes, captures->count);
        dissolve(captures);
    }
}

static CUresult judge(const Capture *capture, const Stream *stream) {
    if (capture->invalid) return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was invalidated by an earlier call");
    if (!is_joined(capture, stream)) {
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "work of another stream in the capture was not waited for");
    }
    return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *result) {
    API("cuStreamEndCapture");
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    if (result == NULL) return CUDA_ERROR_INVALID_VALUE;
    *result = NULL;
    Capture *capture = stream->capture;
    if (capture == NULL) return standin_refuse(ILLEGAL_STATE, "the stream is not being captured");
    if (capture->origin != stream->object.handle) {
        capture_invalidate(capture);
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
    }
    if (capture->mode != CAPTURE_RELAXED && !pthread_equal(capture->thread, pthread_self())) {
        return standin_refuse(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the capture began in another thread");
    }
    CUresult status = judge(capture, stream);
    if (status != CUDA_SUCCESS) {
        free_nodes(capture->nodes, capture->count);
        dissolve(capture);
        return status;
    }
    Graph *graph = object_create(sizeof *graph, KIND_GRAPH, context);
    graph->nodes = capture->nodes;
    graph->count = capture->count;
    dissolve(capture);
    object_announce(graph);
    long numbers[] = {(long) graph->count};
    record_work(RECORD_CAPTURE, "capture", numbers, 1);
    *result = handle_of(graph);
    return CUDA_SUCCESS;
}

// ---- Graphs

#define REQUIRE_OBJECT(type, name, handle, kind, what)                                                                 \
    type *name = object_get(handle, kind);                                                                             \
    if (name == NULL) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, what)

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
    API("cuGraphGetNodes");
    REQUIRE_CONTEXT(context);
    REQUIRE_OBJECT(Graph, graph, handle, KIND_GRAPH, "cuGraphGetNodes: no such graph");
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (nodes == NULL) {
        *count = graph->count;
        return CUDA_SUCCESS;
    }
    // JCuda 12.6 hands over an array and, for its length, a variable that it never set: a driver would write past the array's end.
    return standin_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuGraphGetNodes with an array: JCuda does not say how long it is");
}

CUresult cuGraphDestroy(CUgraph handle) {
    API("cuGraphDestroy");
    REQUIRE_OBJECT(Graph, graph, handle, KIND_GRAPH, "cuGraphDestroy: no such graph");
    free_nodes(graph->nodes, graph->count);
    object_destroy(graph);
    return CUDA_SUCCESS;
}

/** Of the nodes that may run, the one that was captured last goes first. */
static void order_nodes(const Graph *graph, size_t *order) {
    bool *placed = calloc(graph->count + 1, sizeof *placed);
    for (size_t at = 0; at < graph->count; at++) {
        size_t next = graph->count;
        for (size_t i = graph->count; i-- > 0 && next == graph->count;) {
            bool ready = !placed[i];
            for (size_t j = 0; ready && j < graph->nodes[i].beforeCount; j++) ready = placed[graph->nodes[i].before[j]];
            if (ready) next = i;
        }
        placed[next] = true;
        order[at] = next;
    }
    free(placed);
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *result, CUgraph handle, unsigned long long flags) {
    API("cuGraphInstantiate");
    REQUIRE_CONTEXT(context);
    REQUIRE_OBJECT(Graph, graph, handle, KIND_GRAPH, "cuGraphInstantiate: no such graph");
    if (result == NULL || (flags & ~(unsigned long long) (GRAPH_AUTO_FREE_ON_LAUNCH | GRAPH_USE_NODE_PRIORITY)) != 0) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuGraphInstantiate: flags %llu", flags);
    }
    Exec *exec = object_create(sizeof *exec, KIND_GRAPH_EXEC, context);
    exec->flags = flags;
    exec->count = graph->count;
    exec->ops = calloc(graph->count + 1, sizeof *exec->ops);
    size_t *order = calloc(graph->count + 1, sizeof *order);
    order_nodes(graph, order);
    for (size_t i = 0; i < graph->count; i++) exec->ops[i] = op_retain(graph->nodes[order[i]].op);
    free(order);
    object_announce(exec);
    *result = handle_of(exec);
    return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
    API("cuGraphExecDestroy");
    REQUIRE_OBJECT(Exec, exec, handle, KIND_GRAPH_EXEC, "cuGraphExecDestroy: no such graph");
    for (size_t i = 0; i < exec->count; i++) op_release(exec->ops[i]);
    free(exec->ops);
    object_destroy(exec);
    return CUDA_SUCCESS;
}

typedef struct {
    Op **ops; // as they were at the launch
    size_t count;
    bool autoFree;
} GraphRun;

static CUresult run_graph(Op *op) {
    GraphRun *run = (GraphRun *) op->payload;
    long numbers[] = {(long) run->count};
    record_work(RECORD_GRAPH_LAUNCH, "graph", numbers, 1);
    for (size_t i = 0; i < run->count; i++) {
        Op *node = run->ops[i];
        if (run->autoFree && node->nodeType == NODE_MEM_ALLOC) {
            Allocation *memory = *(Allocation **) node->payload;
            if (memory->state == MEMORY_LIVE) memory_release(memory);
        }
        TRY(node->run(node));
    }
    return CUDA_SUCCESS;
}

static void release_graph_run(Op *op) {
    GraphRun *run = (GraphRun *) op->payload;
    for (size_t i = 0; i < run->count; i++) op_release(run->ops[i]);
    free(run->ops);
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
    API("cuGraphLaunch");
    REQUIRE_CONTEXT(context);
    REQUIRE_OBJECT(Exec, exec, handle, KIND_GRAPH_EXEC, "cuGraphLaunch: no such graph");
    Stream *stream;
    TRY(stream_resolve(context, streamHandle, &stream));
    Op *op = op_create(NODE_EMPTY, "graph", context, sizeof(GraphRun), run_graph, release_graph_run);
    GraphRun *run = (GraphRun *) op->payload;
    run->ops = malloc((exec->count + 1) * sizeof *run->ops);
    run->count = exec->count;
    run->autoFree = (exec->flags & GRAPH_AUTO_FREE_ON_LAUNCH) != 0;
    for (size_t i = 0; i < exec->count; i++) run->ops[i] = op_retain(exec->ops[i]);
    // A graph does not run beside itself.
    if (stream->capture == NULL) {
        stream_wait_for(stream, exec->last);
        exec->last = (Moment) {stream->object.handle, stream->issued + 1};
    }
    return stream_submit(stream, op);
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream streamHandle) {
    API("cuGraphUpload");
    REQUIRE_CONTEXT(context);
    REQUIRE_OBJECT(Exec, exec, handle, KIND_GRAPH_EXEC, "cuGraphUpload: no such graph");
    Stream *stream;
    return stream_resolve(context, streamHandle, &stream);
}
