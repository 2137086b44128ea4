// attention_bwd: the gradient of attention.cu on tensor cores, the probabilities computed anew from lse.   Launcher: AttentionGradientKernel.java
// Entries    attention_bwd_q_T_D (dq, lse, delta, q, k, v, dy, queries, keys, strideDQ, strideQ, strideK, strideV, strideDY, d, scale, causal);
//            attention_bwd_kv_T_D (dk, dv, lse, delta, q, k, v, dy, queries, keys, strideDK, strideDV, strideQ, strideK, strideV, strideDY, d, scale,
//            causal);   T = f16, bf16; D = 32, 48, 64, 80, 160, the head width d padded; operands as in attention.cu, gradients like what they are
//            gradients of; lse of the forward pass, delta [N,heads,queries] F32 of attention_plain_bwd_delta
// Geometry   q: grid (ceil(queries / 64), heads, N), 32 keys at a time; kv: grid (P * ceil(keys / 64), heads, N), 32 queries at a time, P = 1, with
//            D = 160 P = 2: a block has half of the columns of dk and dv; block 128, a warp has 16 rows; dynamic shared 192 * D * 2 bytes, kv 256 more
// Traffic    lower bound q (3*queries + 2*keys)*N*heads*d*sizeof(T) bytes, kv (2*queries + 4*keys)*N*heads*d*sizeof(T); this kernel the same from DRAM;
//            what a block walks comes from L2
// Numerics   F32 sums, probabilities and their gradients rounded to T before the second products; no atomics, sums in the order of rows: the same
//            input gives the same bits, at the price of computing the scores twice (Dao 2023 adds into dq from many blocks)
// Built      nvcc 13.0 -arch=compute_80, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "attention_tiles.cuh"

#define BLOCK_ROWS 64
#define WALKED 32
#define THREADS 128

