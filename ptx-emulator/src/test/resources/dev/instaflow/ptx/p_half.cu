// half and bfloat16 arithmetic. All kernels: k(const int* in, int* out, int n), 64 threads; in holds pairs of finite numbers.
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#define KERNEL(NAME, TYPE, ...) extern "C" __global__ void NAME(const int* in, int* out, int n) { int i = threadIdx.x; TYPE a = *(const TYPE*)&in[i], b = *(const TYPE*)&in[(i + 1) % n], c = *(const TYPE*)&in[(i + 2) % n], r; __VA_ARGS__; *(TYPE*)&out[i] = r; }
KERNEL(h2_arith, __half2, r = __hfma2(__hadd2(a, b), __hsub2(b, c), __hmul2(a, c)); r = __hmin2(__hmax2(r, __hneg2(a)), __habs2(b)); r = __hfma2_relu(r, a, b); r = __hadd2_sat(r, c))
KERNEL(b2_arith, __nv_bfloat162, r = __hfma2(__hadd2(a, b), __hsub2(b, c), __hmul2(a, c)); r = __hmin2(__hmax2(r, __hneg2(a)), __habs2(b)); r = __hfma2_relu(r, a, b))
KERNEL(h2_compare, __half2, r = __hadd2(__hgt2(a, b), __hle2(b, c)); if (__hbeq2(a, b) || __hbne2(b, c)) r = __hadd2(r, r); r = __hmin2_nan(r, __hmax2_nan(a, b)))
KERNEL(b2_compare, __nv_bfloat162, r = __hadd2(__hgt2(a, b), __hle2(b, c)); if (__hblt2(a, b)) r = __hadd2(r, r))
KERNEL(h2_functions, __half2, r = h2exp(__hmul2(a, __float2half2_rn(0.25f))); r = __hadd2(r, h2rcp(__hadd2(__habs2(b), __float2half2_rn(1.f)))); r = __hadd2(r, h2sqrt(__habs2(c))); r = __hadd2(r, h2rsqrt(__hadd2(__habs2(a), __float2half2_rn(1.f)))); r = __hadd2(r, h2sin(b)); r = __hadd2(r, h2cos(c)); r = __hadd2(r, h2log2(__hadd2(__habs2(c), __float2half2_rn(1.f)))); r = __hadd2(r, h2floor(a)); r = __hadd2(r, h2rint(b)); r = __hadd2(r, __h2div(a, __float2half2_rn(3.f))))
KERNEL(h2_tanh, __half2, asm("tanh.approx.f16x2 %0, %1; ex2.approx.f16x2 %0, %0;" : "=r"(*(unsigned*)&r) : "r"(*(unsigned*)&a)))
KERNEL(b2_functions, __nv_bfloat162, r = h2exp(__hmul2(a, __float2bfloat162_rn(0.25f))); r = __hadd2(r, h2rcp(__hadd2(__habs2(b), __float2bfloat162_rn(1.f)))); r = __hadd2(r, h2sqrt(__habs2(c))); r = __hadd2(r, h2sin(b)); r = __hadd2(r, h2ceil(a)))
extern "C" __global__ void h_convert(const int* in, int* out, int n) {
  int i = threadIdx.x; float f = __int_as_float(in[i]); int v = in[i] >> 9; unsigned r;
  r = __half_as_ushort(__float2half_rn(f)) + 3 * __half_as_ushort(__float2half_rz(f)) + 5 * __half_as_ushort(__float2half_ru(f)) + 7 * __half_as_ushort(__float2half_rd(f));
  r ^= __half_as_ushort(__int2half_rn(v)) * 11 + __half_as_ushort(__uint2half_rn(v)) * 13 + __half_as_ushort(__ll2half_rn(v)) * 17 + __half_as_ushort(__short2half_rn((short)v)) * 19;
  __half h = __ushort_as_half((unsigned short)(in[i] & 0x7bff)); r ^= __half2int_rn(h) * 23 + __half2uint_rz(h) * 29 + (unsigned)__half2ll_rd(h) * 31 + __half2short_ru(h) * 37;
  r ^= __bfloat16_as_ushort(__float2bfloat16_rn(f)) * 41 + __bfloat16_as_ushort(__float2bfloat16_rz(f)) * 43 + __bfloat16_as_ushort(__int2bfloat16_rn(v)) * 47 + __bfloat162int_rz(__float2bfloat16_rn((float)v)) * 53;
  r ^= __float_as_uint(__half2float(h)) + __float_as_uint(__bfloat162float(__ushort_as_bfloat16((unsigned short)in[i])));
  __half2 p = __float22half2_rn(make_float2((float)v, f)); __nv_bfloat162 q = __floats2bfloat162_rn(f, (float)v); r ^= *(unsigned*)&p * 59 + *(unsigned*)&q * 61;
  out[i] = r;
}
extern "C" __global__ void f_convert(const int* in, int* out, int n) {
  int i = threadIdx.x; float f = __int_as_float(in[i]); int v = in[i]; unsigned r;
  r = __float2int_rn(f) + 3 * __float2int_rz(f) + 5 * __float2int_ru(f) + 7 * __float2int_rd(f) + 11 * __float2uint_rn(f) + (unsigned)__float2ll_rz(f) + (unsigned)__float2ull_ru(f);
  r ^= __float_as_uint(__int2float_rn(v)) + __float_as_uint(__int2float_rz(v)) + __float_as_uint(__uint2float_ru(v)) + __float_as_uint(__ll2float_rd((long long)v * v)) + __float_as_uint(__ull2float_rn((unsigned long long)v * 77));
  double d = __longlong_as_double((long long)v * 0x100010001LL); r ^= __float_as_uint(__double2float_rn(d)) ^ __float_as_uint(__double2float_rz(d)) ^ __double2int_rz(d * 1e-3) ^ (unsigned)__double2ll_rn(d); r ^= __float_as_uint((float)__int2double_rn(v));
  r ^= __float_as_uint(floorf(f)) + __float_as_uint(ceilf(f)) + __float_as_uint(truncf(f)) + __float_as_uint(rintf(f)) + __float_as_uint(roundf(f)); r ^= __float_as_uint(__saturatef(f));
  unsigned t; asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(t) : "f"(f)); r += t; asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, 0;" : "=r"(t) : "r"(v >> 20), "r"(v >> 24)); r ^= t;
  out[i] = r;
}
