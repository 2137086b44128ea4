// channels: operations on the last dimension of [rows,C].   Launcher: ChannelsKernel.java
// Entries    channels_add_T (y, x, b, u32 n, C, u32 rowsPerB): y = x + b[row / rowsPerB], b [rows / rowsPerB, C] of T
//            channels_bias_T (y, x, bias, residual, u32 n, C, act): y = act(x + bias) + residual, bias [C] F32, residual like x or 0; act 0 none,
//            1 SiLU, 2 quick GELU, 3 GELU: what follows a product of matrices;   T = f32, f16, bf16
//            channels_concat_S (y, a, b, rows, A, B): y = [a, b];  channels_slice_S (y, x, rows, C, from, width);
//            channels_pad_S (y, x, rows, C, from, width): y [rows,C] is x at [from, from + width) and 0 elsewhere;   S = b16, b32, by size
// Geometry   block 256, a thread takes 4 elements where rows and offsets are multiples of 4, else one; n below 2^31
// Traffic    lower bound all operands once; this kernel the same
// Numerics   F32, one rounding to T at the end; moved elements keep their bits
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "activation.cuh"
#include "moves.cuh"

__device__ __forceinline__ u32 firstOf(int v) { return v * (blockIdx.x * 256 + threadIdx.x); }

template <int V, class T> __device__ __forceinline__ void add(T* y, const T* x, const T* b, u32 n, u32 c, u32 rowsPerB) {
    u32 i = firstOf(V);
    if (i < n) {
        float v[V], w[V];
        u32 row = i / c;
        Vector<V, T>::load(x + i, v);
        Vector<V, T>::load(b + row / rowsPerB * c + (i - row * c), w);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] += w[k];
        }
        Vector<V, T>::store(y + i, v);
    }
}

template <class F, int V> __device__ __forceinline__ void apply(float (&v)[V]) {
#pragma unroll
    for (int k = 0; k < V; k++) {
        v[k] = F::value(v[k]);
    }
}

template <int V, class T> __device__ __forceinline__ void bias(T* y, const T* x, const float* b, const T* residual, u32 n, u32 c, int act) {
    u32 i = firstOf(V);
    if (i < n) {
        float v[V], w[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, float>::load(b + i % c, w);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] += w[k];
        }
        if (act == 1) {
            apply<Silu>(v);
        } else if (act == 2) {
            apply<QuickGelu>(v);
        } else if (act == 3) {
            apply<Gelu>(v);
        }
        if (residual) {
            Vector<V, T>::load(residual + i, w);
#pragma unroll
            for (int k = 0; k < V; k++) {
                v[k] += w[k];
            }
        }
        Vector<V, T>::store(y + i, v);
    }
}

template <int V, class T> __device__ __forceinline__ void concat(T* y, const T* a, const T* b, u32 rows, u32 widthA, u32 widthB) {
    u32 i = firstOf(V), width = widthA + widthB, row = i / width, column = i - row * width;
    if (row < rows) {
        move<V>(y + i, column < widthA ? a + row * widthA + column : b + row * widthB + (column - widthA));
    }
}

template <int V, class T> __device__ __forceinline__ void slice(T* y, const T* x, u32 rows, u32 channels, u32 from, u32 width) {
    u32 i = firstOf(V), row = i / width;
    if (row < rows) {
        move<V>(y + i, x + (u64)row * channels + from + (i - row * width));
    }
}

template <int V, class T> __device__ __forceinline__ void pad(T* y, const T* x, u32 rows, u32 channels, u32 from, u32 width) {
    u32 i = firstOf(V), row = i / channels, column = i - row * channels;
    if (row < rows) {
        if (column >= from && column < from + width) {
            move<V>(y + i, x + row * width + (column - from));
        } else {
            clear<V>(y + i);
        }
    }
}

#define ARITHMETIC(T, suffix)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) channels_add_##suffix(T* y, const T* x, const T* b, u32 n, int c, u32 rowsPerB) { \
        BY_WIDTH(add, y, x, b, n, c, rowsPerB)                                                                                   \
    }                                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                                            \
        channels_bias_##suffix(T* y, const T* x, const float* b, const T* residual, u32 n, int c, int act) {                     \
        BY_WIDTH(bias, y, x, b, residual, n, c, act)                                                                             \
    }
FOR_EACH_STORAGE(ARITHMETIC)

#define MOVES(T, suffix)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                            \
        channels_concat_##suffix(T* y, const T* a, const T* b, int rows, int widthA, int widthB) {                               \
        int c = widthA | widthB;                                                                                                 \
        BY_WIDTH(concat, y, a, b, rows, widthA, widthB)                                                                          \
    }                                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                                            \
        channels_slice_##suffix(T* y, const T* x, int rows, int channels, int from, int width) {                                 \
        int c = channels | from | width;                                                                                         \
        BY_WIDTH(slice, y, x, rows, channels, from, width)                                                                       \
    }                                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                                            \
        channels_pad_##suffix(T* y, const T* x, int rows, int channels, int from, int width) {                                   \
        int c = channels | from | width;                                                                                         \
        BY_WIDTH(pad, y, x, rows, channels, from, width)                                                                         \
    }
FOR_EACH_SIZE(MOVES)
