// attention: y = softmax(q k^T * scale) v by head, on tensor cores, without the scores in memory.   Launcher: AttentionKernel.java
// Entries    attention_fwd_T_D (y, lse, q, k, v, queries, keys, strideY, strideQ, strideK, strideV, d, scale, causal), T = f16, bf16,
//            D = 32, 48, 64, 80, 160, 512: the head width d padded to what tensor cores take; d % 8 == 0
//            y, q [N,queries,heads,d], k, v [N,keys,heads,d], rows strideX elements apart (so that q, k, v may be parts of one row);
//            lse [N,heads,queries] F32, the logarithm of each row's sum for the gradient, or 0; causal 0 or 1
// Geometry   D <= 160: grid (ceil(queries / 64), heads, N), block 128: a warp has 16 queries, the block walks the keys 64 (D = 160: 32) at a
//            time; dynamic shared (64 + 2 * 64) * D * 2 bytes. D = 512: 32 queries a block of 256, 32 keys at a time, a warp has 16 queries
//            and 128 columns of y; dynamic shared 64 * 512 * 2 + 32 * 40 * 4 bytes
// Traffic    lower bound (2*queries + 2*keys)*N*heads*d*sizeof(T) bytes (q, k, v once, y once); this kernel the same from DRAM; k and v come
//            once a block, from L2. Heads of 40 channels start in the middle of a 32-byte sector, which two blocks then share
// Numerics   F32 scores, sums and output until the end, probabilities rounded to T before they meet v; exp2 to 2 ulp; a row's largest score
//            is subtracted as it is found (Milakov and Gimelshein 2018; Dao 2023, FlashAttention-2)
// Built      nvcc 13.0 -arch=compute_80, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "attention_tiles.cuh"

// Running maximum (in units of log2) and sum of the two rows that a lane holds, g and g + 8.
struct Rows {
    float top[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};

    // Turns scores into probabilities less the common factor, and gives what to multiply earlier results with.
    template <int TILES> __device__ __forceinline__ void normalise(float (&s)[TILES][4], float scale, float (&rescale)[2]) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float m = top[r];
#pragma unroll
            for (int j = 0; j < TILES; j++) {
                m = fmaxf(m, fmaxf(s[j][2 * r], s[j][2 * r + 1]) * scale);
            }
            m = quadMax(m);
            rescale[r] = exp2Approx(top[r] - m);
            top[r] = m;
            float part = 0;
#pragma unroll
            for (int j = 0; j < TILES; j++) {
#pragma unroll
                for (int e = 2 * r; e < 2 * r + 2; e++) {
                    s[j][e] = exp2Approx(s[j][e] * scale - m);
                    part += s[j][e];
                }
            }
            sum[r] = sum[r] * rescale[r] + quadSum(part);
        }
    }
};

// Scores that do not count: beyond the keys, or after the query's own position.
template <int TILES>
__device__ __forceinline__ void mask(float (&s)[TILES][4], int query, int key, int keys, int causal) {
    int column = key + threadIdx.x % 4 * 2;
    // How many keys from the lane's first column on count for either row.
    int upper = min(keys, causal ? query + 1 : keys) - column, lower = min(keys, causal ? query + 9 : keys) - column;
#pragma unroll
    for (int j = 0; j < TILES; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
            if (8 * j + e % 2 >= (e < 2 ? upper : lower)) {
                s[j][e] = -INFINITY;
            }
        }
    }
}

template <class T, int TILES> __device__ __forceinline__ void scaleRows(float (&o)[TILES][4], const float (&f)[2]) {
#pragma unroll
    for (int j = 0; j < TILES; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
            o[j][e] *= f[e / 2];
        }
    }
}

