// cuDNN: convolutions, their gradients, and the search for algorithms. There are two algorithms for each: 0 needs no workspace, 1 does;
// both compute the same. What cuDNN 8.9's documentation does not allow is refused.
#include "cudnn_internal.h"
#include <string.h>

#define ALGORITHMS 2
#define WITH_WORKSPACE 1
// Tensor core kernels load 16 bytes at once, and the old API has no way to ask where pointers lie.
#define ALIGNMENT 16

// ---- Running

static size_t filter_bytes(const Filter *w) {
    return (size_t) w->size[0] * (size_t) w->size[1] * (size_t) w->size[2] * (size_t) w->size[3] * element_bytes(cudnn_element(w->type));
}

/** Not NVIDIA's number, but one that grows with the problem, so that a caller has to ask for it. */
static size_t workspace_of(const Call2d *call) {
    if (call->algorithm != WITH_WORKSPACE) return 0;
    size_t result = call->pass == BACKWARD_FILTER ? 2 * filter_bytes(&call->w) : cudnn_tensor_bytes(&call->y) / 4;
    return padded(result + 1024, 256);
}

static CUresult check_read(const char *what, CUdeviceptr start, size_t bytes) {
    return memory_check_read(what, memory_range(start, bytes));
}

static CUresult check_memory(const Call2d *c) {
    size_t x = cudnn_tensor_bytes(&c->x), y = cudnn_tensor_bytes(&c->y), w = filter_bytes(&c->w);
    bool addsTo = c->beta != 0 && !c->fused;
    if (c->pass != BACKWARD_DATA || addsTo) TRY(check_read("x of a convolution", c->xAt, x));
    if (c->pass != FORWARD || addsTo) TRY(check_read("y of a convolution", c->yAt, y));
    if (c->pass != BACKWARD_FILTER || addsTo) TRY(check_read("weights of a convolution", c->wAt, w));
    if (c->fused) TRY(check_read("bias of a convolution", c->biasAt, cudnn_tensor_bytes(&c->bias)));
    if (c->fused && c->beta != 0) TRY(check_read("z of a convolution", c->zAt, cudnn_tensor_bytes(&c->z)));
    if (c->pass == BACKWARD_DATA) TRY(memory_check_write("x of a convolution", c->xAt, x));
    if (c->pass == FORWARD) TRY(memory_check_write("y of a convolution", c->yAt, y));
    if (c->pass == BACKWARD_FILTER) TRY(memory_check_write("weights of a convolution", c->wAt, w));
    size_t workspace = workspace_of(c);
    return workspace == 0 ? CUDA_SUCCESS : memory_check_write("workspace of a convolution", c->workspaceAt, workspace);
}

/** A search times whatever bytes there are: only where they lie counts. */
static CUresult check_ranges(const Call2d *c) {
    TRY(memory_check_run("x of a search", c->xAt, cudnn_tensor_bytes(&c->x)));
    TRY(memory_check_run("y of a search", c->yAt, cudnn_tensor_bytes(&c->y)));
    TRY(memory_check_run("weights of a search", c->wAt, filter_bytes(&c->w)));
    size_t workspace = workspace_of(c);
    return workspace == 0 ? CUDA_SUCCESS : memory_check_run("workspace of a search", c->workspaceAt, workspace);
}

static long macs(const Call2d *call) {
    return (long) call->y.size[0] * call->y.size[2] * call->y.size[3] * call->w.size[0] * call->w.size[1] * call->w.size[2] * call->w.size[3];
}

