// image: what leaves the network, and the layouts of other programs.   Launcher: ImageKernel.java
// Entries    image_rgba8_T (out, x, pixels, C): bytes round(clamp(x/2 + 1/2, 0, 1) * 255) of [pixels,C], C 3 or 4, as RGBA; with 4 channels colour is
//            premultiplied and divided by alpha, and a pixel of alpha at most 1/255 becomes transparent black; with 3 alpha is 255; T = f32, f16, bf16
//            image_transpose_S (y, x, rows, columns): y [N,columns,rows] of x [N,rows,columns], NHWC to NCHW and back; S = b16, b32, by size
// Geometry   rgba8: block 256, a thread a pixel; transpose: grid (ceil(columns / 32), ceil(rows / 32), N), block (32, 8), static shared 32 rows of 32 elements and a gap
// Traffic    lower bound pixels*(C*sizeof(T) + 4) and 2*N*rows*columns*size bytes; this kernel the same; a transpose of fewer than 16 rows or
//            columns stores parts of sectors, on tensors (latents, pixels) that are small
// Numerics   F32, ties to even; moved elements keep their bits
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "moves.cuh"

__device__ __forceinline__ float unit(float x) { return fminf(1.0f, fmaxf(0.0f, x / 2 + 0.5f)); }

__device__ __forceinline__ u32 byteOf(float x) { return (u32)rintf(x * 255.0f); }

template <class T> __device__ __forceinline__ void rgba8(u32* out, const T* x, int pixels, int c) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i >= pixels) {
        return;
    }
    float v[4];
    if (c == 4) {
        Vector<4, T>::load(x + 4 * i, v);
        float alpha = unit(v[3]);
#pragma unroll
        for (int k = 0; k < 3; k++) {
            v[k] = alpha > 1.0f / 255 ? fminf(1.0f, unit(v[k]) / alpha) : 0.0f;
        }
        v[3] = alpha;
    } else {
#pragma unroll
        for (int k = 0; k < 3; k++) {
            v[k] = unit(widen(x[3 * i + k]));
        }
        v[3] = 1.0f;
    }
    out[i] = byteOf(v[0]) | byteOf(v[1]) << 8 | byteOf(v[2]) << 16 | byteOf(v[3]) << 24;
}

template <class T> __device__ __forceinline__ void transpose(T* y, const T* x, int rows, int columns) {
    // Rows an odd number of words apart, so that a column lies in 32 banks.
    __shared__ T tile[32][32 + 4 / sizeof(T)];
    u64 sample = (u64)blockIdx.z * rows * columns;
    int row = blockIdx.y * 32, column = blockIdx.x * 32;
#pragma unroll
    for (int step = 0; step < 32; step += 8) {
        int k = threadIdx.y + step;
        if (row + k < rows && column + threadIdx.x < columns) {
            tile[k][threadIdx.x] = x[sample + (u64)(row + k) * columns + column + threadIdx.x];
        }
    }
    __syncthreads();
#pragma unroll
    for (int step = 0; step < 32; step += 8) {
        int k = threadIdx.y + step;
        if (column + k < columns && row + threadIdx.x < rows) {
            y[sample + (u64)(column + k) * rows + row + threadIdx.x] = tile[threadIdx.x][k];
        }
    }
}

#define PIXELS(T, suffix)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) image_rgba8_##suffix(u32* out, const T* x, int pixels, int c) {      \
        rgba8(out, x, pixels, c);                                                                                          \
    }
FOR_EACH_STORAGE(PIXELS)

#define MOVES(T, suffix)                                                                                                   \
    extern "C" __global__ void __launch_bounds__(256) image_transpose_##suffix(T* y, const T* x, int rows, int columns) {  \
        transpose(y, x, rows, columns);                                                                                    \
    }
FOR_EACH_SIZE(MOVES)
