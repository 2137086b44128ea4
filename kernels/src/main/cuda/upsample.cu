// upsample: y[n,i,j] = x[n, floor(i*H/OH), floor(j*W/OW)], nearest neighbour, and its gradient.   Launcher: UpsampleKernel.java
// Entries    upsample_fwd_S (y, x, pixels, H, W, OH, OW, C), S = b16, b32, by size; y [N,OH,OW,C], pixels = N*OH*OW
//            upsample_bwd_T (dx, dy, pixels, H, W, OH, OW, C): a sum over the copies, T = f32, f16, bf16; dx [N,H,W,C], pixels = N*H*W
// Geometry   block 256, a thread takes 4 channels of a pixel where C % 4 == 0, else one; OH >= H, OW >= W; OH*H, OW*W and N*OH*OW*C below 2^31
// Traffic    lower bound N*(H*W + OH*OW)*C*sizeof(T) bytes; this kernel the same from DRAM
// Numerics   moved elements keep their bits; the gradient is summed in F32 and rounded once
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "moves.cuh"

template <int V, class T> __device__ __forceinline__ void forward(T* y, const T* x, u32 pixels, u32 h, u32 w, u32 oh, u32 ow, u32 c) {
    u32 i = V * (blockIdx.x * 256 + threadIdx.x), pixel = i / c;
    if (pixel < pixels) {
        u32 line = pixel / ow, column = (pixel - line * ow) * w / ow;
        u32 n = line / oh, row = (line - n * oh) * h / oh;
        move<V>(y + i, x + (u64)((n * h + row) * w + column) * c + (i - pixel * c));
    }
}

// The first output position that copies input position i or a later one.
__device__ __forceinline__ u32 firstCopy(u32 i, u32 in, u32 out) { return (i * out + in - 1) / in; }

template <int V, class T> __device__ __forceinline__ void backward(T* dx, const T* dy, u32 pixels, u32 h, u32 w, u32 oh, u32 ow, u32 c) {
    u32 i = V * (blockIdx.x * 256 + threadIdx.x), pixel = i / c;
    if (pixel < pixels) {
        u32 line = pixel / w, column = pixel - line * w;
        u32 n = line / h, row = line - n * h;
        u32 left = firstCopy(column, w, ow), right = firstCopy(column + 1, w, ow), bottom = firstCopy(row + 1, h, oh);
        float sum[V] = {};
#pragma unroll 1
        for (u32 p = firstCopy(row, h, oh); p < bottom; p++) {
#pragma unroll 1
            for (u32 q = left; q < right; q++) {
                float v[V];
                Vector<V, T>::load(dy + (u64)((n * oh + p) * ow + q) * c + (i - pixel * c), v);
#pragma unroll
                for (int k = 0; k < V; k++) {
                    sum[k] += v[k];
                }
            }
        }
        Vector<V, T>::store(dx + i, sum);
    }
}

#define FORWARD(T, suffix)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(256)                                                                             \
        upsample_fwd_##suffix(T* y, const T* x, int pixels, int h, int w, int oh, int ow, int c) {                                \
        BY_WIDTH(forward, y, x, pixels, h, w, oh, ow, c)                                                                          \
    }
FOR_EACH_SIZE(FORWARD)

#define BACKWARD(T, suffix)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(256)                                                                             \
        upsample_bwd_##suffix(T* dx, const T* dy, int pixels, int h, int w, int oh, int ow, int c) {                              \
        BY_WIDTH(backward, dx, dy, pixels, h, w, oh, ow, c)                                                                       \
    }
FOR_EACH_STORAGE(BACKWARD)