static CUresult run_call(Op *op) {
    const Call2d *c = (const Call2d *) op->payload;
    TRY(check_memory(c));
    long bytes = (long) (cudnn_tensor_bytes(&c->x) + cudnn_tensor_bytes(&c->y) + filter_bytes(&c->w));
    if (c->beta != 0) bytes += (long) cudnn_tensor_bytes(&c->y);
    long numbers[] = {c->x.size[0], c->x.size[2], c->x.size[3], c->x.size[1], c->y.size[1], c->w.size[2], c->w.size[3], c->y.size[2],
                      c->y.size[3], c->convolution.stride[0], c->x.type, c->w.format == FORMAT_NHWC, c->algorithm, 2 * macs(c), bytes};
    record_work(RECORD_CONVOLUTION, c->name, numbers, 15);
    if (standin_settings.dry) return CUDA_SUCCESS;
    size_t workspace = workspace_of(c);
    // Somebody who keeps data there finds it gone.
    if (workspace > 0) memset(memory_host(c->workspaceAt), 0xff, workspace);
    cudnn_compute(c);
    return CUDA_SUCCESS;
}

// ---- Checking

static bool is_channels_last(const Tensor *t) {
    return t->stride[1] == 1 && t->stride[3] == t->size[1] && t->stride[2] == t->size[1] * t->size[3];
}

static bool is_channels_first(const Tensor *t) {
    return t->stride[3] == 1 && t->stride[2] == t->size[3] && t->stride[1] == t->size[2] * t->size[3];
}

static bool layout_fits(const Call2d *call, const Tensor *t) {
    return call->w.format == FORMAT_NHWC ? is_channels_last(t) : is_channels_first(t) || is_channels_last(t);
}

/** What a descriptor says, before there is data. */
static int check_shapes(const Call2d *c) {
    int size[4];
    TRY(cudnn_out_size(&c->convolution, &c->x, &c->w, size));
    if (memcmp(size, c->y.size, sizeof size) != 0 || c->y.count != 4) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: y is [%d,%d,%d,%d] (N,C,H,W), the convolution gives [%d,%d,%d,%d]", c->name, c->y.size[0],
                              c->y.size[1], c->y.size[2], c->y.size[3], size[0], size[1], size[2], size[3]);
    }
    if (c->x.type != c->w.type || c->x.type != c->y.type) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: data types %d, %d, %d of x, w, y differ", c->name, c->x.type, c->w.type, c->y.type);
    }
    if (c->convolution.computeType != DATA_FLOAT) {
        return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: compute type %d, the stand-in has FLOAT", c->name, c->convolution.computeType);
    }
    if (!layout_fits(c, &c->x) || !layout_fits(c, &c->y)) {
        return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: filter format %d does not go with the strides of x or y", c->name, c->w.format);
    }
    return CUDNN_SUCCESS;
}

static int check_algorithm(const Call2d *c) {
    if (c->algorithm < 0 || c->algorithm > 7) return standin_refuse(CUDNN_BAD_PARAM, "%s: algorithm %d", c->name, c->algorithm);
    if (c->algorithm >= ALGORITHMS) return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: the stand-in has no algorithm %d", c->name, c->algorithm);
    return CUDNN_SUCCESS;
}

static int check_pointer(const char *name, const char *what, CUdeviceptr address) {
    if (address != 0 && address % ALIGNMENT == 0) return CUDNN_SUCCESS;
    return standin_refuse(CUDNN_BAD_PARAM, "%s: %s at 0x%lx, expected a multiple of %d", name, what, address, ALIGNMENT);
}

static int check_call(const Call2d *c) {
    TRY(check_shapes(c));
    TRY(check_algorithm(c));
    TRY(check_pointer(c->name, "x", c->xAt));
    TRY(check_pointer(c->name, "y", c->yAt));
    TRY(check_pointer(c->name, "w", c->wAt));
    size_t workspace = workspace_of(c);
    if (workspace == 0) return CUDNN_SUCCESS;
    if (c->workspaceBytes < workspace) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: workspace of %zu bytes, algorithm %d needs %zu", c->name, c->workspaceBytes, c->algorithm,
                              workspace);
    }
    return check_pointer(c->name, "workspace", c->workspaceAt);
}