__device__ __forceinline__ void writeLse(float* lse, const Rows& rows, int query, int queries) {
    if (lse && threadIdx.x % 4 == 0) {
        lse += ((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            if (query + 8 * r < queries) {
                lse[query + 8 * r] = (rows.top[r] + log2Approx(rows.sum[r])) * LN2;
            }
        }
    }
}

template <class T, int D, int BN>
__device__ __forceinline__ void forward(T* y, float* lse, const T* q, const T* k, const T* v, int queries, int keys, int strideY, int strideQ,
                                        int strideK, int strideV, int d, float scale, int causal) {
    constexpr int BM = 64, THREADS = 128;
    extern __shared__ uint4 shared[];
    u32 qTile = (u32)__cvta_generic_to_shared(shared);
    u32 kTile = qTile + BM * D * 2, vTile = kTile + BN * D * 2;
    auto qs = head(q, queries, strideQ, d), ks = head(k, keys, strideK, d), vs = head(v, keys, strideV, d);
    auto ys = head(y, queries, strideY, d);
    int first = blockIdx.x * BM, warpRow = threadIdx.x / 32 * 16;
    int query = first + warpRow + threadIdx.x % 32 / 4;
    int last = causal ? min(keys, first + BM) : keys;
    Tile<D>::template copy<BM, THREADS>(qTile, qs.at, first, queries, qs.stride, d);
    Tile<D>::template copy<BN, THREADS>(kTile, ks.at, 0, keys, ks.stride, d);
    commitCopies();
    Rows rows;
    float o[D / 8][4] = {};
    int key = 0;
#pragma unroll 1
    do {
        awaitCopies();
        __syncthreads();
        // Every warp is past the values of the last step: the next ones come while the scores are computed.
        Tile<D>::template copy<BN, THREADS>(vTile, vs.at, key, keys, vs.stride, d);
        commitCopies();
        float s[BN / 8][4] = {};
        addScores<T, D, BN>(s, qTile, warpRow, kTile);
        if (causal || key + BN > keys) {
            mask(s, query, key, keys, causal);
        }
        float rescale[2];
        rows.normalise(s, scale * LOG2E, rescale);
        scaleRows<T>(o, rescale);
        awaitCopies();
        __syncthreads();
        Tile<D>::template copy<BN, THREADS>(kTile, ks.at, key + BN, keys, ks.stride, d);
        commitCopies();
        addProduct<T, D, BN>(o, s, vTile, 0);
        key += BN;
    } while (key < last);
    awaitCopies();
    writeLse(lse, rows, query, queries);
    // The queries of a warp are its own, and so is their place in shared memory.
    __syncwarp();
    float inverse[2] = {1.0f / rows.sum[0], 1.0f / rows.sum[1]};
    leave<T, D>(qTile, o, inverse, warpRow, 0);
    __syncwarp();
    Tile<D>::store(ys.at, qTile, warpRow, first + warpRow, 16, queries, ys.stride, 0, d, threadIdx.x % 32, 32);
}

#define WIDE 512
#define SCORES 40

template <class T>
__device__ __forceinline__ void forwardWide(T* y, float* lse, const T* q, const T* k, const T* v, int queries, int keys, int strideY,
                                            int strideQ, int strideK, int strideV, int d, float scale, int causal) {
    constexpr int BM = 32, BN = 32, THREADS = 256;
    extern __shared__ uint4 shared[];
    u32 qTile = (u32)__cvta_generic_to_shared(shared);
    u32 tile = qTile + BM * WIDE * 2;
    float* scores = (float*)(shared + (BM + BN) * WIDE / 8);
    auto qs = head(q, queries, strideQ, d), ks = head(k, keys, strideK, d), vs = head(v, keys, strideV, d);
    auto ys = head(y, queries, strideY, d);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    // A warp computes the scores of its rows with eight keys, and later a quarter of the columns of y.
    int row = warp % 2 * 16, quarter = warp / 2, g = lane / 4, t = lane % 4 * 2;
    int first = blockIdx.x * BM, query = first + row + g;
    int last = causal ? min(keys, first + BM) : keys;
    Tile<WIDE>::copy<BM, THREADS>(qTile, qs.at, first, queries, qs.stride, d);
    Rows rows;
    float o[WIDE / 32][4] = {};
    int key = 0;
#pragma unroll 1
    do {
        Tile<WIDE>::copy<BN, THREADS>(tile, ks.at, key, keys, ks.stride, d);
        commitCopies();
        awaitCopies();
        __syncthreads();
        float mine[1][4] = {};
#pragma unroll 4
        for (int c = 0; c < WIDE / 32; c++) {
            u32 a[4], b[4];
            // Eight keys and a depth of 32: four matrices of one row block.
            Tile<WIDE>::load(b, tile, 8 * quarter + lane % 8, 4 * c + lane / 8);
            Tile<WIDE>::rowsOf(a, qTile, row, 2 * c);
            Mma<T>::add(mine[0], a, b[0], b[1]);
            Tile<WIDE>::rowsOf(a, qTile, row, 2 * c + 1);
            Mma<T>::add(mine[0], a, b[2], b[3]);
        }
        mask(mine, query, key + 8 * quarter, keys, causal);
        float* place = scores + (row + g) * SCORES + 8 * quarter + t;
        *(float2*)place = make_float2(mine[0][0], mine[0][1]);
        *(float2*)(place + 8 * SCORES) = make_float2(mine[0][2], mine[0][3]);
        __syncthreads();
        Tile<WIDE>::copy<BN, THREADS>(tile, vs.at, key, keys, vs.stride, d);
        commitCopies();
        float s[BN / 8][4];
#pragma unroll
        for (int j = 0; j < BN / 8; j++) {
            const float* from = scores + (row + g) * SCORES + 8 * j + t;
            float2 upper = *(const float2*)from, lower = *(const float2*)(from + 8 * SCORES);
            s[j][0] = upper.x, s[j][1] = upper.y, s[j][2] = lower.x, s[j][3] = lower.y;
        }
        float rescale[2];
        rows.normalise(s, scale * LOG2E, rescale);
        scaleRows<T>(o, rescale);
        awaitCopies();
        __syncthreads();
        addProduct<T, WIDE, BN>(o, s, tile, 8 * quarter);
        __syncthreads();
        key += BN;
    } while (key < last);
    if (quarter == 0) {
        writeLse(lse, rows, query, queries);
    }
    float inverse[2] = {1.0f / rows.sum[0], 1.0f / rows.sum[1]};
    leave<T, WIDE>(qTile, o, inverse, row, 128 * quarter);
    __syncthreads();
    Tile<WIDE>::store(ys.at, qTile, 0, first, BM, queries, ys.stride, 0, d, threadIdx.x, THREADS);
}

#define FORWARD(T, suffix, D, THREADS, call)                                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS, 1)                                                                       \
        attention_fwd_##suffix##_##D(T* y, float* lse, const T* q, const T* k, const T* v, int queries, int keys, int strideY,   \
                                     int strideQ, int strideK, int strideV, int d, float scale, int causal) {                    \
        call(y, lse, q, k, v, queries, keys, strideY, strideQ, strideK, strideV, d, scale, causal);                              \
    }

#define ENTRIES(T, suffix)                                \
    FORWARD(T, suffix, 32, 128, (forward<T, 32, 64>))     \
    FORWARD(T, suffix, 48, 128, (forward<T, 48, 64>))     \
    FORWARD(T, suffix, 64, 128, (forward<T, 64, 64>))     \
    FORWARD(T, suffix, 80, 128, (forward<T, 80, 64>))     \
    FORWARD(T, suffix, 160, 128, (forward<T, 160, 32>))   \
    FORWARD(T, suffix, 512, 256, forwardWide<T>)
ENTRIES(f16, f16)
ENTRIES(bf16, bf16)
