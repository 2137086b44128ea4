// embedding: vectors for times and tokens.   Launcher: EmbeddingKernel.java
// Entries    embedding_time_T (y, labels, N, C): y [N,C] = [cos(label * f_i), sin(label * f_i)], f_i = 10000^(-i / (C/2)), labels [N] F32; T = f32,
//            f16, bf16;  embedding_rows_S (y, table, ids, tokens, E): y[t] = table[ids[t]], S = b16, b32, by size
//            embedding_rows_grad_T (dtable, dy, ids, tokens, E): dtable[id] = sum of dy[t] over ids[t] = id, dtable [V,E] F32 and zero before
// Geometry   time: block 256, a thread an angle; rows: block 256, a thread 4 elements where E % 4 == 0, else one; rows_grad: grid tokens, block 256
// Traffic    lower bound the result once, and the rows read; this kernel the same
// Numerics   angles are products of F32, as in the programs that trained the weights: near 1000 their rounding is worth 6e-5; expf, cosf and sinf
//            to 2 ulp. The gradient is summed in the order of tokens by the block of an id's first one: the same input gives the same bits
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "moves.cuh"

template <class T> __device__ __forceinline__ void time(T* y, const float* labels, int n, int c) {
    int half = c / 2, i = blockIdx.x * 256 + threadIdx.x;
    if (i < n * half) {
        int sample = i / half, k = i - sample * half;
        // ln 10000, times k first and then divided, each rounded: the order of the original.
        float frequency = expf(__fdiv_rn(__fmul_rn(-9.210340371976184f, (float)k), (float)half));
        float angle = __fmul_rn(labels[sample], frequency), s, co;
        sincosf(angle, &s, &co);
        y[sample * c + k] = narrow<T>(co);
        y[sample * c + half + k] = narrow<T>(s);
    }
}

template <int V, class T> __device__ __forceinline__ void rows(T* y, const T* table, const int* ids, u32 tokens, u32 c) {
    u32 i = V * (blockIdx.x * 256 + threadIdx.x), token = i / c;
    if (token < tokens) {
        move<V>(y + i, table + (u64)ids[token] * c + (i - token * c));
    }
}

template <class T> __device__ __forceinline__ void gradient(float* table, const T* dy, const int* ids, int tokens, int c) {
    int first = blockIdx.x, id = ids[first];
    __shared__ int earlier;
    if (threadIdx.x == 0) {
        earlier = 0;
    }
    __syncthreads();
#pragma unroll 1
    for (int t = threadIdx.x; t < first; t += 256) {
        if (ids[t] == id) {
            earlier = 1;
        }
    }
    __syncthreads();
    if (earlier) {
        return;
    }
#pragma unroll 1
    for (int k = threadIdx.x; k < c; k += 256) {
        float sum = 0;
        int t = first;
#pragma unroll 1
        do {
            if (ids[t] == id) {
                sum += widen(dy[(u64)t * c + k]);
            }
        } while (++t < tokens);
        table[(u64)id * c + k] = sum;
    }
}

#define ARITHMETIC(T, suffix)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(256) embedding_time_##suffix(T* y, const float* labels, int n, int c) {             \
        time(y, labels, n, c);                                                                                                       \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        embedding_rows_grad_##suffix(float* table, const T* dy, const int* ids, int tokens, int c) {                                 \
        gradient(table, dy, ids, tokens, c);                                                                                         \
    }
FOR_EACH_STORAGE(ARITHMETIC)

#define MOVES(T, suffix)                                                                                                             \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        embedding_rows_##suffix(T* y, const T* table, const int* ids, int tokens, int c) {                                           \
        BY_WIDTH(rows, y, table, ids, tokens, c)                                                                                     \
    }
FOR_EACH_SIZE(MOVES)
