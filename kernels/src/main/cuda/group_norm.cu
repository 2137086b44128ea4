// group_norm: y = act(gamma * (z - mean) / sqrt(var + eps) + beta) per (n, group), z = x + shift[n,c] (the time embedding) or x.
// Launcher: GroupNormKernel.java
// Entries    group_norm_sums_T (partial, x, shift, HW, C, groups, rows): centred sums of a chunk of rows, [N,chunks,groups] pairs
//            group_norm_fwd_T (y, stats, x, shift, gamma, beta, partial, HW, C, groups, rows, chunks, eps, silu)
//            group_norm_bwd_sums_T (columns, partial, x, shift, dy, gamma, beta, stats, HW, C, groups, rows, silu): sums of dy' and
//            dy' * xhat, [N,chunks,C] planes (for dgamma and dbeta, see reduce.cu) and [N,chunks,groups] pairs weighted by gamma
//            group_norm_bwd_T (dx, x, shift, dy, gamma, beta, stats, partial, HW, C, groups, rows, chunks, silu)
//            T = f32, f16, bf16; x, dy, y, dx [N,HW,C]; shift [N,C] of T, or 0; gamma, beta [C] F32; stats [N,groups] (mean, 1/std) F32,
//            0 in fwd where no gradient follows; all int but eps; silu 0 or 1
// Geometry   grid (chunks, N); sums: block (32, 8), dynamic shared 2C floats; fwd, bwd: block 256, dynamic shared 3C or 4C floats and
//            9 pairs a group. Needs C % groups == 0; vectors of 4 where C % 4 == 0, else single elements
// Traffic    lower bound 2*N*HW*C*sizeof(T) bytes (x once, y once), backward 3*; this family 3* and 5*: x (and dy) is read in both
//            launches, as a group's mean is known only after its last row. What fits the L2 (a sample at SD 1.5's sizes does) comes from
//            DRAM once. Each launch by itself is at its own bound; columns and partial add 1/rows
// Numerics   F32 sums of x less the group's first element of the sample, so that an offset of x far from 0 does not cancel digits;
//            sums in a fixed order, no atomics: the same input gives the same bits; rsqrtf 2 ulp; one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "activation.cuh"
#include "columns.cuh"

template <class T> __device__ __forceinline__ float at(const T* p, int i) { return p ? widen(p[i]) : 0.0f; }

// (x - head) and its square, head being the first element of the group.
template <int V, class T> struct Centred {
    const T* x;
    const T* shift;
    int c, width;
    float less[V];

    __device__ __forceinline__ void begin(int channel) {
#pragma unroll
        for (int k = 0; k < V; k++) {
            int head = (channel + k) / width * width;
            less[k] = widen(x[head]) + at(shift, head) - at(shift, channel + k);
        }
    }

    __device__ __forceinline__ void add(int row, int channel, float (&s)[V], float (&q)[V]) {
        float v[V];
        Vector<V, T>::load(x + row * c + channel, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float d = v[k] - less[k];
            s[k] += d;
            q[k] += d * d;
        }
    }
};

// dy' and dy' * xhat, dy' being the gradient before the activation.
template <int V, class T> struct Gradients {
    const T* x;
    const T* shift;
    const T* dy;
    const float* gamma;
    const float* beta;
    const float2* stats;
    int c, width, silu;
    float mean[V], rstd[V], g[V], b[V];

    __device__ __forceinline__ void begin(int channel) {
#pragma unroll
        for (int k = 0; k < V; k++) {
            float2 s = stats[(channel + k) / width];
            mean[k] = s.x - at(shift, channel + k);
            rstd[k] = s.y;
            g[k] = gamma[channel + k];
            b[k] = beta[channel + k];
        }
    }

    __device__ __forceinline__ void add(int row, int channel, float (&s)[V], float (&q)[V]) {
        float v[V], d[V];
        Vector<V, T>::load(x + row * c + channel, v);
        Vector<V, T>::load(dy + row * c + channel, d);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float xhat = (v[k] - mean[k]) * rstd[k];
            float slope = d[k] * (silu ? Silu::slope(xhat * g[k] + b[k]) : 1.0f);
            s[k] += slope;
            q[k] += slope * xhat;
        }
    }
};

