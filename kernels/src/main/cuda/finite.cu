// finite: whether all elements are finite numbers.   Launcher: FiniteKernel.java
// Entries    finite_check_T (flag, x, u32 n): flag[0] = 1 if there is a NaN or an infinity, else untouched; T = f32, f16, bf16
// Geometry   block 256, a thread takes 16 bytes, the last one what is left; n below 2^31
// Traffic    lower bound n*sizeof(T) bytes; this kernel the same
// Numerics   exact; every thread that finds one stores the same value
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "stream.cuh"

template <class T> __device__ __forceinline__ void check(int* flag, const T* x, u32 n) {
    stream<Pack<T>::size>(n, [=](auto width, u32 i) {
        constexpr int W = decltype(width)::value;
        float v[W];
        Vector<W, T>::load(x + i, v);
        bool found = false;
#pragma unroll
        for (int k = 0; k < W; k++) {
            found |= !(fabsf(v[k]) < INFINITY);
        }
        if (found) {
            flag[0] = 1;
        }
    });
}

#define ENTRIES(T, suffix)                                                                                         \
    extern "C" __global__ void __launch_bounds__(256) finite_check_##suffix(int* flag, const T* x, u32 n) {        \
        check(flag, x, n);                                                                                         \
    }
FOR_EACH_STORAGE(ENTRIES)
