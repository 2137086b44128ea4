// What the sources of the three stand-in libraries share. One lock guards everything: an entry point takes it with API() and
// gives it back when it returns. Nothing here is fast; everything is checked.
#ifndef STANDIN_H
#define STANDIN_H

#include "driver_types.h"
#include <stdbool.h>

// ---- Entry points: state.c

/** One for each API function that was called; counts calls, and holds the failure that a test ordered. */
typedef struct Counter {
    const char *name;
    bool known;
    long calls;
    long failIn; // the so-many-th call from now fails; 0: none
    int failWith;
    struct Counter *next;
} Counter;

typedef struct {
    int failure;
    bool locked;
} Call;

Call standin_enter(Counter *counter);
void standin_leave(Call *call);

#define API(label)                                                                                                     \
    static Counter counter_ = {.name = label};                                                                         \
    Call call_ __attribute__((cleanup(standin_leave))) = standin_enter(&counter_);                                     \
    if (call_.failure != 0) return call_.failure

/** Notes why a call is refused, for people, and returns the code. */
int standin_refuse(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** For the generated rest of the API. */
int standin_unsupported(Counter *counter, int code);

#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        int try_ = (expression);                                                                                       \
        if (try_ != 0) return try_;                                                                                    \
    } while (0)

typedef struct {
    size_t memoryBytes;
    int deviceCount;
    int major, minor;
    int processors;
    int initResult; // what cuInit says
    bool deferred;  // work runs when something waits for it, as late as can be
    bool dry;       // work is counted, not done
    bool checked;   // bytes that nobody wrote are not read
    int threads;    // of matrix products and convolutions
} Settings;

extern Settings standin_settings;

// ---- Objects behind handles: state.c. A handle is a number that is never used twice and points to nothing.

typedef enum {
    KIND_CONTEXT = 1,
    KIND_STREAM,
    KIND_EVENT,
    KIND_MODULE,
    KIND_FUNCTION,
    KIND_POOL,
    KIND_GRAPH,
    KIND_GRAPH_EXEC,
    KIND_CUBLAS,
    KIND_CUDNN,
    KIND_TENSOR,
    KIND_FILTER,
    KIND_CONVOLUTION,
    KIND_ACTIVATION,
    KIND_MEMORY,
    KIND_HOST_MEMORY,
    KIND_COUNT
} Kind;

typedef struct Context Context;

typedef struct Object {
    uint64_t handle;
    Kind kind;
    Context *context;
} Object;

void *object_create(size_t size, Kind kind, Context *context);
void *object_get(const void *handle, Kind kind); // NULL if there is none such alive
void object_destroy(void *object);
void *object_next(Kind kind, size_t *cursor); // starts at cursor 0
size_t object_count(void);
static inline void *handle_of(const void *object) {
    return (void *) (uintptr_t) ((const Object *) object)->handle;
}

/** Tells Java where something was made, for the list of leaks. */
void object_announce(const void *object);

// ---- Contexts: context.c

typedef struct Stream Stream;

struct Context {
    Object object;
    CUdevice device;
    bool primary;
    int retained; // of the primary context
    CUresult sticky; // what a launch did wrong; all calls say so from then on
    Stream *legacy;
};

CUresult context_current(Context **context); // checks cuInit, a current context, and its health

#define REQUIRE_CONTEXT(name)                                                                                          \
    Context *name;                                                                                                     \
    TRY(context_current(&name))

// ---- Work: stream.c

typedef struct Op Op;
typedef CUresult (*OpRun)(Op *op);
typedef void (*OpRelease)(Op *op);

/** Something that a stream does. It may run many times, in graphs, and is shared by those that hold it. */
struct Op {
    int references;
    int nodeType;
    const char *label;
    Context *context;
    OpRun run;
    OpRelease release; // of what the payload holds, or NULL
    _Alignas(16) unsigned char payload[];
};

Op *op_create(int nodeType, const char *label, Context *context, size_t payloadBytes, OpRun run, OpRelease release);
Op *op_retain(Op *op);
void op_release(Op *op);

typedef struct {
    uint64_t stream;
    uint64_t sequence;
} Moment;

typedef struct Entry {
    Op *op;
    uint64_t sequence;
    struct Entry *next;
    size_t dependencyCount;
    Moment dependencies[];
} Entry;

typedef struct Capture Capture;

struct Stream {
    Object object;
    bool blocking; // waits for the legacy stream, and it for this one
    int priority;
    unsigned flags;
    uint64_t issued, done;
    Entry *first, *last;
    size_t pending;
    Moment *waits; // for the next entry
    size_t waitCount;
    Capture *capture;
    size_t *tails; // nodes of the capture that the next one depends on
    size_t tailCount;
};