// The chunk's sums of each group from those of its channels, the second plane C floats behind the first.
template <class Weight> __device__ __forceinline__ void sumGroups(float2* partial, const float* total, int c, int groups, Weight weight) {
    int width = c / groups;
#pragma unroll 1
    for (int g = threadIdx.y * LANES + threadIdx.x; g < groups; g += LANES * WARPS) {
        float s = 0, q = 0;
#pragma unroll 1
        for (int k = g * width; k < (g + 1) * width; k++) {
            float w = weight(k);
            s += w * total[k];
            q += w * total[c + k];
        }
        partial[g] = make_float2(s, q);
    }
}

template <int V, class T>
__device__ __forceinline__ void sums(float2* partial, const T* x, const T* shift, int hw, int c, int groups, int rows) {
    extern __shared__ float4 shared[];
    float* total = (float*)shared;
    int n = blockIdx.y, first = blockIdx.x * rows;
    Centred<V, T> source{x + (u64)n * hw * c, shift ? shift + n * c : shift, c, c / groups};
    sumColumns<V>(total, total + c, first, min(first + rows, hw), c, source);
    sumGroups(partial + (n * gridDim.x + blockIdx.x) * groups, total, c, groups, [](int) { return 1.0f; });
}

template <int V, class T>
__device__ __forceinline__ void backwardSums(float* columns, float2* partial, const T* x, const T* shift, const T* dy, const float* gamma,
                                             const float* beta, const float2* stats, int hw, int c, int groups, int rows, int silu) {
    extern __shared__ float4 shared[];
    float* total = (float*)shared;
    int n = blockIdx.y, first = blockIdx.x * rows, chunk = n * gridDim.x + blockIdx.x;
    Gradients<V, T> source{x + (u64)n * hw * c, shift ? shift + n * c : shift, dy + (u64)n * hw * c, gamma, beta,
                           stats + n * groups,  c,                             c / groups,           silu};
    sumColumns<V>(total, total + c, first, min(first + rows, hw), c, source);
    sumGroups(partial + chunk * groups, total, c, groups, [=](int k) { return gamma[k]; });
#pragma unroll 1
    for (int k = threadIdx.y * LANES + threadIdx.x; k < 2 * c; k += LANES * WARPS) {
        columns[(u64)chunk * 2 * c + k] = total[k];
    }
}

// out[g]: sum of a group over the chunks of a sample; out has room for 8 more groups' worth of pairs. Block of 256.
__device__ __forceinline__ void sumChunks(float2* out, const float2* partial, int groups, int chunks) {
    float2* perWarp = out + groups;
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
#pragma unroll 1
    for (int g = lane; g < groups; g += LANES) {
        float s = 0, q = 0;
#pragma unroll 1
        for (int k = warp; k < chunks; k += WARPS) {
            float2 p = partial[k * groups + g];
            s += p.x;
            q += p.y;
        }
        perWarp[warp * groups + g] = make_float2(s, q);
    }
    __syncthreads();
#pragma unroll 1
    for (int g = threadIdx.x; g < groups; g += blockDim.x) {
        float s = 0, q = 0;
#pragma unroll
        for (int k = 0; k < WARPS; k++) {
            float2 p = perWarp[k * groups + g];
            s += p.x;
            q += p.y;
        }
        out[g] = make_float2(s, q);
    }
    __syncthreads();
}

template <int V, class T>
__device__ __forceinline__ void forward(T* y, float2* stats, const T* x, const T* shift, const float* gamma, const float* beta,
                                        const float2* partial, int hw, int c, int groups, int rows, int chunks, float eps, int silu) {
    extern __shared__ float4 shared[];
    float* mean = (float*)shared;
    float* scale = mean + c;
    float* offset = scale + c;
    float2* group = (float2*)(offset + c + (c & 1));
    int n = blockIdx.y, width = c / groups;
    float each = 1.0f / ((float)hw * (float)width);
    x += (u64)n * hw * c;
    y += (u64)n * hw * c;
    shift = shift ? shift + n * c : shift;
    sumChunks(group, partial + n * chunks * groups, groups, chunks);
#pragma unroll 1
    for (int k = threadIdx.x; k < c; k += blockDim.x) {
        int g = k / width, head = g * width;
        float m = group[g].x * each;
        float rstd = rsqrtf(fmaxf(group[g].y * each - m * m, 0.0f) + eps);
        m += widen(x[head]) + at(shift, head);
        mean[k] = m - at(shift, k);
        scale[k] = rstd * gamma[k];
        offset[k] = beta[k];
        if (stats && blockIdx.x == 0 && k == head) {
            stats[n * groups + g] = make_float2(m, rstd);
        }
    }
    __syncthreads();
    int last = min(hw, ((int)blockIdx.x + 1) * rows) * c;
#pragma unroll 1
    for (int i = blockIdx.x * rows * c + V * threadIdx.x; i < last; i += V * blockDim.x) {
        int channel = i % c;
        float v[V], m[V], a[V], b[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, float>::load(mean + channel, m);
        Vector<V, float>::load(scale + channel, a);
        Vector<V, float>::load(offset + channel, b);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float u = (v[k] - m[k]) * a[k] + b[k];
            v[k] = silu ? Silu::value(u) : u;
        }
        Vector<V, T>::store(y + i, v);
    }
}

