// attention_plain_bwd: the gradient of attention_plain.cu in F32 arithmetic, and delta for both gradients.   Launcher: AttentionGradientKernel.java
// Entries    attention_plain_bwd_delta_T (delta, y, dy, queries, strideY, strideDY, d): delta [N,heads,queries] F32, sums of y * dy
//            attention_plain_bwd_q_T_D and attention_plain_bwd_kv_T_D with the parameters of attention_bwd.cu; T = f32, f16, bf16; D = 64, 160, 512: the
//            most columns that a head may have
// Geometry   delta: grid (ceil(queries / 8), heads, N), block 256, a warp a row; q: grid (ceil(queries / 32), heads, N), kv: grid (ceil(keys / 32),
//            heads, N), block 256: a warp has four rows, a lane one of 32 rows of the other side, then every 32nd column; static shared 3 panels
// Traffic    lower bound delta 2*queries*N*heads*d*sizeof(T) bytes, q (3*queries + 2*keys)*N*heads*d*sizeof(T), kv (2*queries + 4*keys)*N*heads*d*sizeof(T);
//            this kernel the same from DRAM; what a block walks comes from L2, and its second time, row by row, from L1
// Numerics   F32 throughout; no atomics, sums in the order of rows: the same input gives the same bits; one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "panels.cuh"

template <class T>
__device__ __forceinline__ void sumRows(float* delta, const T* y, const T* dy, int queries, int strideY, int strideDY, int d) {
    int query = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (query >= queries) {
        return;
    }
    y = head(y, queries, strideY, d) + (u64)query * strideY;
    dy = head(dy, queries, strideDY, d) + (u64)query * strideDY;
    float sum = 0;
#pragma unroll 1
    for (int k = lane; k < d; k += 32) {
        sum += widen(y[k]) * widen(dy[k]);
    }
    sum = warpSum(sum);
    if (lane == 0) {
        delta[((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries + query] = sum;
    }
}

template <int D> __device__ __forceinline__ void reset(float (&o)[ROWS][D / 32]) {
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int j = 0; j < D / 32; j++) {
            o[r][j] = 0;
        }
    }
}

// Stores a warp's rows times a factor.
template <int D, class T>
__device__ __forceinline__ void put(T* to, const float (&o)[ROWS][D / 32], float factor, int first, int rows, int stride, int d) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (first + r < rows) {
#pragma unroll
            for (int j = 0; j < D / 32; j++) {
                if (32 * j + lane < d) {
                    to[(u64)(first + r) * stride + 32 * j + lane] = narrow<T>(o[r][j] * factor);
                }
            }
        }
    }
}

