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
    uint64_t handle; // once somebody asked
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
    uint64_t graph;
    size_t index;
} NodeObject;

typedef struct {
    Object object;
    uint64_t graph;
    unsigned long long flags;
    Op **ops; // in the order in which they run
    size_t *index; // in the graph, of each
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
    Node node = {op, malloc(bytes + 1), stream->tailCount, 0};
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
    for (size_t i = 0; i < *count; i++) {
        if (i >= graph->count) {
            nodes[i] = NULL;
            continue;
        }
        if (graph->nodes[i].handle == 0) {
            NodeObject *node = object_create(sizeof *node, KIND_GRAPH_NODE, context);
            node->graph = graph->object.handle;
            node->index = i;
            graph->nodes[i].handle = node->object.handle;
        }
        nodes[i] = (void *) (uintptr_t) graph->nodes[i].handle;
    }
    if (*count > graph->count) *count = graph->count;
    return CUDA_SUCCESS;
}

static CUresult require_node(CUgraphNode handle, Graph **graph, size_t *index) {
    NodeObject *node = object_get(handle, KIND_GRAPH_NODE);
    if (node == NULL) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "no such graph node: %p", handle);
    *graph = object_get((void *) (uintptr_t) node->graph, KIND_GRAPH);
    *index = node->index;
    return *graph != NULL ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_INVALID_HANDLE, "the node's graph was destroyed");
}

CUresult cuGraphNodeGetType(CUgraphNode handle, int *type) {
    API("cuGraphNodeGetType");
    Graph *graph = NULL;
    size_t index = 0;
    TRY(require_node(handle, &graph, &index));
    if (type == NULL) return CUDA_ERROR_INVALID_VALUE;
    *type = graph->nodes[index].op->nodeType;
    return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph handle) {
    API("cuGraphDestroy");
    REQUIRE_OBJECT(Graph, graph, handle, KIND_GRAPH, "cuGraphDestroy: no such graph");
    for (size_t i = 0; i < graph->count; i++) {
        NodeObject *node = object_get((void *) (uintptr_t) graph->nodes[i].handle, KIND_GRAPH_NODE);
        if (node != NULL) object_destroy(node);
    }
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
    exec->graph = graph->object.handle;
    exec->flags = flags;
    exec->count = graph->count;
    exec->ops = calloc(graph->count + 1, sizeof *exec->ops);
    exec->index = calloc(graph->count + 1, sizeof *exec->index);
    order_nodes(graph, exec->index);
    for (size_t i = 0; i < graph->count; i++) exec->ops[i] = op_retain(graph->nodes[exec->index[i]].op);
    object_announce(exec);
    *result = handle_of(exec);
    return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
    API("cuGraphExecDestroy");
    REQUIRE_OBJECT(Exec, exec, handle, KIND_GRAPH_EXEC, "cuGraphExecDestroy: no such graph");
    for (size_t i = 0; i < exec->count; i++) op_release(exec->ops[i]);
    free(exec->ops);
    free(exec->index);
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

// ---- Parameters of kernels in graphs

static CUresult require_kernel_node(CUgraphNode handle, Node **node, size_t *index) {
    Graph *graph;
    TRY(require_node(handle, &graph, index));
    *node = &graph->nodes[*index];
    bool kernel = (*node)->op->nodeType == NODE_KERNEL;
    return kernel ? CUDA_SUCCESS : standin_refuse(CUDA_ERROR_INVALID_VALUE, "the node is no kernel");
}

CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode handle, KernelNodeParams *params) {
    API("cuGraphKernelNodeGetParams");
    Node *node;
    size_t index = 0;
    TRY(require_kernel_node(handle, &node, &index));
    if (params == NULL) return CUDA_ERROR_INVALID_VALUE;
    kernel_params_of(node->op, params);
    return CUDA_SUCCESS;
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const KernelNodeParams *params) {
    API("cuGraphKernelNodeSetParams");
    REQUIRE_CONTEXT(context);
    Node *node;
    size_t index = 0;
    TRY(require_kernel_node(handle, &node, &index));
    if (params == NULL) return CUDA_ERROR_INVALID_VALUE;
    Op *op;
    TRY(kernel_op(context, params, &op));
    op_release(node->op);
    node->op = op;
    return CUDA_SUCCESS;
}

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec execHandle, CUgraphNode handle, const KernelNodeParams *params) {
    API("cuGraphExecKernelNodeSetParams");
    REQUIRE_CONTEXT(context);
    REQUIRE_OBJECT(Exec, exec, execHandle, KIND_GRAPH_EXEC, "cuGraphExecKernelNodeSetParams: no such graph");
    Graph *graph = NULL;
    size_t index = 0;
    TRY(require_node(handle, &graph, &index));
    if (params == NULL || graph->object.handle != exec->graph) return CUDA_ERROR_INVALID_VALUE;
    size_t at = 0;
    while (exec->index[at] != index) at++;
    KernelNodeParams old;
    if (exec->ops[at]->nodeType != NODE_KERNEL) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "the node is no kernel");
    kernel_params_of(exec->ops[at], &old);
    if (old.function != params->function) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "the node runs another function");
    Op *op;
    TRY(kernel_op(context, params, &op));
    op_release(exec->ops[at]);
    exec->ops[at] = op;
    return CUDA_SUCCESS;
}