template <int V, class T>
__device__ __forceinline__ void backward(T* dx, const T* x, const T* shift, const T* dy, const float* gamma, const float* beta,
                                         const float2* stats, const float2* partial, int hw, int c, int groups, int rows, int chunks,
                                         int silu) {
    extern __shared__ float4 shared[];
    float* mean = (float*)shared;
    float* rstd = mean + c;
    float* constant = rstd + c;
    float* linear = constant + c;
    float2* group = (float2*)(linear + c);
    int n = blockIdx.y, width = c / groups;
    float each = 1.0f / ((float)hw * (float)width);
    x += (u64)n * hw * c;
    dy += (u64)n * hw * c;
    dx += (u64)n * hw * c;
    sumChunks(group, partial + n * chunks * groups, groups, chunks);
#pragma unroll 1
    for (int k = threadIdx.x; k < c; k += blockDim.x) {
        float2 s = stats[n * groups + k / width];
        float2 p = group[k / width];
        mean[k] = s.x - (shift ? widen(shift[n * c + k]) : 0.0f);
        rstd[k] = s.y;
        constant[k] = p.x * each;
        linear[k] = p.y * each;
    }
    __syncthreads();
    int last = min(hw, ((int)blockIdx.x + 1) * rows) * c;
#pragma unroll 1
    for (int i = blockIdx.x * rows * c + V * threadIdx.x; i < last; i += V * blockDim.x) {
        int channel = i % c;
        float v[V], d[V], m[V], r[V], p[V], q[V], g[V], b[V];
        Vector<V, T>::load(x + i, v);
        Vector<V, T>::load(dy + i, d);
        Vector<V, float>::load(mean + channel, m);
        Vector<V, float>::load(rstd + channel, r);
        Vector<V, float>::load(constant + channel, p);
        Vector<V, float>::load(linear + channel, q);
        Vector<V, float>::load(gamma + channel, g);
        Vector<V, float>::load(beta + channel, b);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float xhat = (v[k] - m[k]) * r[k];
            float slope = d[k] * (silu ? Silu::slope(xhat * g[k] + b[k]) : 1.0f);
            v[k] = r[k] * (g[k] * slope - p[k] - xhat * q[k]);
        }
        Vector<V, T>::store(dx + i, v);
    }
}

#define ENTRIES(T, suffix)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        group_norm_sums_##suffix(float2* partial, const T* x, const T* shift, int hw, int c, int groups, int rows) {               \
        BY_WIDTH(sums, partial, x, shift, hw, c, groups, rows)                                                                     \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        group_norm_fwd_##suffix(T* y, float2* stats, const T* x, const T* shift, const float* gamma, const float* beta,            \
                                const float2* partial, int hw, int c, int groups, int rows, int chunks, float eps, int silu) {     \
        BY_WIDTH(forward, y, stats, x, shift, gamma, beta, partial, hw, c, groups, rows, chunks, eps, silu)                        \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) group_norm_bwd_sums_##suffix(                                                \
        float* columns, float2* partial, const T* x, const T* shift, const T* dy, const float* gamma, const float* beta,           \
        const float2* stats, int hw, int c, int groups, int rows, int silu) {                                                      \
        BY_WIDTH(backwardSums, columns, partial, x, shift, dy, gamma, beta, stats, hw, c, groups, rows, silu)                      \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                                              \
        group_norm_bwd_##suffix(T* dx, const T* x, const T* shift, const T* dy, const float* gamma, const float* beta,             \
                                const float2* stats, const float2* partial, int hw, int c, int groups, int rows, int chunks,       \
                                int silu) {                                                                                        \
        BY_WIDTH(backward, dx, x, shift, dy, gamma, beta, stats, partial, hw, c, groups, rows, chunks, silu)                       \
    }
FOR_EACH_STORAGE(ENTRIES)
