// What the attention kernels in F32 share: panels of 32 rows and columns in shared memory, a warp with four rows, a lane with a column.
#pragma once
#include "powers.cuh"
#include "storage.cuh"

#define ROWS 4
#define BLOCK_ROWS 32
#define KEYS 32
#define PITCH 36

__device__ __forceinline__ float warpMax(float x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) {
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lane));
    }
    return x;
}

// 32 rows of 32 columns, row by row with a gap: neither a column of float4s nor a row meets a bank twice.
typedef float Panel[BLOCK_ROWS][PITCH];

// Columns [column, column + 32) of rows [first, first + 32); 0 beyond.
template <class T> __device__ __forceinline__ void fetch(Panel& panel, const T* from, int first, int rows, int stride, int column, int d) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < BLOCK_ROWS; step += 8) {
        int row = threadIdx.x / 32 + step;
        // The load needs no branch: what is not there is some other element, and not taken.
        float x = widen(from[(u64)min(first + row, rows - 1) * stride + min(column + lane, d - 1)]);
        panel[row][lane] = first + row < rows && column + lane < d ? x : 0.0f;
    }
}

// s[r]: product of row 4 * warp + r of a and row lane of b, over all columns.
template <class T>
__device__ __forceinline__ void products(float (&s)[ROWS], Panel& a, Panel& b, const T* from, int first, int rows, int stride, const T* other,
                                         int otherFirst, int otherRows, int otherStride, int d) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll 1
    for (int column = 0; column < d; column += 32) {
        __syncthreads();
        fetch(a, from, first, rows, stride, column, d);
        fetch(b, other, otherFirst, otherRows, otherStride, column, d);
        __syncthreads();
#pragma unroll 2
        for (int c = 0; c < 32; c += 4) {
            float4 y = *(const float4*)&b[lane][c];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float4 x = *(const float4*)&a[ROWS * warp + r][c];
                s[r] += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
            }
        }
    }
}

// o[r][j] += sum over i of p[4 * warp + r][i] * row first + i of v, column 32 * j + lane.
template <int D, class T>
__device__ __forceinline__ void addProducts(float (&o)[ROWS][D / 32], const Panel& p, const T* v, int first, int rows, int stride, int d) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int count = min(KEYS, rows - first);
    // Wide heads have work enough for each weight that is fetched.
    constexpr int STEP = D > 160 ? 1 : 4;
#pragma unroll 1
    for (int i = 0; i < count; i += STEP) {
        float weight[ROWS][STEP];
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            Vector<STEP, float>::load(&p[ROWS * warp + r][i], weight[r]);
        }
#pragma unroll
        for (int e = 0; e < STEP; e++) {
            // Rows beyond the last weigh 0, columns beyond d repeat the last one and are not stored.
            const T* row = v + (u64)min(first + i + e, rows - 1) * stride;
#pragma unroll
            for (int j = 0; j < D / 32; j++) {
                float x = widen(row[min(32 * j + lane, d - 1)]);
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    o[r][j] += weight[r][e] * x;
                }
            }
        }
    }
}

template <class T> __device__ __forceinline__ T* head(T* p, int rows, int stride, int d) {
    return p + ((u64)blockIdx.z * rows * stride + blockIdx.y * d);
}