static int describe(Call2d *call, const void *x, const void *w, const void *convolution, const void *y) {
    Tensor *xs, *ys;
    Filter *ws;
    Convolution *cs;
    TRY(cudnn_tensor(x, "x", &xs));
    TRY(cudnn_filter(w, "w", &ws));
    TRY(cudnn_convolution(convolution, &cs));
    TRY(cudnn_tensor(y, "y", &ys));
    call->x = *xs;
    call->w = *ws;
    call->convolution = *cs;
    call->y = *ys;
    return CUDNN_SUCCESS;
}

static int submit(Handle *handle, const Call2d *call) {
    TRY(check_call(call));
    Op *op = op_create(NODE_KERNEL, call->name, handle->object.context, sizeof *call, run_call, NULL);
    memcpy(op->payload, call, sizeof *call);
    return stream_submit_to(handle->stream, op) == CUDA_SUCCESS ? CUDNN_SUCCESS : CUDNN_EXECUTION_FAILED;
}

#define ADDRESS(pointer) ((CUdeviceptr) (uintptr_t) (pointer))

// ---- The calls

int cudnnConvolutionForward(void *pointer, const void *alpha, const void *xDesc, const void *x, const void *wDesc, const void *w,
                            const void *convDesc, int algorithm, void *workspace, size_t workspaceBytes, const void *beta,
                            const void *yDesc, void *y) {
    API("cudnnConvolutionForward");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    Call2d call = {.name = "cudnnConvolutionForward", .pass = FORWARD, .algorithm = algorithm, .xAt = ADDRESS(x), .wAt = ADDRESS(w),
                   .yAt = ADDRESS(y), .workspaceAt = ADDRESS(workspace), .workspaceBytes = workspaceBytes};
    if (alpha == NULL || beta == NULL) return CUDNN_BAD_PARAM;
    call.alpha = *(const float *) alpha;
    call.beta = *(const float *) beta;
    TRY(describe(&call, xDesc, wDesc, convDesc, yDesc));
    return submit(handle, &call);
}

static int check_fusion(const Call2d *c, const Activation *activation, const void *z) {
    if (activation->mode != ACTIVATION_RELU && activation->mode != ACTIVATION_IDENTITY) {
        return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: activation %d, RELU (1) and IDENTITY (5) are fused", c->name, activation->mode);
    }
    if (activation->nan != 0) {
        return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: CUDNN_PROPAGATE_NAN, only CUDNN_NOT_PROPAGATE_NAN (0) is fused", c->name);
    }
    if (activation->mode == ACTIVATION_IDENTITY && c->algorithm != 1) {
        return standin_refuse(CUDNN_NOT_SUPPORTED, "%s: IDENTITY needs IMPLICIT_PRECOMP_GEMM (1), not algorithm %d", c->name, c->algorithm);
    }
    const Tensor *b = &c->bias;
    if (b->count != 4 || b->size[0] != 1 || b->size[1] != c->y.size[1] || b->size[2] != 1 || b->size[3] != 1 || b->type != c->y.type) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: bias of type %d [%d,%d,..], expected [1,%d,1,1] of y's type", c->name, b->type, b->size[0],
                              b->size[1], c->y.size[1]);
    }
    bool same = c->z.type == c->y.type && memcmp(c->z.size, c->y.size, sizeof c->y.size) == 0;
    bool strides = memcmp(c->z.stride, c->y.stride, sizeof c->y.stride) == 0;
    if (z != NULL && (!same || (ADDRESS(z) == c->yAt && !strides))) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: z is not like y", c->name);
    }
    if (c->beta != 0) TRY(check_pointer(c->name, "z", c->zAt));
    return check_pointer(c->name, "bias", c->biasAt);
}

