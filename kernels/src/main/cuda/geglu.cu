// geglu: y = a * gelu(b), [a, b] = x + bias along the last dimension, exact GELU.   Launcher: GegluKernel.java
// Entries    geglu_fwd_T (y, x, bias, rows, F); geglu_bwd_T (dx, x, bias, dy, rows, F): dx [rows,2F] is dy * gelu(b), dy * a * gelu'(b);
//            T = f32, f16, bf16; x [rows,2F], y, dy [rows,F], bias [2F] F32 or 0
// Geometry   block 256, a thread takes 4 elements of y where F % 4 == 0, else one; rows*2F below 2^31
// Traffic    lower bound 3*rows*F*sizeof(T) bytes, backward 5*; this kernel the same
// Numerics   F32, one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "activation.cuh"
#include "storage.cuh"

// Both halves of V columns of a row; false beyond the last row.
template <int V, class T>
__device__ __forceinline__ bool halves(float (&a)[V], float (&b)[V], u32& at, u32& i, const T* x, const float* bias, u32 rows, u32 f) {
    i = V * (blockIdx.x * 256 + threadIdx.x);
    u32 row = i / f, column = i - row * f;
    if (row >= rows) {
        return false;
    }
    at = row * 2 * f + column;
    Vector<V, T>::load(x + at, a);
    Vector<V, T>::load(x + at + f, b);
    if (bias) {
        float p[V], q[V];
        Vector<V, float>::load(bias + column, p);
        Vector<V, float>::load(bias + column + f, q);
#pragma unroll
        for (int k = 0; k < V; k++) {
            a[k] += p[k];
            b[k] += q[k];
        }
    }
    return true;
}

template <int V, class T> __device__ __forceinline__ void forward(T* y, const T* x, const float* bias, u32 rows, u32 f) {
    float a[V], b[V];
    u32 at, i;
    if (halves(a, b, at, i, x, bias, rows, f)) {
#pragma unroll
        for (int k = 0; k < V; k++) {
            a[k] *= Gelu::value(b[k]);
        }
        Vector<V, T>::store(y + i, a);
    }
}

template <int V, class T> __device__ __forceinline__ void backward(T* dx, const T* x, const float* bias, const T* dy, u32 rows, u32 f) {
    float a[V], b[V], d[V];
    u32 at, i;
    if (halves(a, b, at, i, x, bias, rows, f)) {
        Vector<V, T>::load(dy + i, d);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float slope = a[k] * Gelu::slope(b[k]);
            a[k] = d[k] * Gelu::value(b[k]);
            b[k] = d[k] * slope;
        }
        Vector<V, T>::store(dx + at, a);
        Vector<V, T>::store(dx + at + f, b);
    }
}

#define ENTRIES(T, suffix)                                                                                                           \
    extern "C" __global__ void __launch_bounds__(256) geglu_fwd_##suffix(T* y, const T* x, const float* bias, int rows, int c) {     \
        BY_WIDTH(forward, y, x, bias, rows, c)                                                                                       \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        geglu_bwd_##suffix(T* dx, const T* x, const float* bias, const T* dy, int rows, int c) {                                     \
        BY_WIDTH(backward, dx, x, bias, dy, rows, c)                                                                                 \
    }
FOR_EACH_STORAGE(ENTRIES)
