// Warp-wide instructions and atomics. All kernels: k(const int* in, int* out, int n), 64 threads.
#include <cuda_fp16.h>
#include <cuda_bf16.h>
extern "C" __global__ void shuffles(const int* in, int* out, int n) {
  int i = threadIdx.x, v = in[i];
  int a = __shfl_sync(~0u, v, 3, 8), b = __shfl_up_sync(~0u, v, 2), c = __shfl_down_sync(~0u, v, 5, 16), d = __shfl_xor_sync(~0u, v, 9);
  long long w = __shfl_xor_sync(~0u, (long long)v * v, 1); double f = __shfl_down_sync(~0u, (double)v, 1);
  out[i] = a ^ (b * 3) ^ (c * 5) ^ (d * 7) ^ (int)w ^ (int)f;
}
extern "C" __global__ void votes(const int* in, int* out, int n) {
  int i = threadIdx.x, v = in[i];
  unsigned m = __ballot_sync(~0u, v & 1); int any = __any_sync(~0u, v == 5), all = __all_sync(~0u, v != 5);
  unsigned same = __match_any_sync(~0u, v & 7); int pred; unsigned every = __match_all_sync(~0u, v & 0, &pred);
  out[i] = (m * 3) ^ (any << 1) ^ all ^ (same * 5) ^ every ^ (pred << 7);
}
extern "C" __global__ void reduces(const int* in, int* out, int n) {
  int i = threadIdx.x, v = in[i];
  out[i] = __reduce_add_sync(~0u, v) ^ __reduce_min_sync(~0u, v) ^ __reduce_max_sync(~0u, v) ^ (int)__reduce_max_sync(~0u, (unsigned)v)
    ^ (int)__reduce_and_sync(~0u, (unsigned)v) ^ (int)__reduce_or_sync(~0u, (unsigned)v) ^ (int)__reduce_xor_sync(~0u, (unsigned)v);
}
extern "C" __global__ void atomics(const int* in, int* out, int n) {
  __shared__ int s[4]; __shared__ float f; __shared__ unsigned long long w; int i = threadIdx.x, v = in[i];
  if (i < 4) s[i] = 7; if (i == 0) { f = 0; w = 5; }
  out[i] = i; __syncthreads();
  atomicAdd(&s[0], v); atomicMin(&s[1], v); atomicMax((unsigned*)&s[2], (unsigned)v); atomicXor(&s[3], v); atomicAdd(&f, (float)(v & 7)); atomicMax(&w, (unsigned long long)(v & 1023));
  atomicAdd(&out[0], v & 3); atomicOr((unsigned*)&out[1], 1u << (i & 31)); atomicAnd(&out[2], ~v | 2); atomicInc((unsigned*)&out[3], 9); atomicDec((unsigned*)&out[4], 11);
  atomicAdd((float*)&out[5], (float)(v & 15)); atomicAdd((unsigned long long*)&out[6], (unsigned long long)v);
  __syncthreads();
  if (i == 0) { out[8] = s[0]; out[9] = s[1]; out[10] = s[2]; out[11] = s[3]; out[12] = (int)f; out[13] = (int)w; }
  if (i == 14) { int old = out[14], assumed; do { assumed = old; old = atomicCAS(&out[14], assumed, assumed * 3 + v); } while (old != assumed); out[15] = atomicExch(&out[14], 77); }
}
extern "C" __global__ void half_atomics(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i < 4) out[i] = 0; __syncthreads();
  float v = (float)(in[i] & 7);
  atomicAdd((__half2*)&out[0], __floats2half2_rn(v, 2 * v)); atomicAdd((__nv_bfloat162*)&out[1], __floats2bfloat162_rn(v, 1.f));
  atomicAdd((__half*)&out[2], __float2half(v)); atomicAdd((__nv_bfloat16*)&out[3], __float2bfloat16(1.f));
  if (i >= 4) out[i] = i;
}
extern "C" __global__ void masks(const int* in, int* out, int n) {
  int i = threadIdx.x; unsigned r = 0, x;
  if (in[i] & 1) r = __activemask();
  __syncwarp();
  asm("mov.u32 %0, %%lanemask_lt;" : "=r"(x)); r ^= __popc(x); asm("mov.u32 %0, %%lanemask_ge;" : "=r"(x)); r ^= x;
  asm("mov.u32 %0, %%nwarpid;" : "=r"(x)); r += x; asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(x)); r += x; asm("mov.u32 %0, %%total_smem_size;" : "=r"(x)); r += x;
  __nanosleep(20); __threadfence(); __threadfence_block(); asm volatile("prefetch.global.L2 [%0];" :: "l"(in));
  out[i] = (int)r;
}
