// One pass over n elements, 16 bytes a thread where they are whole.
#pragma once
#include "storage.cuh"

template <int V> struct Width {
    static constexpr int value = V;
};

// Calls body(Width<V>, i) for V elements from i on, and body(Width<1>, i) for each of what is left at the end. Blocks of 256.
template <int V, class Body> __device__ __forceinline__ void stream(u32 n, Body body) {
    u32 i = V * (blockIdx.x * 256 + threadIdx.x);
    if (i + V <= n) {
        body(Width<V>{}, i);
    } else {
#pragma unroll 1
        for (; i < n; i++) {
            body(Width<1>{}, i);
        }
    }
}

// y = f(x) and y = f(a, b), element by element.
template <int V, class T, class U, class F> __device__ __forceinline__ void map(U* y, const T* x, u32 n, F f) {
    stream<V>(n, [=](auto width, u32 i) {
        constexpr int W = decltype(width)::value;
        float v[W];
        Vector<W, T>::load(x + i, v);
#pragma unroll
        for (int k = 0; k < W; k++) {
            v[k] = f(v[k]);
        }
        Vector<W, U>::store(y + i, v);
    });
}
template <class T, class F> __device__ __forceinline__ void zip(T* y, const T* a, const T* b, u32 n, F f) {
    stream<Pack<T>::size>(n, [=](auto width, u32 i) {
        constexpr int W = decltype(width)::value;
        float v[W], w[W];
        Vector<W, T>::load(a + i, v);
        Vector<W, T>::load(b + i, w);
#pragma unroll
        for (int k = 0; k < W; k++) {
            v[k] = f(v[k], w[k]);
        }
        Vector<W, T>::store(y + i, v);
    });
}
