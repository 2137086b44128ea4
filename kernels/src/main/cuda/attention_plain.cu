// attention_plain: y = softmax(q k^T * scale) v by head in F32 arithmetic, for F32 storage, for devices before sm_80 and for head widths that
// are no multiple of 8.   Launcher: AttentionKernel.java
// Entries    attention_plain_fwd_T_D (y, lse, q, k, v, queries, keys, strideY, strideQ, strideK, strideV, d, scale, causal),
//            T = f32, f16, bf16; D = 64, 160, 512: the most columns that y may have; operands as in attention.cu, any d up to D
// Geometry   grid (ceil(queries / 32), heads, N), block 256: a warp has four queries and a lane one of 32 keys at a time, then every 32nd
//            column of y; static shared 3 * 32 * 36 * 4 bytes
// Traffic    lower bound (2*queries + 2*keys)*N*heads*d*sizeof(T) bytes (q, k, v once, y once); this kernel the same from DRAM; k and v come
//            once a block from L2, v once a warp from L1
// Numerics   F32 throughout, probabilities included; exp2 to 2 ulp of a score that is rounded once more for it; one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "panels.cuh"

template <int D, class T>
__device__ __forceinline__ void forward(T* y, float* lse, const T* q, const T* k, const T* v, int queries, int keys, int strideY, int strideQ,
                                        int strideK, int strideV, int d, float scale, int causal) {
    __shared__ __align__(16) Panel a, b, p;
    q = head(q, queries, strideQ, d);
    k = head(k, keys, strideK, d);
    v = head(v, keys, strideV, d);
    y = head(y, queries, strideY, d);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int first = blockIdx.x * BLOCK_ROWS, query = first + ROWS * warp;
    int last = causal ? min(keys, first + BLOCK_ROWS) : keys;
    float top[ROWS], sum[ROWS], o[ROWS][D / 32];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        top[r] = -INFINITY;
        sum[r] = 0;
#pragma unroll
        for (int j = 0; j < D / 32; j++) {
            o[r][j] = 0;
        }
    }
    int key = 0;
#pragma unroll 1
    do {
        float s[ROWS] = {};
        products(s, a, b, q, first, queries, strideQ, k, key, keys, strideK, d);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool counts = key + lane < keys && !(causal && key + lane > query + r);
            float score = counts ? s[r] * (scale * LOG2E) : -INFINITY;
            float m = fmaxf(top[r], warpMax(score));
            float rescale = exp2Approx(top[r] - m), weight = exp2Approx(score - m);
            top[r] = m;
            sum[r] = sum[r] * rescale + warpSum(weight);
            p[ROWS * warp + r][lane] = weight;
#pragma unroll
            for (int j = 0; j < D / 32; j++) {
                o[r][j] *= rescale;
            }
        }
        // A warp reads only the rows that it wrote.
        __syncwarp();
        addProducts<D>(o, p, v, key, keys, strideV, d);
        __syncwarp();
        key += KEYS;
    } while (key < last);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (query + r < queries) {
#pragma unroll
            for (int j = 0; j < D / 32; j++) {
                if (32 * j + lane < d) {
                    y[(u64)(query + r) * strideY + 32 * j + lane] = narrow<T>(o[r][j] / sum[r]);
                }
            }
            if (lse && lane == 0) {
                lse[((u64)blockIdx.z * gridDim.y + blockIdx.y) * queries + query + r] = (top[r] + log2Approx(sum[r])) * LN2;
            }
        }
    }
}

#define FORWARD(T, suffix, D)                                                                                                          \
    extern "C" __global__ void __launch_bounds__(256, 1)                                                                               \
        attention_plain_fwd_##suffix##_##D(T* y, float* lse, const T* q, const T* k, const T* v, int queries, int keys, int strideY,   \
                                           int strideQ, int strideK, int strideV, int d, float scale, int causal) {                    \
        forward<D>(y, lse, q, k, v, queries, keys, strideY, strideQ, strideK, strideV, d, scale, causal);                              \
    }
#define ENTRIES(T, suffix) FORWARD(T, suffix, 64) FORWARD(T, suffix, 160) FORWARD(T, suffix, 512)
FOR_EACH_STORAGE(ENTRIES)
