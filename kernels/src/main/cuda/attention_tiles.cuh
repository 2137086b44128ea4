// What the attention kernels on tensor cores share: a head's rows, products of tiles, results on their way out.
#pragma once
#include "tensor_cores.cuh"

// Rows of one head of one sample.
template <class T> struct Head {
    T* at;
    int stride;
};
template <class T> __device__ __forceinline__ Head<T> head(T* p, int rows, int stride, int d) {
    return {p + ((u64)blockIdx.z * rows * stride + blockIdx.y * d), stride};
}

// s += a b^T: 16 rows of tile a from `row` on with all BN rows of tile b, over all columns.
template <class T, int D, int BN>
__device__ __forceinline__ void addScores(float (&s)[BN / 8][4], u32 tileA, int row, u32 tileB) {
#pragma unroll
    for (int c = 0; c < D / 16; c++) {
        u32 a[4];
        Tile<D>::rowsOf(a, tileA, row, c);
#pragma unroll
        for (int j = 0; j < BN / 16; j++) {
            u32 b[4];
            Tile<D>::columnsOf(b, tileB, 16 * j, c);
            Mma<T>::add(s[2 * j], a, b[0], b[1]);
            Mma<T>::add(s[2 * j + 1], a, b[2], b[3]);
        }
    }
}

// o += p v for 16 rows, the depth in steps of 16 rows of the tile, the columns from tile column 16 * first on.
template <class T, int D, int BN, int TILES>
__device__ __forceinline__ void addProduct(float (&o)[TILES][4], const float (&p)[BN / 8][4], u32 tile, int first) {
#pragma unroll
    for (int k = 0; k < BN / 16; k++) {
        u32 a[4] = {Mma<T>::pack(p[2 * k][0], p[2 * k][1]), Mma<T>::pack(p[2 * k][2], p[2 * k][3]),
                    Mma<T>::pack(p[2 * k + 1][0], p[2 * k + 1][1]), Mma<T>::pack(p[2 * k + 1][2], p[2 * k + 1][3])};
#pragma unroll
        for (int j = 0; j < TILES / 2; j++) {
            u32 b[4];
            Tile<D>::rowsAsDepth(b, tile, 16 * k, first + j);
            Mma<T>::add(o[2 * j], a, b[0], b[1]);
            Mma<T>::add(o[2 * j + 1], a, b[2], b[3]);
        }
    }
}

// Leaves 16 finished rows in a tile, times f by row, from row `row` and column `column` on.
template <class T, int D, int TILES>
__device__ __forceinline__ void leave(u32 tile, const float (&o)[TILES][4], const float (&f)[2], int row, int column) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int j = 0; j < TILES; j++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            u32 pair = Mma<T>::pack(o[j][2 * r] * f[r], o[j][2 * r + 1] * f[r]);
            Tile<D>::put(tile, row + lane / 4 + 8 * r, column + 8 * j + lane % 4 * 2, pair);
        }
    }
}