template <class T, int D>
__device__ __forceinline__ void queries(T* dq, const float* lse, const float* delta, const T* q, const T* k, const T* v, const T* dy, int queries,
                                        int keys, int strideDQ, int strideQ, int strideK, int strideV, int strideDY, int d, float scale,
                                        int causal) {
    extern __shared__ uint4 shared[];
    u32 qTile = (u32)__cvta_generic_to_shared(shared);
    u32 dyTile = qTile + BLOCK_ROWS * D * 2, kTile = dyTile + BLOCK_ROWS * D * 2, vTile = kTile + WALKED * D * 2;
    auto qs = head(q, queries, strideQ, d), dys = head(dy, queries, strideDY, d);
    auto ks = head(k, keys, strideK, d), vs = head(v, keys, strideV, d);
    auto dqs = head(dq, queries, strideDQ, d);
    int first = blockIdx.x * BLOCK_ROWS, warpRow = threadIdx.x / 32 * 16;
    int query = first + warpRow + threadIdx.x % 32 / 4;
    int last = causal ? min(keys, first + BLOCK_ROWS) : keys;
    u64 sums = ((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries;
    // The block's last rows may not exist; what they hold is not stored.
    float top[2], less[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        int row = min(query + 8 * r, queries - 1);
        top[r] = lse[sums + row] * LOG2E;
        less[r] = delta[sums + row];
    }
    Tile<D>::template copy<BLOCK_ROWS, THREADS>(qTile, qs.at, first, queries, qs.stride, d);
    Tile<D>::template copy<BLOCK_ROWS, THREADS>(dyTile, dys.at, first, queries, dys.stride, d);
    float o[D / 8][4] = {};
    int key = 0;
#pragma unroll 1
    do {
        Tile<D>::template copy<WALKED, THREADS>(kTile, ks.at, key, keys, ks.stride, d);
        Tile<D>::template copy<WALKED, THREADS>(vTile, vs.at, key, keys, vs.stride, d);
        commitCopies();
        awaitCopies();
        __syncthreads();
        float s[WALKED / 8][4] = {}, ds[WALKED / 8][4] = {};
        addScores<T, D, WALKED>(s, qTile, warpRow, kTile);
        addScores<T, D, WALKED>(ds, dyTile, warpRow, vTile);
        int column = key + threadIdx.x % 4 * 2;
#pragma unroll
        for (int j = 0; j < WALKED / 8; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int at = column + 8 * j + e % 2;
                bool counts = at < keys && !(causal && at > query + e / 2 * 8);
                float p = exp2Approx(counts ? s[j][e] * (scale * LOG2E) - top[e / 2] : -INFINITY);
                ds[j][e] = p * (ds[j][e] - less[e / 2]);
            }
        }
        addProduct<T, D, WALKED>(o, ds, kTile, 0);
        __syncthreads();
        key += WALKED;
    } while (key < last);
    float factor[2] = {scale, scale};
    leave<T, D>(qTile, o, factor, warpRow, 0);
    __syncwarp();
    Tile<D>::store(dqs.at, qTile, warpRow, first + warpRow, 16, queries, dqs.stride, 0, d, threadIdx.x % 32, 32);
}

template <class T, int D, int PARTS>
__device__ __forceinline__ void keysAndValues(T* dk, T* dv, const float* lse, const float* delta, const T* q, const T* k, const T* v, const T* dy,
                                              int queries, int keys, int strideDK, int strideDV, int strideQ, int strideK, int strideV,
                                              int strideDY, int d, float scale, int causal) {
    constexpr int COLUMNS = D / PARTS;
    extern __shared__ uint4 shared[];
    u32 kTile = (u32)__cvta_generic_to_shared(shared);
    u32 vTile = kTile + BLOCK_ROWS * D * 2, qTile = vTile + BLOCK_ROWS * D * 2, dyTile = qTile + WALKED * D * 2;
    float* tops = (float*)(shared + 2 * (BLOCK_ROWS + WALKED) * D / 8);
    float* lesses = tops + WALKED;
    auto qs = head(q, queries, strideQ, d), dys = head(dy, queries, strideDY, d);
    auto ks = head(k, keys, strideK, d), vs = head(v, keys, strideV, d);
    auto dks = head(dk, keys, strideDK, d), dvs = head(dv, keys, strideDV, d);
    int part = blockIdx.x % PARTS, first = blockIdx.x / PARTS * BLOCK_ROWS, warpRow = threadIdx.x / 32 * 16, lane = threadIdx.x % 32;
    int key = first + warpRow + lane / 4;
    u64 sums = ((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries;
    Tile<D>::template copy<BLOCK_ROWS, THREADS>(kTile, ks.at, first, keys, ks.stride, d);
    Tile<D>::template copy<BLOCK_ROWS, THREADS>(vTile, vs.at, first, keys, vs.stride, d);
    commitCopies();
    float ok[COLUMNS / 8][4] = {}, ov[COLUMNS / 8][4] = {};
    // Earlier queries see none of these keys.
#pragma unroll 1
    for (int query = causal ? first : 0; query < queries; query += WALKED) {
        Tile<D>::template copy<WALKED, THREADS>(qTile, qs.at, query, queries, qs.stride, d);
        Tile<D>::template copy<WALKED, THREADS>(dyTile, dys.at, query, queries, dys.stride, d);
        commitCopies();
        if (threadIdx.x < WALKED) {
            // Queries beyond the last are rows of 0 and add nothing whatever their sums are.
            int row = min(query + (int)threadIdx.x, queries - 1);
            tops[threadIdx.x] = lse[sums + row] * LOG2E;
            lesses[threadIdx.x] = delta[sums + row];
        }
        awaitCopies();
        __syncthreads();
        float p[WALKED / 8][4] = {}, ds[WALKED / 8][4] = {};
        addScores<T, D, WALKED>(p, kTile, warpRow, qTile);
        addScores<T, D, WALKED>(ds, vTile, warpRow, dyTile);
        int column = lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < WALKED / 8; j++) {
            float2 top = *(const float2*)(tops + column + 8 * j), less = *(const float2*)(lesses + column + 8 * j);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int at = query + column + 8 * j + e % 2;
                bool counts = at < queries && !(causal && key + e / 2 * 8 > at);
                p[j][e] = exp2Approx(counts ? p[j][e] * (scale * LOG2E) - (e % 2 ? top.y : top.x) : -INFINITY);
                ds[j][e] = p[j][e] * (ds[j][e] - (e % 2 ? less.y : less.x));
            }
        }
        addProduct<T, D, WALKED>(ov, p, dyTile, part * COLUMNS / 16);
        addProduct<T, D, WALKED>(ok, ds, qTile, part * COLUMNS / 16);
        __syncthreads();
    }
    awaitCopies();
    __syncthreads();
    float scales[2] = {scale, scale}, ones[2] = {1, 1};
    leave<T, D>(kTile, ok, scales, warpRow, part * COLUMNS);
    leave<T, D>(vTile, ov, ones, warpRow, part * COLUMNS);
    __syncwarp();
    int from = part * COLUMNS, to = min(d, from + COLUMNS);
    Tile<D>::store(dks.at, kTile, warpRow, first + warpRow, 16, keys, dks.stride, from, to, lane, 32);
    Tile<D>::store(dvs.at, vTile, warpRow, first + warpRow, 16, keys, dvs.stride, from, to, lane, 32);
}

#define GRADIENTS(T, suffix, D, PARTS)                                                                                               \
    extern "C" __global__ void __launch_bounds__(THREADS, 1)                                                                         \
        attention_bwd_q_##suffix##_##D(T* dq, const float* lse, const float* delta, const T* q, const T* k, const T* v, const T* dy, \
                                       int rows, int keys, int strideDQ, int strideQ, int strideK, int strideV, int strideDY, int d, \
                                       float scale, int causal) {                                                                    \
        queries<T, D>(dq, lse, delta, q, k, v, dy, rows, keys, strideDQ, strideQ, strideK, strideV, strideDY, d, scale, causal);     \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(THREADS, 1)                                                                         \
        attention_bwd_kv_##suffix##_##D(T* dk, T* dv, const float* lse, const float* delta, const T* q, const T* k, const T* v,      \
                                        const T* dy, int rows, int keys, int strideDK, int strideDV, int strideQ, int strideK,       \
                                        int strideV, int strideDY, int d, float scale, int causal) {                                 \
        keysAndValues<T, D, PARTS>(dk, dv, lse, delta, q, k, v, dy, rows, keys, strideDK, strideDV, strideQ, strideK, strideV,       \
                                   strideDY, d, scale, causal);                                                                      \
    }

#define ENTRIES(T, suffix)         \
    GRADIENTS(T, suffix, 32, 1)    \
    GRADIENTS(T, suffix, 48, 1)    \
    GRADIENTS(T, suffix, 64, 1)    \
    GRADIENTS(T, suffix, 80, 1)    \
    GRADIENTS(T, suffix, 160, 2)
ENTRIES(f16, f16)
ENTRIES(bf16, bf16)