template <int D, class T>
__device__ __forceinline__ void queries(T* dq, const float* lse, const float* delta, const T* q, const T* k, const T* v, const T* dy, int queries,
                                        int keys, int strideDQ, int strideQ, int strideK, int strideV, int strideDY, int d, float scale,
                                        int causal) {
    __shared__ __align__(16) Panel a, b, p;
    q = head(q, queries, strideQ, d);
    dy = head(dy, queries, strideDY, d);
    k = head(k, keys, strideK, d);
    v = head(v, keys, strideV, d);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int first = blockIdx.x * BLOCK_ROWS, query = first + ROWS * warp;
    int last = causal ? min(keys, first + BLOCK_ROWS) : keys;
    u64 sums = ((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries;
    float o[ROWS][D / 32];
    reset<D>(o);
    int key = 0;
#pragma unroll 1
    do {
        float s[ROWS] = {}, ds[ROWS] = {};
        products(s, a, b, q, first, queries, strideQ, k, key, keys, strideK, d);
        products(ds, a, b, dy, first, queries, strideDY, v, key, keys, strideV, d);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            int row = min(query + r, queries - 1);
            bool counts = key + lane < keys && !(causal && key + lane > query + r);
            float weight = exp2Approx(counts ? s[r] * (scale * LOG2E) - lse[sums + row] * LOG2E : -INFINITY);
            p[ROWS * warp + r][lane] = weight * (ds[r] - delta[sums + row]);
        }
        __syncwarp();
        addProducts<D>(o, p, k, key, keys, strideK, d);
        __syncwarp();
        key += KEYS;
    } while (key < last);
    put<D>(head(dq, queries, strideDQ, d), o, scale, query, queries, strideDQ, d);
}

template <int D, class T>
__device__ __forceinline__ void keysAndValues(T* dk, T* dv, const float* lse, const float* delta, const T* q, const T* k, const T* v, const T* dy,
                                              int queries, int keys, int strideDK, int strideDV, int strideQ, int strideK, int strideV,
                                              int strideDY, int d, float scale, int causal) {
    __shared__ __align__(16) Panel a, b, p;
    q = head(q, queries, strideQ, d);
    dy = head(dy, queries, strideDY, d);
    k = head(k, keys, strideK, d);
    v = head(v, keys, strideV, d);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int first = blockIdx.x * BLOCK_ROWS, key = first + ROWS * warp;
    u64 sums = ((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries;
    float ok[ROWS][D / 32], ov[ROWS][D / 32];
    reset<D>(ok);
    reset<D>(ov);
    // Earlier queries see none of these keys.
#pragma unroll 1
    for (int query = causal ? first : 0; query < queries; query += KEYS) {
        float s[ROWS] = {}, ds[ROWS] = {};
        products(s, a, b, k, first, keys, strideK, q, query, queries, strideQ, d);
        products(ds, a, b, v, first, keys, strideV, dy, query, queries, strideDY, d);
        int row = min(query + lane, queries - 1);
        float top = lse[sums + row] * LOG2E, less = delta[sums + row];
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool counts = query + lane < queries && !(causal && key + r > query + lane);
            s[r] = exp2Approx(counts ? s[r] * (scale * LOG2E) - top : -INFINITY);
            p[ROWS * warp + r][lane] = s[r];
        }
        __syncwarp();
        addProducts<D>(ov, p, dy, query, queries, strideDY, d);
        __syncwarp();
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            p[ROWS * warp + r][lane] = s[r] * (ds[r] - less);
        }
        __syncwarp();
        addProducts<D>(ok, p, q, query, queries, strideQ, d);
        __syncwarp();
    }
    put<D>(head(dk, keys, strideDK, d), ok, scale, key, keys, strideDK, d);
    put<D>(head(dv, keys, strideDV, d), ov, 1.0f, key, keys, strideDV, d);
}

#define DELTA(T, suffix)                                                                                                             \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        attention_plain_bwd_delta_##suffix(float* delta, const T* y, const T* dy, int rows, int strideY, int strideDY, int d) {      \
        sumRows(delta, y, dy, rows, strideY, strideDY, d);                                                                           \
    }
FOR_EACH_STORAGE(DELTA)

#define GRADIENTS(T, suffix, D)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256, 1)                                                                             \
        attention_plain_bwd_q_##suffix##_##D(T* dq, const float* lse, const float* delta, const T* q, const T* k, const T* v,        \
                                             const T* dy, int rows, int keys, int strideDQ, int strideQ, int strideK, int strideV,   \
                                             int strideDY, int d, float scale, int causal) {                                         \
        queries<D>(dq, lse, delta, q, k, v, dy, rows, keys, strideDQ, strideQ, strideK, strideV, strideDY, d, scale, causal);        \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(256, 1)                                                                             \
        attention_plain_bwd_kv_##suffix##_##D(T* dk, T* dv, const float* lse, const float* delta, const T* q, const T* k,            \
                                              const T* v, const T* dy, int rows, int keys, int strideDK, int strideDV, int strideQ,  \
                                              int strideK, int strideV, int strideDY, int d, float scale, int causal) {              \
        keysAndValues<D>(dk, dv, lse, delta, q, k, v, dy, rows, keys, strideDK, strideDV, strideQ, strideK, strideV, strideDY, d,    \
                         scale, causal);                                                                                             \
    }
#define ENTRIES(T, suffix) GRADIENTS(T, suffix, 64) GRADIENTS(T, suffix, 160) GRADIENTS(T, suffix, 512)
FOR_EACH_STORAGE(ENTRIES)
