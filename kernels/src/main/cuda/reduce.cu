// reduce: sums of columns and of all elements, in two launches each and in an order that depends on the sizes alone.
// Launcher: ReduceKernel.java
// Entries    reduce_columns_T (partial, x, rows, C, chunkRows): x [N,rows,C] to [N,chunks,C] F32
//            reduce_chunks_f32 (y, partial, C, chunks, stride, offset): y[n,c] = sum over k of partial[n,k,offset + c], rows of stride floats
//            reduce_sum_T, reduce_squares_T (partial, x, u32 n): sums of x or x * x, one a block; reduce_blocks_f32 (y, partial, n): y[0]
//            T = f32, f16, bf16
// Geometry   columns: grid (chunks, N), block (32, 8), vectors of 4 where C % 4 == 0; chunks: grid (ceil(C / 32), N), block (32, 8);
//            sum, squares: grid at most 1024, block 256, 16 bytes a thread and step; blocks: one block of 256
// Traffic    lower bound the operand once, N*rows*C*sizeof(T) or n*sizeof(T); this kernel the same, and the partial sums
// Numerics   F32; at most 1024 terms follow each other in one accumulator of reduce_sum at 2^28 elements, so errors stay near 2^-17 of the
//            sum of magnitudes
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "blocks.cuh"
#include "columns.cuh"

template <int V, class T> struct Values {
    const T* x;
    int c;

    __device__ __forceinline__ void begin(int) {}

    __device__ __forceinline__ void add(int row, int channel, float (&s)[V], float (&)[V]) {
        float v[V];
        Vector<V, T>::load(x + (u64)row * c + channel, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
            s[k] += v[k];
        }
    }
};

template <int V, class T> __device__ __forceinline__ void columns(float* partial, const T* x, int rows, int c, int chunkRows) {
    int n = blockIdx.y, first = blockIdx.x * chunkRows;
    Values<V, T> source{x + (u64)n * rows * c, c};
    sumColumns<V>(partial + (u64)(n * gridDim.x + blockIdx.x) * c, nullptr, first, min(first + chunkRows, rows), c, source);
}

extern "C" __global__ void __launch_bounds__(256)
    reduce_chunks_f32(float* y, const float* partial, int c, int chunks, int stride, int offset) {
    __shared__ float exchange[WARPS][Exchange<1>::size];
    int n = blockIdx.y, first = blockIdx.x * LANES, channel = first + threadIdx.x;
    float s[1] = {};
    if (channel < c) {
#pragma unroll 2
        for (int k = threadIdx.y; k < chunks; k += WARPS) {
            s[0] += partial[(u64)(n * chunks + k) * stride + offset + channel];
        }
    }
    addWarps<1>(exchange, s, y + (u64)n * c + first, min(LANES, c - first));
}

#define ENTRIES(T, suffix)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        reduce_columns_##suffix(float* partial, const T* x, int rows, int c, int chunkRows) {                                      \
        BY_WIDTH(columns, partial, x, rows, c, chunkRows)                                                                          \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) reduce_sum_##suffix(float* partial, const T* x, u32 n) {                     \
        partialSum(partial, n, x, [](float v) { return v; });                                                                      \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) reduce_squares_##suffix(float* partial, const T* x, u32 n) {                 \
        partialSum(partial, n, x, [](float v) { return v * v; });                                                                  \
    }
FOR_EACH_STORAGE(ENTRIES)

extern "C" __global__ void __launch_bounds__(256) reduce_blocks_f32(float* y, const float* partial, int n) {
    float sum = 0;
#pragma unroll 1
    for (int i = threadIdx.x; i < n; i += 256) {
        sum += partial[i];
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
        y[0] = sum;
    }
}
