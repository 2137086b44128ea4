// layer_norm: y = gamma * (x - mean) / sqrt(var + eps) + beta over each row of C.   Launcher: LayerNormKernel.java
// Entries    layer_norm_fwd_T (y, x, gamma, beta, rows, C, eps)
//            layer_norm_bwd_T (dx, stats, x, dy, gamma, rows, C, eps): also writes stats [rows] (mean, 1/std) F32
//            layer_norm_bwd_params_T (columns, x, dy, stats, rows, C, chunkRows): sums of dy * xhat and dy, [chunks,C] planes, see reduce.cu
//            T = f32, f16, bf16; x, dy, y, dx [rows,C]; gamma, beta [C] F32
// Geometry   fwd, bwd: grid ceil(rows / 8), block 256, a warp a row; vectors of 4 where C % 4 == 0, else single elements
//            bwd_params: grid chunks, block (32, 8)
// Traffic    lower bound 2*rows*C*sizeof(T) bytes (x once, y once), backward 3*, params 2*; this kernel the same: the later passes over a
//            row of at most 5 kB find it in L1. The gradient as a whole reads x and dy twice
// Numerics   F32 sums, mean first, then centred squares; one rounding to T at the end; rsqrtf is approximate: 2 ulp
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "columns.cuh"

template <int V, class T, class F> __device__ __forceinline__ float sumRow(const T* x, int c, F f) {
    float sum = 0;
#pragma unroll 1
    for (int i = V * (threadIdx.x % LANES); i < c; i += V * LANES) {
        float v[V];
        Vector<V, T>::load(x + i, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
            sum += f(v[k]);
        }
    }
    return warpSum(sum);
}

template <int V, class T> __device__ __forceinline__ float2 rowStats(const T* x, int c, float eps) {
    float mean = sumRow<V>(x, c, [](float v) { return v; }) / c;
    float var = sumRow<V>(x, c, [=](float v) { return (v - mean) * (v - mean); }) / c;
    return make_float2(mean, rsqrtf(var + eps));
}

template <int V, class T>
__device__ __forceinline__ void forward(T* y, const T* x, const float* gamma, const float* beta, int rows, int c, float eps) {
    int row = blockIdx.x * WARPS + threadIdx.x / LANES;
    if (row >= rows) {
        return;
    }
    x += (u64)row * c;
    y += (u64)row * c;
    float2 s = rowStats<V>(x, c, eps);
#pragma unroll 1
    for (int i = V * (threadIdx.x % LANES); i < c; i += V * LANES) {
        float v[V], g[V], b[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, float>::load(gamma + i, g);
        Vector<V, float>::load(beta + i, b);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] = (v[k] - s.x) * s.y * g[k] + b[k];
        }
        Vector<V, T>::store(y + i, v);
    }
}

template <int V, class T>
__device__ __forceinline__ void backward(T* dx, float2* stats, const T* x, const T* dy, const float* gamma, int rows, int c, float eps) {
    int row = blockIdx.x * WARPS + threadIdx.x / LANES, lane = threadIdx.x % LANES;
    if (row >= rows) {
        return;
    }
    x += (u64)row * c;
    dy += (u64)row * c;
    dx += (u64)row * c;
    float2 s = rowStats<V>(x, c, eps);
    float p = 0, q = 0;
#pragma unroll 1
    for (int i = V * lane; i < c; i += V * LANES) {
        float v[V], d[V], g[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, T>::load(dy + i, d);
        Vector<V, float>::load(gamma + i, g);
#pragma unroll
        for (int k = 0; k < V; k++) {
            p += g[k] * d[k];
            q += g[k] * d[k] * ((v[k] - s.x) * s.y);
        }
    }
    p = warpSum(p) / c;
    q = warpSum(q) / c;
#pragma unroll 1
    for (int i = V * lane; i < c; i += V * LANES) {
        float v[V], d[V], g[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, T>::load(dy + i, d);
        Vector<V, float>::load(gamma + i, g);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] = s.y * (g[k] * d[k] - p - (v[k] - s.x) * s.y * q);
        }
        Vector<V, T>::store(dx + i, v);
    }
    if (lane == 0) {
        stats[row] = s;
    }
}

template <int V, class T> struct ParameterGradients {
    const T* x;
    const T* dy;
    const float2* stats;
    int c;

    __device__ __forceinline__ void begin(int) {}

    __device__ __forceinline__ void add(int row, int channel, float (&s)[V], float (&q)[V]) {
        float v[V], d[V];
        float2 m = stats[row];
        Vector<V, T>::load(x + (u64)row * c + channel, v);
        Vector<V, T>::load(dy + (u64)row * c + channel, d);
#pragma unroll
        for (int k = 0; k < V; k++) {
            s[k] += d[k];
            q[k] += d[k] * ((v[k] - m.x) * m.y);
        }
    }
};

template <int V, class T>
__device__ __forceinline__ void parameters(float* columns, const T* x, const T* dy, const float2* stats, int rows, int c, int chunkRows) {
    int first = blockIdx.x * chunkRows;
    float* mine = columns + (u64)blockIdx.x * 2 * c;
    ParameterGradients<V, T> source{x, dy, stats, c};
    sumColumns<V>(mine, mine + c, first, min(first + chunkRows, rows), c, source);
}

#define ENTRIES(T, suffix)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        layer_norm_fwd_##suffix(T* y, const T* x, const float* gamma, const float* beta, int rows, int c, float eps) {             \
        BY_WIDTH(forward, y, x, gamma, beta, rows, c, eps)                                                                         \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        layer_norm_bwd_##suffix(T* dx, float2* stats, const T* x, const T* dy, const float* gamma, int rows, int c, float eps) {   \
        BY_WIDTH(backward, dx, stats, x, dy, gamma, rows, c, eps)                                                                  \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        layer_norm_bwd_params_##suffix(float* columns, const T* x, const T* dy, const float2* stats, int rows, int c, int chunkRows) { \
        BY_WIDTH(parameters, columns, x, dy, stats, rows, c, chunkRows)                                                            \
    }
FOR_EACH_STORAGE(ENTRIES)