int cudnnConvolutionBiasActivationForward(void *pointer, const void *alpha1, const void *xDesc, const void *x, const void *wDesc, const void *w,
                                          const void *convDesc, int algorithm, void *workspace, size_t workspaceBytes, const void *alpha2,
                                          const void *zDesc, const void *z, const void *biasDesc, const void *bias,
                                          const void *activationDesc, const void *yDesc, void *y) {
    API("cudnnConvolutionBiasActivationForward");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    Call2d call = {.name = "cudnnConvolutionBiasActivationForward", .pass = FORWARD, .fused = true, .algorithm = algorithm,
                   .xAt = ADDRESS(x), .wAt = ADDRESS(w), .yAt = ADDRESS(y), .zAt = ADDRESS(z), .biasAt = ADDRESS(bias),
                   .workspaceAt = ADDRESS(workspace), .workspaceBytes = workspaceBytes};
    if (alpha1 == NULL || alpha2 == NULL) return CUDNN_BAD_PARAM;
    call.alpha = *(const float *) alpha1;
    call.beta = *(const float *) alpha2;
    Tensor *zs, *biases;
    Activation *activation;
    TRY(describe(&call, xDesc, wDesc, convDesc, yDesc));
    TRY(cudnn_tensor(zDesc, "z", &zs));
    TRY(cudnn_tensor(biasDesc, "bias", &biases));
    TRY(cudnn_activation(activationDesc, &activation));
    call.z = *zs;
    call.bias = *biases;
    call.relu = activation->mode == ACTIVATION_RELU;
    TRY(check_fusion(&call, activation, z));
    return submit(handle, &call);
}

int cudnnConvolutionBackwardData(void *pointer, const void *alpha, const void *wDesc, const void *w, const void *dyDesc, const void *dy,
                                 const void *convDesc, int algorithm, void *workspace, size_t workspaceBytes, const void *beta,
                                 const void *dxDesc, void *dx) {
    API("cudnnConvolutionBackwardData");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    Call2d call = {.name = "cudnnConvolutionBackwardData", .pass = BACKWARD_DATA, .algorithm = algorithm, .xAt = ADDRESS(dx),
                   .wAt = ADDRESS(w), .yAt = ADDRESS(dy), .workspaceAt = ADDRESS(workspace), .workspaceBytes = workspaceBytes};
    if (alpha == NULL || beta == NULL) return CUDNN_BAD_PARAM;
    call.alpha = *(const float *) alpha;
    call.beta = *(const float *) beta;
    TRY(describe(&call, dxDesc, wDesc, convDesc, dyDesc));
    return submit(handle, &call);
}

int cudnnConvolutionBackwardFilter(void *pointer, const void *alpha, const void *xDesc, const void *x, const void *dyDesc, const void *dy,
                                   const void *convDesc, int algorithm, void *workspace, size_t workspaceBytes, const void *beta,
                                   const void *dwDesc, void *dw) {
    API("cudnnConvolutionBackwardFilter");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    Call2d call = {.name = "cudnnConvolutionBackwardFilter", .pass = BACKWARD_FILTER, .algorithm = algorithm, .xAt = ADDRESS(x),
                   .wAt = ADDRESS(dw), .yAt = ADDRESS(dy), .workspaceAt = ADDRESS(workspace), .workspaceBytes = workspaceBytes};
    if (alpha == NULL || beta == NULL) return CUDNN_BAD_PARAM;
    call.alpha = *(const float *) alpha;
    call.beta = *(const float *) beta;
    TRY(describe(&call, xDesc, dwDesc, convDesc, dyDesc));
    return submit(handle, &call);
}

// ---- The search for algorithms

typedef struct {
    int algorithm, status;
    float milliseconds;
    size_t memory;
    int determinism, mathType, reserved[3];
} Performance;

/** Fills in what fits into the workspace, the one that takes it first, as it is the faster one. */
static int search(Call2d *call, int requested, int *returned, Performance *results, size_t workspaceLimit) {
    if (requested < 1 || returned == NULL || results == NULL) return CUDNN_BAD_PARAM;
    TRY(check_shapes(call));
    *returned = 0;
    for (int algorithm = ALGORITHMS - 1; algorithm >= 0 && *returned < requested; algorithm--) {
        call->algorithm = algorithm;
        size_t memory = workspace_of(call);
        if (memory > workspaceLimit) continue;
        float time = (float) (2e-9 * (double) macs(call)) / (algorithm == WITH_WORKSPACE ? 2.0f : 1.0f) + 0.001f;
        results[(*returned)++] = (Performance) {algorithm, CUDNN_SUCCESS, time, memory, 1, call->convolution.mathType, {0, 0, 0}};
    }
    return CUDNN_SUCCESS;
}

