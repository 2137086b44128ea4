// cuBLAS: handles and matrix products. Products run in the order of the stream, like kernels.
#include "matrix.h"
#include "standin.h"
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_SUCCESS = 0,
    STATUS_NOT_INITIALIZED = 1,
    STATUS_ALLOC_FAILED = 3,
    STATUS_INVALID_VALUE = 7,
    STATUS_EXECUTION_FAILED = 13,
    STATUS_NOT_SUPPORTED = 15
};

enum { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum { COMPUTE_32F = 68, COMPUTE_32F_PEDANTIC = 69, COMPUTE_32F_FAST_16F = 74, COMPUTE_32F_FAST_16BF = 75, COMPUTE_32F_FAST_TF32 = 77 };
enum { POINTER_MODE_HOST = 0, POINTER_MODE_DEVICE = 1 };

#define CHUNK 64

typedef struct {
    Object object;
    CUstream stream;
    int mathMode, pointerMode, atomicsMode;
} Handle;

static int require_handle(void *pointer, Handle **handle) {
    *handle = object_get(pointer, KIND_CUBLAS);
    if (*handle == NULL) return standin_refuse(STATUS_NOT_INITIALIZED, "no such cuBLAS handle: %p", pointer);
    Context *context;
    if (context_current(&context) != CUDA_SUCCESS) return STATUS_EXECUTION_FAILED;
    if (context != (*handle)->object.context) {
        return standin_refuse(STATUS_EXECUTION_FAILED, "the cuBLAS handle was made in another context than the current one");
    }
    return STATUS_SUCCESS;
}

#define REQUIRE_HANDLE(name, pointer)                                                                                  \
    Handle *name;                                                                                                      \
    TRY(require_handle(pointer, &name))

int cublasCreate_v2(void **result) {
    API("cublasCreate");
    Context *context;
    if (context_current(&context) != CUDA_SUCCESS || result == NULL) return STATUS_NOT_INITIALIZED;
    if (capture_forbids("cublasCreate") != CUDA_SUCCESS) return STATUS_EXECUTION_FAILED;
    Handle *handle = object_create(sizeof *handle, KIND_CUBLAS, context);
    object_announce(handle);
    *result = handle_of(handle);
    return STATUS_SUCCESS;
}

int cublasDestroy_v2(void *pointer) {
    API("cublasDestroy");
    Handle *handle = object_get(pointer, KIND_CUBLAS);
    if (handle == NULL) return standin_refuse(STATUS_NOT_INITIALIZED, "cublasDestroy: no such handle");
    object_destroy(handle);
    return STATUS_SUCCESS;
}

int cublasSetStream_v2(void *pointer, CUstream stream) {
    API("cublasSetStream");
    REQUIRE_HANDLE(handle, pointer);
    Stream *resolved;
    if (stream_resolve(handle->object.context, stream, &resolved) != CUDA_SUCCESS) return STATUS_EXECUTION_FAILED;
    handle->stream = stream;
    return STATUS_SUCCESS;
}

int cublasGetStream_v2(void *pointer, CUstream *stream) {
    API("cublasGetStream");
    REQUIRE_HANDLE(handle, pointer);
    *stream = handle->stream;
    return STATUS_SUCCESS;
}

#define MODE(set, get, setLabel, getLabel, field, most)                                                                                    \
    int set(void *pointer, int mode) {                                                                                 \
        API(setLabel);                                                                                                   \
        REQUIRE_HANDLE(handle, pointer);                                                                               \
        if (mode < 0 || mode > (most)) return standin_refuse(STATUS_INVALID_VALUE, "%s: %d", setLabel, mode);              \
        handle->field = mode;                                                                                          \
        return STATUS_SUCCESS;                                                                                         \
    }                                                                                                                  \
    int get(void *pointer, int *mode) {                                                                                \
        API(getLabel);                                                                                                   \
        REQUIRE_HANDLE(handle, pointer);                                                                               \
        *mode = handle->field;                                                                                         \
        return STATUS_SUCCESS;                                                                                         \
    }

MODE(cublasSetMathMode, cublasGetMathMode, "cublasSetMathMode", "cublasGetMathMode", mathMode, 0x13)
MODE(cublasSetPointerMode_v2, cublasGetPointerMode_v2, "cublasSetPointerMode", "cublasGetPointerMode", pointerMode, 1)
MODE(cublasSetAtomicsMode, cublasGetAtomicsMode, "cublasSetAtomicsMode", "cublasGetAtomicsMode", atomicsMode, 1)

int cublasSetWorkspace_v2(void *pointer, void *workspace, size_t bytes) {
    API("cublasSetWorkspace");
    REQUIRE_HANDLE(handle, pointer);
    if (bytes == 0) return STATUS_SUCCESS;
    CUdeviceptr address = (CUdeviceptr) (uintptr_t) workspace;
    if (address % 256 != 0) return standin_refuse(STATUS_INVALID_VALUE, "cublasSetWorkspace: 0x%lx is no multiple of 256", address);
    return memory_check_call("cublasSetWorkspace", address, bytes) == CUDA_SUCCESS ? STATUS_SUCCESS : STATUS_INVALID_VALUE;
}

int cublasGetVersion_v2(void *pointer, int *version) {
    API("cublasGetVersion");
    (void) pointer;
    if (version == NULL) return STATUS_INVALID_VALUE;
    *version = 120601;
    return STATUS_SUCCESS;
}

const char *cublasGetStatusString(int status) {
    return status == STATUS_SUCCESS ? "the operation completed successfully" : "the cuBLAS stand-in refused the call";
}

const char *cublasGetStatusName(int status) {
    switch (status) {
        case STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
        case STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
        case STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
        case STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
        case STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
        default: return "CUBLAS_STATUS_INTERNAL_ERROR";
    }
}

// ---- Products: c[m,n] = alpha op(a)[m,k] op(b)[k,n] + beta c, column-major

typedef struct {
    CUdeviceptr data;
    int type;
    long lead, stride;
    bool transposed;
    long rows, columns; // as stored
} Matrix;

typedef struct {
    const char *name;
    long m, n, k, batch;
    Matrix a, b, c;
    int compute;
    bool scalarsOnDevice;
    CUdeviceptr alphaAt, betaAt;
    float alpha, beta;
} Gemm;

static Element element_of(int type) {
    return type == CUDA_R_16F ? ELEMENT_F16 : type == CUDA_R_16BF ? ELEMENT_BF16 : ELEMENT_F32;
}

static size_t extent(const Matrix *matrix, long batch) {
    if (matrix->rows == 0 || matrix->columns == 0) return 0;
    long elements = (batch - 1) * matrix->stride + (matrix->columns - 1) * matrix->lead + matrix->rows;
    return (size_t) elements * element_bytes(element_of(matrix->type));
}

typedef struct {
    const Gemm *gemm;
    const float *a;
    const char *b;
    char *c;
} Chunks;

static void compute_chunk(size_t index, void *argument) {
    const Chunks *chunks = argument;
    const Gemm *g = chunks->gemm;
    size_t first = index * CHUNK;
    size_t count = (size_t) g->n - first < CHUNK ? (size_t) g->n - first : CHUNK;
    size_t m = (size_t) g->m, k = (size_t) g->k, rows = padded(m, PANEL);
    float *b = zeroed(k * CHUNK), *c = zeroed(rows * CHUNK);
    Element type = element_of(g->b.type);
    size_t lead = (size_t) g->b.lead;
    for (size_t j = 0; j < count; j++) {
        for (size_t p = 0; p < k; p++) {
            b[j * k + p] = element_load(type, chunks->b, g->b.transposed ? first + j + p * lead : p + (first + j) * lead);
        }
    }
    product_accumulate(m, count, k, chunks->a, b, c);
    Element out = element_of(g->c.type);
    for (size_t j = 0; j < count; j++) {
        for (size_t i = 0; i < m; i++) {
            size_t at = (first + j) * (size_t) g->c.lead + i;
            float value = g->alpha * c[j * rows + i];
            // As the standard has it, c is not read where beta is 0: it may hold anything.
            element_store(out, chunks->c, at, g->beta == 0 ? value : value + g->beta * element_load(out, chunks->c, at));
        }
    }
    free(b);
    free(c);
}

static void compute(const Gemm *g) {
    size_t m = (size_t) g->m, k = (size_t) g->k;
    float *a = zeroed(padded(m, PANEL) * k);
    for (long batch = 0; batch < g->batch; batch++) {
        const char *from = (const char *) memory_host(g->a.data) + (size_t) (batch * g->a.stride) * element_bytes(element_of(g->a.type));
        for (size_t p = 0; p < k; p++) {
            for (size_t i = 0; i < m; i++) {
                size_t at = g->a.transposed ? p + i * (size_t) g->a.lead : i + p * (size_t) g->a.lead;
                a[panel_index(i, p, k)] = element_load(element_of(g->a.type), from, at);
            }
        }
        Chunks chunks = {g, a, (const char *) memory_host(g->b.data) + (size_t) (batch * g->b.stride) * element_bytes(element_of(g->b.type)),
                         (char *) memory_host(g->c.data) + (size_t) (batch * g->c.stride) * element_bytes(element_of(g->c.type))};
        parallel((size_t) (g->n + CHUNK - 1) / CHUNK, standin_settings.threads, compute_chunk, &chunks);
    }
    free(a);
}

static CUresult read_scalars(Gemm *gemm) {
    if (!gemm->scalarsOnDevice) return CUDA_SUCCESS;
    TRY(memory_check_run("alpha", gemm->alphaAt, sizeof(float)));
    TRY(memory_check_run("beta", gemm->betaAt, sizeof(float)));
    if (standin_settings.dry) return CUDA_SUCCESS;
    memcpy(&gemm->alpha, memory_host(gemm->alphaAt), sizeof(float));
    memcpy(&gemm->beta, memory_host(gemm->betaAt), sizeof(float));
    return CUDA_SUCCESS;
}

/** One matrix of the batch, by columns. */
static Region columns_of(const Matrix *matrix, long index) {
    size_t unit = element_bytes(element_of(matrix->type));
    return (Region) {matrix->data + (size_t) (index * matrix->stride) * unit, (size_t) matrix->rows * unit, (size_t) matrix->lead * unit,
                     (size_t) matrix->columns};
}

static CUresult check_memory(const Gemm *g) {
    for (long i = 0; i < g->batch; i++) {
        if (g->k > 0) {
            TRY(memory_check_read("operand a of a matrix product", columns_of(&g->a, i)));
            TRY(memory_check_read("operand b of a matrix product", columns_of(&g->b, i)));
        }
        if (g->beta != 0) TRY(memory_check_read("old result of a matrix product", columns_of(&g->c, i)));
    }
    for (long i = 0; i < g->batch; i++) TRY(memory_check_write_rows("result of a matrix product", columns_of(&g->c, i)));
    return CUDA_SUCCESS;
}

static CUresult run_gemm(Op *op) {
    Gemm *g = (Gemm *) op->payload;
    TRY(read_scalars(g));
    TRY(check_memory(g));
    size_t sizes[3] = {element_bytes(element_of(g->a.type)), element_bytes(element_of(g->b.type)), element_bytes(element_of(g->c.type))};
    long bytes = g->batch * (g->m * g->k * (long) sizes[0] + g->k * g->n * (long) sizes[1] +
                             g->m * g->n * (long) sizes[2] * (g->beta == 0 ? 1 : 2));
    long numbers[] = {g->m, g->n, g->k, g->batch, g->a.transposed, g->b.transposed, g->a.type, g->b.type, g->c.type, g->compute,
                      2 * g->batch * g->m * g->n * g->k, bytes};
    record_work(RECORD_GEMM, g->name, numbers, 12);
    if (!standin_settings.dry) compute(g);
    return CUDA_SUCCESS;
}

static bool types_fit(const Gemm *g) {
    bool fast = g->compute == COMPUTE_32F_FAST_16F || g->compute == COMPUTE_32F_FAST_16BF || g->compute == COMPUTE_32F_FAST_TF32;
    bool plain = g->compute == COMPUTE_32F || g->compute == COMPUTE_32F_PEDANTIC;
    if (g->a.type != g->b.type || (!fast && !plain)) return false;
    if (g->a.type == CUDA_R_32F) return g->c.type == CUDA_R_32F;
    bool small = g->a.type == CUDA_R_16F || g->a.type == CUDA_R_16BF;
    return plain && small && (g->c.type == g->a.type || g->c.type == CUDA_R_32F);
}

static int check_matrix(const Gemm *g, const char *what, const Matrix *matrix) {
    long least = matrix->rows > 1 ? matrix->rows : 1;
    if (matrix->lead < least || matrix->stride < 0) {
        return standin_refuse(STATUS_INVALID_VALUE, "%s: leading dimension %ld of %s, at least %ld expected; stride %ld", g->name,
                              matrix->lead, what, least, matrix->stride);
    }
    if (matrix->data == 0 || matrix->data % element_bytes(element_of(matrix->type)) != 0) {
        return standin_refuse(STATUS_INVALID_VALUE, "%s: %s at 0x%lx is not aligned", g->name, what, matrix->data);
    }
    return STATUS_SUCCESS;
}

static bool overlap(const Matrix *x, const Matrix *y, long batch) {
    return x->data < y->data + extent(y, batch) && y->data < x->data + extent(x, batch);
}

/** Results of a batch may lie behind each other, or side by side between the columns; not on each other. */
static bool results_apart(const Gemm *g) {
    long whole = (g->n - 1) * g->c.lead + g->m;
    return g->batch == 1 || g->c.stride >= whole || (g->c.stride >= g->m && (g->batch - 1) * g->c.stride + g->m <= g->c.lead);
}

static int check_gemm(const Gemm *g) {
    if (g->m < 0 || g->n < 0 || g->k < 0 || g->batch < 0) {
        return standin_refuse(STATUS_INVALID_VALUE, "%s: m %ld, n %ld, k %ld, batch %ld", g->name, g->m, g->n, g->k, g->batch);
    }
    if (!types_fit(g)) {
        return standin_refuse(STATUS_NOT_SUPPORTED, "%s: types %d, %d, %d with compute type %d", g->name, g->a.type, g->b.type, g->c.type,
                              g->compute);
    }
    TRY(check_matrix(g, "a", &g->a));
    TRY(check_matrix(g, "b", &g->b));
    TRY(check_matrix(g, "c", &g->c));
    if (g->m > 0 && g->n > 0 && (overlap(&g->c, &g->a, g->batch) || overlap(&g->c, &g->b, g->batch) || !results_apart(g))) {
        return standin_refuse(STATUS_INVALID_VALUE, "%s: the result overlaps an operand, or another result of the batch", g->name);
    }
    return STATUS_SUCCESS;
}

static int submit_gemm(Handle *handle, Gemm *g, int transA, int transB, const void *alpha, const void *beta) {
    if (transA < 0 || transA > 2 || transB < 0 || transB > 2 || alpha == NULL || beta == NULL) {
        return standin_refuse(STATUS_INVALID_VALUE, "%s: transposition %d, %d, alpha %p, beta %p", g->name, transA, transB, alpha, beta);
    }
    g->a.transposed = transA != 0;
    g->b.transposed = transB != 0;
    g->a.rows = transA == 0 ? g->m : g->k;
    g->a.columns = transA == 0 ? g->k : g->m;
    g->b.rows = transB == 0 ? g->k : g->n;
    g->b.columns = transB == 0 ? g->n : g->k;
    g->c.rows = g->m;
    g->c.columns = g->n;
    TRY(check_gemm(g));
    if (g->m == 0 || g->n == 0 || g->batch == 0) return STATUS_SUCCESS;
    g->scalarsOnDevice = handle->pointerMode == POINTER_MODE_DEVICE;
    if (g->scalarsOnDevice) {
        g->alphaAt = (CUdeviceptr) (uintptr_t) alpha;
        g->betaAt = (CUdeviceptr) (uintptr_t) beta;
    } else {
        g->alpha = *(const float *) alpha;
        g->beta = *(const float *) beta;
    }
    Op *op = op_create(NODE_KERNEL, g->name, handle->object.context, sizeof *g, run_gemm, NULL);
    memcpy(op->payload, g, sizeof *g);
    return stream_submit_to(handle->stream, op) == CUDA_SUCCESS ? STATUS_SUCCESS : STATUS_EXECUTION_FAILED;
}

static Matrix matrix(const void *data, int type, long lead, long stride) {
    return (Matrix) {.data = (CUdeviceptr) (uintptr_t) data, .type = type, .lead = lead, .stride = stride};
}

int cublasGemmEx(void *pointer, int transA, int transB, int m, int n, int k, const void *alpha, const void *a, int typeA, int lda,
                 const void *b, int typeB, int ldb, const void *beta, void *c, int typeC, int ldc, int compute, int algorithm) {
    API("cublasGemmEx");
    (void) algorithm;
    REQUIRE_HANDLE(handle, pointer);
    Gemm gemm = {.name = "cublasGemmEx", .m = m, .n = n, .k = k, .batch = 1, .a = matrix(a, typeA, lda, 0), .b = matrix(b, typeB, ldb, 0),
                 .c = matrix(c, typeC, ldc, 0), .compute = compute};
    return submit_gemm(handle, &gemm, transA, transB, alpha, beta);
}

int cublasGemmStridedBatchedEx(void *pointer, int transA, int transB, int m, int n, int k, const void *alpha, const void *a, int typeA,
                               int lda, long strideA, const void *b, int typeB, int ldb, long strideB, const void *beta, void *c, int typeC,
                               int ldc, long strideC, int batch, int compute, int algorithm) {
    API("cublasGemmStridedBatchedEx");
    (void) algorithm;
    REQUIRE_HANDLE(handle, pointer);
    Gemm gemm = {.name = "cublasGemmStridedBatchedEx", .m = m, .n = n, .k = k, .batch = batch, .a = matrix(a, typeA, lda, strideA),
                 .b = matrix(b, typeB, ldb, strideB), .c = matrix(c, typeC, ldc, strideC), .compute = compute};
    return submit_gemm(handle, &gemm, transA, transB, alpha, beta);
}

int cublasSgemm_v2(void *pointer, int transA, int transB, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b,
                   int ldb, const float *beta, float *c, int ldc) {
    API("cublasSgemm");
    REQUIRE_HANDLE(handle, pointer);
    Gemm gemm = {.name = "cublasSgemm", .m = m, .n = n, .k = k, .batch = 1, .a = matrix(a, CUDA_R_32F, lda, 0),
                 .b = matrix(b, CUDA_R_32F, ldb, 0), .c = matrix(c, CUDA_R_32F, ldc, 0), .compute = COMPUTE_32F};
    return submit_gemm(handle, &gemm, transA, transB, alpha, beta);
}

int cublasSgemmStridedBatched(void *pointer, int transA, int transB, int m, int n, int k, const float *alpha, const float *a, int lda,
                              long strideA, const float *b, int ldb, long strideB, const float *beta, float *c, int ldc, long strideC,
                              int batch) {
    API("cublasSgemmStridedBatched");
    REQUIRE_HANDLE(handle, pointer);
    Gemm gemm = {.name = "cublasSgemmStridedBatched", .m = m, .n = n, .k = k, .batch = batch, .a = matrix(a, CUDA_R_32F, lda, strideA),
                 .b = matrix(b, CUDA_R_32F, ldb, strideB), .c = matrix(c, CUDA_R_32F, ldc, strideC), .compute = COMPUTE_32F};
    return submit_gemm(handle, &gemm, transA, transB, alpha, beta);
}
