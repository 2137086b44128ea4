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
#include "powers.cuh"
#include "storage.cuh"

#define ROWS 4
#define BLOCK_ROWS 32
#define KEYS 32
#define PITCH 36

__device__ __forceinline__ float warpMax(float x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) {
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lane));
    }
    return x;
}

// 32 rows of 32 columns, row by row with a gap: neither a column of float4s nor a row meets a bank twice.
typedef float Panel[BLOCK_ROWS][PITCH];

// Columns [column, column + 32) of rows [first, first + 32); 0 beyond.
template <class T> __device__ __forceinline__ void fetch(Panel& panel, const T* from, int first, int rows, int stride, int column, int d) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < BLOCK_ROWS; step += 8) {
        int row = threadIdx.x / 32 + step;
        // The load needs no branch: what is not there is some other element, and not taken.
        float x = widen(from[(u64)min(first + row, rows - 1) * stride + min(column + lane, d - 1)]);
        panel[row][lane] = first + row < rows && column + lane < d ? x : 0.0f;
    }
}

// s[r]: product of row 4 * warp + r of a and row lane of b, over all columns.
template <class T>
__device__ __forceinline__ void products(float (&s)[ROWS], Panel& a, Panel& b, const T* from, int first, int rows, int stride, const T* other,
                                         int otherFirst, int otherRows, int otherStride, int d) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll 1
    for (int column = 0; column < d; column += 32) {
        __syncthreads();
        fetch(a, from, first, rows, stride, column, d);
        fetch(b, other, otherFirst, otherRows, otherStride, column, d);
        __syncthreads();
#pragma unroll 2
        for (int c = 0; c < 32; c += 4) {
            float4 y = *(const float4*)&b[lane][c];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float4 x = *(const float4*)&a[ROWS * warp + r][c];
                s[r] += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
            }
        }
    }
}

// o[r][j] += sum over i of p[4 * warp + r][i] * row first + i of v, column 32 * j + lane.
template <int D, class T>
__device__ __forceinline__ void addProducts(float (&o)[ROWS][D / 32], const Panel& p, const T* v, int first, int rows, int stride, int d) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int count = min(KEYS, rows - first);
#pragma unroll 1
    for (int i = 0; i < count; i += 4) {
        float4 weight[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            weight[r] = *(const float4*)&p[ROWS * warp + r][i];
        }
#pragma unroll
        for (int e = 0; e < 4; e++) {
            // Rows beyond the last weigh 0.
            const T* row = v + (u64)min(first + i + e, rows - 1) * stride + lane;
#pragma unroll
            for (int j = 0; j < D / 32; j++) {
                if (32 * j + lane < d) {
                    float x = widen(row[32 * j]);
#pragma unroll
                    for (int r = 0; r < ROWS; r++) {
                        o[r][j] += (e == 0 ? weight[r].x : e == 1 ? weight[r].y : e == 2 ? weight[r].z : weight[r].w) * x;
                    }
                }
            }
        }
    }
}

template <class T> __device__ __forceinline__ T* head(T* p, int rows, int stride, int d) {
    return p + ((u64)blockIdx.z * rows * stride + blockIdx.y * d);
}

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