static int find(void *pointer, Call2d *call, int requested, int *returned, Performance *results, size_t workspaceLimit) {
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    // It launches, waits and measures.
    if (capture_forbids(call->name) != CUDA_SUCCESS) return CUDNN_EXECUTION_FAILED;
    return search(call, requested, returned, results, workspaceLimit);
}

/** The search with the caller's memory runs every algorithm on it: what was in the result is lost. */
static int find_in_place(void *pointer, Call2d *call, int requested, int *returned, Performance *results) {
    TRY(find(pointer, call, requested, returned, results, call->workspaceBytes));
    for (int i = 0; i < *returned; i++) {
        call->algorithm = results[i].algorithm;
        TRY(check_call(call));
        Handle *handle;
        TRY(cudnn_handle(pointer, &handle));
        Stream *stream;
        if (stream_resolve(handle->object.context, handle->stream, &stream) != CUDA_SUCCESS) return CUDNN_EXECUTION_FAILED;
        if (capture_active(stream)) {
            capture_invalidate(stream->capture);
            return standin_refuse(CUDNN_EXECUTION_FAILED, "%s on a stream that is being captured", call->name);
        }
        if (stream_drain(stream) != CUDA_SUCCESS || check_ranges(call) != CUDA_SUCCESS) return CUDNN_EXECUTION_FAILED;
        if (standin_settings.dry) continue;
        if (call->pass == FORWARD) memset(memory_host(call->yAt), 0xff, cudnn_tensor_bytes(&call->y));
        if (call->pass == BACKWARD_DATA) memset(memory_host(call->xAt), 0xff, cudnn_tensor_bytes(&call->x));
        if (call->pass == BACKWARD_FILTER) memset(memory_host(call->wAt), 0xff, filter_bytes(&call->w));
    }
    return CUDNN_SUCCESS;
}

#define NO_LIMIT ((size_t) -1)

#define MAX_COUNT(direction, count)                                                                                    \
    int cudnnGetConvolution##direction##AlgorithmMaxCount(void *pointer, int *result) {                                \
        API("cudnnGetConvolution" #direction "AlgorithmMaxCount");                                                     \
        Handle *handle;                                                                                                \
        TRY(cudnn_handle(pointer, &handle));                                                                           \
        *result = count;                                                                                               \
        return CUDNN_SUCCESS;                                                                                          \
    }

MAX_COUNT(Forward, 8)
MAX_COUNT(BackwardData, 6)
MAX_COUNT(BackwardFilter, 7)

