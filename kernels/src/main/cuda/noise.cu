// noise: normal numbers of torch.randn on a CUDA generator (Philox4x32-10, Box-Muller as cuRAND has it).   Launcher: NoiseKernel.java
// Entries    noise_normal_f32 (y, u32 n, u64 seed, u64 round, u32 threads): draw k of thread t in a round is element (4*round + k)*threads + t, for
//            rounds from 0; the counter is (round, t) with the call's first round added, the key the seed
// Geometry   grid threads / 256, block 256; torch runs min(ceil(n / 256), blocks of the GPU) blocks, and the values depend on that
// Traffic    lower bound 4*n bytes; this kernel the same
// Numerics   uniforms in (0, 1] from 32 bits by one fused multiply-add; logf to 1 ulp; sin and cos by the hardware's approximation, absolute error
//            2^-20.5, as cuRAND itself calls it
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "storage.cuh"

// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
__device__ __forceinline__ uint4 philox(uint4 c, u32 k0, u32 k1) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u32 high0 = __umulhi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
        u32 high1 = __umulhi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
        c = make_uint4(high1 ^ c.y ^ k0, low1, high0 ^ c.w ^ k1, low0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

__device__ __forceinline__ float2 boxMuller(u32 x, u32 y) {
    constexpr float each = 0x1p-32f, eachOfTurn = each * 6.2831855f;
    float u = x * each + each / 2;
    float v = y * eachOfTurn + eachOfTurn / 2;
    float radius = sqrtf(-2.0f * logf(u));
    return make_float2(radius * __sinf(v), radius * __cosf(v));
}

extern "C" __global__ void __launch_bounds__(256) noise_normal_f32(float* y, u32 n, u64 seed, u64 round, u32 threads) {
    u32 thread = blockIdx.x * 256 + threadIdx.x;
#pragma unroll 1
    for (u32 first = thread; first < n; first += 4 * threads, round++) {
        uint4 words = philox(make_uint4((u32)round, (u32)(round >> 32), thread, 0), (u32)seed, (u32)(seed >> 32));
        float2 a = boxMuller(words.x, words.y), b = boxMuller(words.z, words.w);
        float drawn[4] = {a.x, a.y, b.x, b.y};
#pragma unroll
        for (int k = 0; k < 4; k++) {
            u32 i = first + k * threads;
            if (i < n) {
                y[i] = drawn[k];
            }
        }
    }
}
