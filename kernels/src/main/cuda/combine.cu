// combine: y = sum over k of a_k * x_k, up to four terms: guidance, and every update of flow, DDIM, PLMS and DPM-Solver samplers.
// Launcher: CombineKernel.java
// Entries    combine_uniform_T (y, x0, x1, x2, x3, a0, a1, a2, a3, u32 n); combine_each_T (y, x0, x1, x2, x3, a, samples, u32 n, u32 inner): a [4,samples]
//            F32 in device memory, a coefficient a term and sample of `inner` elements; absent terms are 0; T = f32, f16, bf16; y may be a term
// Geometry   block 256, a thread takes 16 bytes where all addresses (and inner) allow it, else 16 bytes' worth one by one; n below 2^31
// Traffic    lower bound (terms + 1)*n*sizeof(T) bytes; this kernel the same
// Numerics   F32, fused multiply-adds in the order of terms, one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "stream.cuh"

template <class T> struct Terms {
    const T* x[4];

    __device__ __forceinline__ bool aligned(const T* y) const {
        return (((u64)y | (u64)x[0] | (u64)x[1] | (u64)x[2] | (u64)x[3]) & 15) == 0;
    }

    template <int W> __device__ __forceinline__ void sum(T* y, u32 i, const float (&a)[4]) const {
        float s[W] = {}, v[W];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (x[k]) {
                Vector<W, T>::load(x[k] + i, v);
#pragma unroll
                for (int e = 0; e < W; e++) {
                    s[e] += a[k] * v[e];
                }
            }
        }
        Vector<W, T>::store(y + i, s);
    }
};

// body(Width, i) for all elements, by vectors if they may be used; either way a thread has one pack.
template <class T, class Body> __device__ __forceinline__ void packs(u32 n, bool vectors, Body body) {
    constexpr int V = Pack<T>::size;
    u32 i = V * (blockIdx.x * 256 + threadIdx.x);
    if (vectors && i + V <= n) {
        body(Width<V>{}, i);
    } else {
        u32 end = min(i + V, n);
#pragma unroll 1
        for (; i < end; i++) {
            body(Width<1>{}, i);
        }
    }
}

template <class T> __device__ __forceinline__ void uniform(T* y, Terms<T> terms, const float (&a)[4], u32 n) {
    packs<T>(n, terms.aligned(y), [&](auto width, u32 i) { terms.template sum<decltype(width)::value>(y, i, a); });
}

template <class T> __device__ __forceinline__ void each(T* y, Terms<T> terms, const float* a, int samples, u32 n, u32 inner) {
    packs<T>(n, terms.aligned(y) && inner % Pack<T>::size == 0, [&](auto width, u32 i) {
        u32 sample = i / inner;
        float of[4];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            of[k] = terms.x[k] ? a[k * samples + sample] : 0.0f;
        }
        terms.template sum<decltype(width)::value>(y, i, of);
    });
}

#define ENTRIES(T, suffix)                                                                                                           \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        combine_uniform_##suffix(T* y, const T* x0, const T* x1, const T* x2, const T* x3, float a0, float a1, float a2, float a3, u32 n) { \
        float a[4] = {a0, a1, a2, a3};                                                                                               \
        uniform(y, Terms<T>{{x0, x1, x2, x3}}, a, n);                                                                                \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                                                \
        combine_each_##suffix(T* y, const T* x0, const T* x1, const T* x2, const T* x3, const float* a, int samples, u32 n, u32 inner) { \
        each(y, Terms<T>{{x0, x1, x2, x3}}, a, samples, n, inner);                                                                   \
    }
FOR_EACH_STORAGE(ENTRIES)
