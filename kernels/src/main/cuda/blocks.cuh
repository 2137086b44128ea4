// Sums over all threads of a block of 256, in a fixed order.
#pragma once
#include "storage.cuh"

// Thread 0 has the sum.
__device__ __forceinline__ float blockSum(float x) {
    __shared__ float perWarp[8];
    x = warpSum(x);
    if (threadIdx.x % 32 == 0) {
        perWarp[threadIdx.x / 32] = x;
    }
    __syncthreads();
    float sum = 0;
    if (threadIdx.x == 0) {
#pragma unroll
        for (int w = 0; w < 8; w++) {
            sum += perWarp[w];
        }
    }
    return sum;
}

// partial[block]: sum of f over the elements that the blocks take in turn, 16 bytes a thread and step; the last ones go one by one.
template <class T, class F> __device__ __forceinline__ void partialSum(float* partial, u32 n, const T* x, F f) {
    constexpr int V = Pack<T>::size;
    float sum = 0;
    u32 i = V * (blockIdx.x * 256 + threadIdx.x);
#pragma unroll 1
    for (; i + V <= n; i += V * 256 * gridDim.x) {
        float v[V];
        Vector<V, T>::load(x + i, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
            sum += f(v[k]);
        }
    }
#pragma unroll 1
    for (; i < n; i++) {
        sum += f(widen(x[i]));
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
    }
}
