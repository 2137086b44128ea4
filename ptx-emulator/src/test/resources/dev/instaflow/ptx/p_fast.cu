// Single precision: approximate instructions, all roundings, bit fields, cache operators. k(const float* in, float* out, int n), 64 threads.
#include <cuda_runtime.h>
extern "C" __global__ void approximate(const float* in, float* out, int n) {
  int i = threadIdx.x; float x = in[i], a = fabsf(x) + 0.125f, t;
  asm("tanh.approx.f32 %0, %1;" : "=f"(t) : "f"(x));
  out[i] = __expf(x) + __logf(a) + __sinf(x) + __cosf(x) + __fdividef(x, a) + __frsqrt_rn(a) + rsqrtf(a) + __powf(a, 0.5f) + t + __exp10f(x * 0.1f) + __log2f(a) + sqrtf(a) + __frcp_rn(a) + 1.f / a + __tanf(x * 0.1f);
}
extern "C" __global__ void roundings(const float* in, float* out, int n) {
  int i = threadIdx.x; float x = in[i], y = in[(i + 1) % n];
  out[i] = __fadd_rz(x, y) - __fadd_ru(x, y) + __fmul_rd(x, y) + __fmaf_rz(x, y, x) + __fmaf_ru(x, y, y) + __fdiv_rz(x, y) + __fsqrt_ru(fabsf(x)) + __frcp_rd(y) + __fsub_rd(x, y);
}
extern "C" __global__ void bits(const float* in, float* out, int n) {
  int i = threadIdx.x; unsigned a = __float_as_uint(in[i]), b = __float_as_uint(in[(i + 1) % n]), r, t;
  r = __byte_perm(a, b, 0x3715) ^ __funnelshift_l(a, b, 7) ^ __funnelshift_rc(a, b, 40) ^ __brev(a) ^ __popc(b) ^ __clz(a) ^ __ffs(b) ^ __sad(a, b, 5u) ^ __mul24(a, b) ^ __umulhi(a, b) ^ (unsigned)__mulhi((int)a, (int)b) ^ __hadd((int)a, (int)b) ^ __vadd2(a, b);
  asm("bfe.u32 %0, %1, 5, 11;" : "=r"(t) : "r"(a)); r ^= t; asm("bfi.b32 %0, %1, %2, 3, 9;" : "=r"(t) : "r"(a), "r"(b)); r ^= t; asm("lop3.b32 %0, %1, %2, %0, 0xe8;" : "+r"(r) : "r"(a), "r"(b));
  asm("bfind.u32 %0, %1;" : "=r"(t) : "r"(a)); r ^= t; asm("szext.clamp.s32 %0, %1, 9;" : "=r"(t) : "r"(a)); r ^= t; asm("bmsk.clamp.b32 %0, 3, 9;" : "=r"(t)); r ^= t; asm("prmt.b32.f4e %0, %1, %2, 1;" : "=r"(t) : "r"(a), "r"(b)); r ^= t; asm("fns.b32 %0, %1, 0, 2;" : "=r"(t) : "r"(a)); r ^= t;
  out[i] = __uint_as_float(r & 0x3fffffff);
}
extern "C" __global__ void caches(const float* in, float* out, int n) {
  int i = threadIdx.x; float4 v = *(const float4*)&in[(i % (n / 4)) * 4]; float s = v.x + v.y + v.z + v.w;
  s += __ldg(&in[i]) + __ldcg(&in[i]) + __ldca(&in[i]) + __ldcs(&in[i]) + __ldlu(&in[i]) + __ldcv(&in[i]); float2 w = __ldcs((const float2*)&in[(i & ~1)]); float u;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.f32 %0, [%1];" : "=f"(u) : "l"(in + i)); s += u + w.x * w.y;
  asm volatile("ld.global.L1::evict_last.v2.f32 {%0, %1}, [%2];" : "=f"(w.x), "=f"(w.y) : "l"(in + (i & ~1))); s += w.x;
  if (i & 1) __stcs(&out[i], s); else if (i & 2) __stcg(&out[i], s); else if (i & 4) __stwt(&out[i], s); else __stwb(&out[i], s);
}
extern "C" __global__ void dynamic(const float* in, float* out, int n) {
  extern __shared__ float s[]; __shared__ float fixed[64]; int i = threadIdx.x; s[i] = in[i]; s[n + i] = -in[i]; fixed[i] = 2.f; __syncthreads();
  out[i] = s[n - 1 - i] * fixed[i] + s[n + (i + 1) % n];
}
__constant__ float table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__device__ float scratch[64];
extern "C" __global__ void constants(const float* in, float* out, int n) { int i = threadIdx.x; scratch[i] = in[i]; __syncthreads(); out[i] = table[i & 7] * scratch[(i + 1) % n] + (float)(i * 0.5); }