// Each direction has its own order of descriptors: X, W and Y stand for those of the input, the filter and the output.
#define SEARCHES(direction, way, first, second, third)                                                                 \
    int cudnnGetConvolution##direction##Algorithm_v7(void *pointer, const void *first, const void *second,             \
                                                     const void *convolution, const void *third, int requested,        \
                                                     int *returned, Performance *results) {                            \
        API("cudnnGetConvolution" #direction "Algorithm_v7");                                                          \
        Handle *handle;                                                                                                \
        TRY(cudnn_handle(pointer, &handle));                                                                           \
        Call2d call = {.name = "cudnnGetConvolution" #direction "Algorithm_v7", .pass = way};                          \
        TRY(describe(&call, x, w, convolution, y));                                                                    \
        return search(&call, requested, returned, results, NO_LIMIT);                                                  \
    }                                                                                                                  \
    int cudnnFindConvolution##direction##Algorithm(void *pointer, const void *first, const void *second,               \
                                                   const void *convolution, const void *third, int requested,          \
                                                   int *returned, Performance *results) {                              \
        API("cudnnFindConvolution" #direction "Algorithm");                                                            \
        Call2d call = {.name = "cudnnFindConvolution" #direction "Algorithm", .pass = way};                            \
        TRY(describe(&call, x, w, convolution, y));                                                                    \
        return find(pointer, &call, requested, returned, results, NO_LIMIT);                                           \
    }                                                                                                                  \
    int cudnnGetConvolution##direction##WorkspaceSize(void *pointer, const void *first, const void *second,            \
                                                      const void *convolution, const void *third, int algorithm,       \
                                                      size_t *bytes) {                                                 \
        API("cudnnGetConvolution" #direction "WorkspaceSize");                                                         \
        Handle *handle;                                                                                                \
        TRY(cudnn_handle(pointer, &handle));                                                                           \
        Call2d call = {.name = "cudnnGetConvolution" #direction "WorkspaceSize", .pass = way, .algorithm = algorithm}; \
        TRY(describe(&call, x, w, convolution, y));                                                                    \
        TRY(check_shapes(&call));                                                                                      \
        TRY(check_algorithm(&call));                                                                                   \
        if (bytes == NULL) return CUDNN_BAD_PARAM;                                                                     \
        *bytes = workspace_of(&call);                                                                                  \
        return CUDNN_SUCCESS;                                                                                          \
    }                                                                                                                  \
    int cudnnFindConvolution##direction##AlgorithmEx(void *pointer, const void *first, const void *first##At,          \
                                                     const void *second, const void *second##At,                       \
                                                     const void *convolution, const void *third, void *third##At,      \
                                                     int requested, int *returned, Performance *results,               \
                                                     void *workspace, size_t workspaceBytes) {                         \
        API("cudnnFindConvolution" #direction "AlgorithmEx");                                                          \
        Call2d call = {.name = "cudnnFindConvolution" #direction "AlgorithmEx", .pass = way, .xAt = ADDRESS(xAt),      \
                       .wAt = ADDRESS(wAt), .yAt = ADDRESS(yAt), .workspaceAt = ADDRESS(workspace),                    \
                       .workspaceBytes = workspaceBytes};                                                              \
        TRY(describe(&call, x, w, convolution, y));                                                                    \
        return find_in_place(pointer, &call, requested, returned, results);                                            \
    }

SEARCHES(Forward, FORWARD, x, w, y)
SEARCHES(BackwardData, BACKWARD_DATA, w, y, x)
SEARCHES(BackwardFilter, BACKWARD_FILTER, x, y, w)

// ---- Bias

typedef struct {
    const char *name;
    Tensor a, c; // c is added to, or summed over
    CUdeviceptr aAt, cAt;
    float alpha, beta;
    bool sum; // a is the sum of c over all but the channels; otherwise a is added to c
} Bias;

static void sum_channels(const Bias *b) {
    for (int k = 0; k < b->c.size[1]; k++) {
        double total = 0;
        for (int n = 0; n < b->c.size[0]; n++) {
            for (int h = 0; h < b->c.size[2]; h++) {
                for (int w = 0; w < b->c.size[3]; w++) total += cudnn_load(&b->c, b->cAt, (int[]) {n, k, h, w});
            }
        }
        size_t at = cudnn_index(&b->a, 0, k, 0, 0);
        float old = b->beta == 0 ? 0 : b->beta * element_load(cudnn_element(b->a.type), memory_host(b->aAt), at);
        element_store(cudnn_element(b->a.type), memory_host(b->aAt), at, b->alpha * (float) total + old);
    }
}

static void add_broadcast(const Bias *b) {
    const int *size = b->c.size;
    for (int n = 0; n < size[0]; n++) {
        for (int k = 0; k < size[1]; k++) {
            for (int h = 0; h < size[2]; h++) {
                for (int w = 0; w < size[3]; w++) {
                    int from[4] = {n % b->a.size[0], k % b->a.size[1], h % b->a.size[2], w % b->a.size[3]};
                    size_t at = cudnn_index(&b->c, n, k, h, w);
                    float old = b->beta == 0 ? 0 : b->beta * element_load(cudnn_element(b->c.type), memory_host(b->cAt), at);
                    element_store(cudnn_element(b->c.type), memory_host(b->cAt), at, b->alpha * cudnn_load(&b->a, b->aAt, from) + old);
                }
            }
        }
    }
}

static CUresult run_bias(Op *op) {
    const Bias *b = (const Bias *) op->payload;
    size_t a = cudnn_tensor_bytes(&b->a), c = cudnn_tensor_bytes(&b->c);
    if (!b->sum || b->beta != 0) TRY(check_read(b->name, b->aAt, a));
    if (b->sum || b->beta != 0) TRY(check_read(b->name, b->cAt, c));
    TRY(memory_check_write(b->name, b->sum ? b->aAt : b->cAt, b->sum ? a : c));
    long numbers[] = {(long) (cudnn_tensor_bytes(&b->a) + cudnn_tensor_bytes(&b->c) * (b->sum ? 1 : 2))};
    record_work(RECORD_OTHER, b->name, numbers, 1);
    if (standin_settings.dry) return CUDA_SUCCESS;
    if (b->sum) {
        sum_channels(b);
    } else {
        add_broadcast(b);
    }
    return CUDA_SUCCESS;
}

static int submit_bias(void *pointer, Bias bias, const void *alpha, const void *aDesc, const void *beta, const void *cDesc) {
    Handle *handle;
    Tensor *a, *c;
    TRY(cudnn_handle(pointer, &handle));
    TRY(cudnn_tensor(aDesc, bias.name, &a));
    TRY(cudnn_tensor(cDesc, bias.name, &c));
    if (alpha == NULL || beta == NULL || a->count != 4 || c->count != 4 || a->type != c->type) {
        return standin_refuse(CUDNN_BAD_PARAM, "%s: 4 dimensions and one data type expected", bias.name);
    }
    for (int i = 0; i < 4; i++) {
        bool one = a->size[i] == 1, same = a->size[i] == c->size[i];
        if (bias.sum ? !(i == 1 ? same : one) : !(one || same)) {
            return standin_refuse(CUDNN_BAD_PARAM, "%s: dimension %d is %d beside %d", bias.name, i, a->size[i], c->size[i]);
        }
    }
    TRY(check_pointer(bias.name, "first tensor", bias.aAt));
    TRY(check_pointer(bias.name, "second tensor", bias.cAt));
    bias.a = *a;
    bias.c = *c;
    bias.alpha = *(const float *) alpha;
    bias.beta = *(const float *) beta;
    Op *op = op_create(NODE_KERNEL, bias.name, handle->object.context, sizeof bias, run_bias, NULL);
    memcpy(op->payload, &bias, sizeof bias);
    return stream_submit_to(handle->stream, op) == CUDA_SUCCESS ? CUDNN_SUCCESS : CUDNN_EXECUTION_FAILED;
}

int cudnnConvolutionBackwardBias(void *pointer, const void *alpha, const void *dyDesc, const void *dy, const void *beta, const void *dbDesc,
                                 void *db) {
    API("cudnnConvolutionBackwardBias");
    Bias bias = {.name = "cudnnConvolutionBackwardBias", .aAt = ADDRESS(db), .cAt = ADDRESS(dy), .sum = true};
    return submit_bias(pointer, bias, alpha, dbDesc, beta, dyDesc);
}

int cudnnAddTensor(void *pointer, const void *alpha, const void *aDesc, const void *a, const void *beta, const void *cDesc, void *c) {
    API("cudnnAddTensor");
    Bias bias = {.name = "cudnnAddTensor", .aAt = ADDRESS(a), .cAt = ADDRESS(c), .sum = false};
    return submit_bias(pointer, bias, alpha, aDesc, beta, cDesc);
}
