// training: loss, gradient clipping and the optimiser's step.   Launcher: TrainingKernel.java
// Entries    training_mse_T (partial, p, t, u32 n): sums of (p - t)^2, one a block, see reduce_blocks_f32
//            training_mse_grad_T (dp, p, t, float scale, u32 n): scale * (p - t)
//            training_clip_f32 (factor, squares, float maxNorm, float unscale): factor[0] = unscale * min(1, maxNorm / (norm + 1e-6)) of the gradients' norm
//            unscale * sqrt(squares[0]); -1 if that is no finite number
//            training_adamw_T (w, m, v, ema, copy, g, factor, rate, beta1, beta2, eps, decay, correct1, correct2, emaKeep, u32 n): AdamW on F32 weights with
//            gradients g of T times factor[0] (factor 0: 1), nothing at all if that is negative; ema [n] F32 or 0 follows the new weights; copy [n] of T or 0
//            takes them rounded; T = f32, f16, bf16
// Geometry   mse: grid at most 1024, block 256; else block 256, a thread takes 16 bytes of T, adamw 4 elements, the last one what is left; n below 2^31
// Traffic    lower bound 2*n*sizeof(T), 3*n*sizeof(T) and n*(24 + 8 with ema + (1 + 1 with copy)*sizeof(T)) bytes; this kernel the same
// Numerics   F32; decay is decoupled, w -= rate * decay * w first (Loshchilov and Hutter 2019, algorithm 2, as torch orders it); correct1 = 1 / (1 - beta1^t),
//            correct2 = 1 / sqrt(1 - beta2^t); ema += (1 - emaKeep) * (w - ema)
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "blocks.cuh"
#include "stream.cuh"

template <class T> __device__ __forceinline__ void squaredError(float* partial, const T* p, const T* t, u32 n) {
    constexpr int V = Pack<T>::size;
    float sum = 0;
    u32 i = V * (blockIdx.x * 256 + threadIdx.x);
#pragma unroll 1
    for (; i + V <= n; i += V * 256 * gridDim.x) {
        float v[V], w[V];
        Vector<V, T>::load(p + i, v);
        Vector<V, T>::load(t + i, w);
#pragma unroll
        for (int k = 0; k < V; k++) {
            sum += (v[k] - w[k]) * (v[k] - w[k]);
        }
    }
#pragma unroll 1
    for (; i < n; i++) {
        float d = widen(p[i]) - widen(t[i]);
        sum += d * d;
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
    }
}

extern "C" __global__ void __launch_bounds__(256) training_clip_f32(float* factor, const float* squares, float maxNorm, float unscale) {
    if (threadIdx.x == 0) {
        float norm = unscale * sqrtf(squares[0]);
        factor[0] = norm < INFINITY ? unscale * fminf(1.0f, maxNorm / (norm + 1e-6f)) : -1.0f;
    }
}

struct Step {
    float rate, beta1, beta2, eps, decay, correct1, correct2, emaKeep;
};

template <class T>
__device__ __forceinline__ void adamw(float* w, float* m, float* v, float* ema, T* copy, const T* g, const float* factor, Step step, u32 n) {
    float f = factor ? factor[0] : 1.0f;
    if (f < 0) {
        return;
    }
    stream<4>(n, [=](auto width, u32 i) {
        constexpr int W = decltype(width)::value;
        float a[W], b[W], c[W], d[W];
        Vector<W, float>::load(w + i, a);
        Vector<W, float>::load(m + i, b);
        Vector<W, float>::load(v + i, c);
        Vector<W, T>::load(g + i, d);
#pragma unroll
        for (int k = 0; k < W; k++) {
            float slope = d[k] * f;
            a[k] -= step.rate * step.decay * a[k];
            b[k] += (1 - step.beta1) * (slope - b[k]);
            c[k] = step.beta2 * c[k] + (1 - step.beta2) * slope * slope;
            a[k] -= step.rate * step.correct1 * b[k] / (sqrtf(c[k]) * step.correct2 + step.eps);
        }
        Vector<W, float>::store(w + i, a);
        Vector<W, float>::store(m + i, b);
        Vector<W, float>::store(v + i, c);
        if (copy) {
            Vector<W, T>::store(copy + i, a);
        }
        if (ema) {
            Vector<W, float>::load(ema + i, d);
#pragma unroll
            for (int k = 0; k < W; k++) {
                d[k] += (1 - step.emaKeep) * (a[k] - d[k]);
            }
            Vector<W, float>::store(ema + i, d);
        }
    });
}

#define ENTRIES(T, suffix)                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) training_mse_##suffix(float* partial, const T* p, const T* t, u32 n) {            \
        squaredError(partial, p, t, n);                                                                                                 \
    }                                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(256)                                                                                   \
        training_mse_grad_##suffix(T* dp, const T* p, const T* t, float scale, u32 n) {                                                 \
        zip(dp, p, t, n, [=](float a, float b) { return scale * (a - b); });                                                            \
    }                                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(256)                                                                                   \
        training_adamw_##suffix(float* w, float* m, float* v, float* ema, T* copy, const T* g, const float* factor, float rate,         \
                                float beta1, float beta2, float eps, float decay, float correct1, float correct2, float emaKeep, u32 n) { \
        adamw(w, m, v, ema, copy, g, factor, Step{rate, beta1, beta2, eps, decay, correct1, correct2, emaKeep}, n);                     \
    }
FOR_EACH_STORAGE(ENTRIES)
