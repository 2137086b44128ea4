// Sums over rows, channel by channel, of a chunk of a [rows,C] tensor, in an order that depends on nothing but the sizes.
#pragma once
#include "storage.cuh"

#define LANES 32
#define WARPS 8

// The V elements of a lane lie in planes this far apart, so that neither those who write a plane nor those who read channels in order
// meet in a bank.
template <int V> struct Exchange {
    static constexpr int plane = LANES + LANES / V;
    static constexpr int size = V * plane;
};

// Adds v of all warps of a (32, 8) block into total[channel]. exchange is free again on return.
template <int V>
__device__ __forceinline__ void addWarps(float (*exchange)[Exchange<V>::size], const float (&v)[V], float* total, int channels) {
#pragma unroll
    for (int k = 0; k < V; k++) {
        exchange[threadIdx.y][threadIdx.x + Exchange<V>::plane * k] = v[k];
    }
    __syncthreads();
    int t = threadIdx.y * LANES + threadIdx.x;
    if (t < channels) {
        // Channel t is element t % V of lane t / V.
        int column = t / V + Exchange<V>::plane * (t % V);
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += exchange[w][column];
        }
        total[t] = sum;
    }
    __syncthreads();
}

// a[0..C) and b[0..C), shared or global: the block's sums over rows [first, last) of what Source adds up for an element. A Source has
//   void begin(int channel)                                            called once before the rows of V channels from there
//   void add(int row, int channel, float (&s)[V], float (&q)[V])
// A warp reads 32 vectors of neighbouring channels of one row, and the block walks the channels slab by slab.
template <int V, class Source> __device__ __forceinline__ void sumColumns(float* a, float* b, int first, int last, int c, Source source) {
    __shared__ float exchange[WARPS][Exchange<V>::size];
#pragma unroll 1
    for (int slab = 0; slab < c; slab += LANES * V) {
        int channel = slab + threadIdx.x * V;
        float s[V] = {}, q[V] = {};
        if (channel < c) {
            source.begin(channel);
#pragma unroll 2
            for (int row = first + threadIdx.y; row < last; row += WARPS) {
                source.add(row, channel, s, q);
            }
        }
        int channels = min(LANES * V, c - slab);
        addWarps<V>(exchange, s, a + slab, channels);
        if (b) {
            addWarps<V>(exchange, q, b + slab, channels);
        }
    }
}