CUresult stream_resolve(Context *context, CUstream handle, Stream **stream);
/** Queues or captures; takes the caller's reference. */
CUresult stream_submit(Stream *stream, Op *op);
/** Submits to a handle of the current context. */
CUresult stream_submit_to(CUstream handle, Op *op);
void stream_run_until(Stream *stream, uint64_t sequence);
/** The next thing that is submitted to the stream runs after that moment of another. */
void stream_wait_for(Stream *stream, Moment moment);
CUresult stream_drain(Stream *stream);
CUresult context_drain(Context *context);
bool context_is_busy(const Context *context);
Stream *stream_create(Context *context, unsigned flags, int priority);
void stream_discard(Stream *stream);

// ---- The device: context.c

int device_attribute(int attribute);

// ---- Capture and graphs: graph.c

/** A call that capturing forbids: refuses, and invalidates what is being captured, if anything is. */
CUresult capture_forbids(const char *what);
CUresult capture_append(Stream *stream, Op *op);
void capture_invalidate(Capture *capture);
bool capture_active(const Stream *stream);
/** Refuses work on the legacy stream while a blocking stream captures. */
CUresult capture_check_legacy(Context *context);
CUresult capture_wait(Stream *stream, Capture *capture, const size_t *nodes, size_t count);
bool capture_alive(const Capture *capture, uint64_t id);
uint64_t capture_id(const Capture *capture);

// ---- Device memory: memory.c

typedef enum { MEMORY_RESERVED, MEMORY_LIVE, MEMORY_FREED } MemoryState;

typedef struct {
    uint64_t base;
    size_t size;
    size_t reservedBytes;
    MemoryState state;
    Context *context;
    uint64_t pool;
    bool freeing; // its release was asked for, and comes in the order of a stream
    bool inGraph;
    bool variable; // of a module: its bytes are the emulator's
} Allocation;

/** Whether a range is allocated as far as calls go, whatever is still queued. */
CUresult memory_check_call(const char *what, CUdeviceptr address, size_t bytes);
/** Whether a range is allocated now that work runs; else the error of a stray access. */
CUresult memory_check_run(const char *what, CUdeviceptr address, size_t bytes);
/** As memory_check_run, when the work writes: what Java knows of the bytes is brought up to date. */
CUresult memory_check_write(const char *what, CUdeviceptr address, size_t bytes);

/** Rows of bytes at a distance from each other; one row if all of a range counts. */
typedef struct {
    CUdeviceptr start;
    size_t rowBytes, distance, rows;
} Region;

/** As memory_check_run, and that somebody has written all of it. */
CUresult memory_check_read(const char *what, Region region);
/** As memory_check_write, for rows. */
CUresult memory_check_write_rows(const char *what, Region region);
static inline Region memory_range(CUdeviceptr start, size_t bytes) {
    return (Region) {start, bytes, bytes, 1};
}
static inline void *memory_host(CUdeviceptr address) {
    return (void *) (uintptr_t) address;
}
Allocation *memory_find(CUdeviceptr address);
bool host_is_pinned(const void *address, size_t bytes);
void memory_forget_context(Context *context);
CUresult memory_add_variable(Context *context, CUdeviceptr address, size_t bytes);
void memory_remove_variable(CUdeviceptr address);
CUresult memory_commit(Allocation *allocation);
void memory_release(Allocation *allocation);
Allocation *memory_reserve(Context *context, size_t bytes, uint64_t pool);
void memory_reset(void);

// ---- What happened, for Java: record.c

typedef enum { EVENT_MAP, EVENT_FREE, EVENT_WRITTEN, EVENT_COPIED } MemoryEvent;

void record_memory(MemoryEvent event, uint64_t a, uint64_t b, uint64_t c);

enum { RECORD_KERNEL, RECORD_GEMM, RECORD_CONVOLUTION, RECORD_COPY, RECORD_SET, RECORD_CAPTURE, RECORD_GRAPH_LAUNCH, RECORD_OTHER };
#define RECORD_NUMBERS 40

/** Notes work that was executed. */
void record_work(int kind, const char *name, const long *numbers, size_t count);

// ---- Java: bridge.c

CUresult bridge_load_module(const char *ptx, size_t length, long *module);
void bridge_unload_module(long module);
/** [kernel id, parameter bytes, static shared bytes, threads a block, local bytes, offset and size of each parameter …] */
CUresult bridge_describe_kernel(long module, const char *name, int *numbers, int capacity, int *count);
CUresult bridge_variable(long module, const char *name, CUdeviceptr *address, size_t *bytes);
CUresult bridge_launch(int kernel, const unsigned *geometry, const unsigned char *parameters, size_t length);
CUresult bridge_copy_variable(CUdeviceptr address, void *host, size_t bytes, bool toDevice);
CUresult bridge_require_written(const char *what, Region region);
bool bridge_in_java_heap(uint64_t address);
void bridge_created(Kind kind, uint64_t handle, size_t bytes);
void bridge_destroyed(Kind kind, uint64_t handle);

#endif
