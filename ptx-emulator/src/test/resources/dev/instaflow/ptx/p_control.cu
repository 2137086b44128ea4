// Calls, tables of branches, reductions at barriers, carries, local arrays. All kernels: k(const int* in, int* out, int n), 64 threads.
#include <cuda_runtime.h>
struct Pair { int a; float b; };
__device__ __noinline__ int gcd(int a, int b) { while (b) { int t = a % b; a = b; b = t; } return a; }
__device__ __noinline__ Pair both(int a, float b) { Pair p; p.a = a * 3; p.b = b + 0.5f; return p; }
__device__ __noinline__ void deposit(int* where, int value) { if (value > 10) { *where = gcd(value, 12); } else { *where = -value; } }
extern "C" __global__ void calls(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return;
  int g = gcd(in[i] & 1023, i + 1);
  Pair p = both(g, (float)i);
  deposit(&out[i], p.a + (int)p.b);
}
extern "C" __global__ void table(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return; int v = in[i], r;
  switch (v & 15) {
    case 0: r = v * 3; break; case 1: r = v ^ 77; break; case 2: r = v / 7; break; case 3: r = __popc(v); break;
    case 4: r = v + in[0]; break; case 5: r = v << 3; break; case 6: r = -v; break; case 7: r = __clz(v); break;
    case 8: r = v | 5; break; case 9: r = v % 11; break; case 10: r = ~v; break; case 11: r = v - 99; break; default: r = 42;
  }
  out[i] = r;
}
extern "C" __global__ void barriers(const int* in, int* out, int n) {
  int i = threadIdx.x; int v = in[i];
  int odd = __syncthreads_count(v & 1); int any = __syncthreads_or(v == 12345); int all = __syncthreads_and(v != 12345);
  out[i] = odd * 4 + any * 2 + all;
}
extern "C" __global__ void arrive(const int* in, int* out, int n) {
  __shared__ int box[32]; int i = threadIdx.x;
  if (i < 32) { box[i] = in[i]; asm volatile("bar.arrive 1, 64;" ::: "memory"); }
  else { asm volatile("bar.sync 1, 64;" ::: "memory"); out[i] = box[63 - i]; }
  if (i < 32) out[i] = 0;
}
extern "C" __global__ void carries(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return; unsigned a = in[i], b = in[(i + 1) % n], c = in[(i + 2) % n], d = in[(i + 3) % n];
  unsigned r0, r1, r2, r3;
  asm("add.cc.u32 %0, %4, %5; addc.cc.u32 %1, %6, %7; addc.u32 %2, 0, 0; sub.cc.u32 %3, %4, %6; subc.u32 %3, %3, %5;"
      : "=r"(r0), "=r"(r1), "=r"(r2), "=r"(r3) : "r"(a), "r"(b), "r"(c), "r"(d));
  unsigned m0, m1;
  asm("mad.lo.cc.u32 %0, %2, %3, %4; madc.hi.u32 %1, %2, %3, %5;" : "=r"(m0), "=r"(m1) : "r"(a), "r"(b), "r"(c), "r"(d));
  out[i] = r0 ^ (r1 * 3) ^ (r2 * 5) ^ (r3 * 7) ^ (m0 * 11) ^ (m1 * 13);
}
extern "C" __global__ void wide(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return;
  unsigned __int128 x = (unsigned __int128)(unsigned long long)in[i] * 0x123456789abcdefULL + (unsigned)in[0];
  out[i] = (int)(x >> 64) ^ (int)(x >> 32) ^ (int)x;
}
extern "C" __global__ void local(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return; int s[16];
  for (int j = 0; j < 16; j++) s[j] = in[(i + j) % n];
  int at = in[i] & 15, sum = 0;
  for (int j = 0; j < 5; j++) { sum += s[at]; s[(at + j) & 15] = sum; at = s[at] & 15; }
  out[i] = sum;
}
extern "C" __global__ void generic(const int* in, int* out, int n) {
  __shared__ int a[64]; int i = threadIdx.x; a[i] = in[i] * 2; __syncthreads();
  const int* p = (in[i] & 1) ? a : in; int v = p[(i + 1) % 64];
  asm volatile("{ .reg .pred p; isspacep.shared p, %1; @p add.s32 %0, %0, 1000; }" : "+r"(v) : "l"(p));
  out[i] = v;
}
extern "C" __global__ void dots(const int* in, int* out, int n) {
  int i = threadIdx.x; if (i >= n) return; out[i] = __dp4a(in[i], in[0], 7) + (int)__dp4a((unsigned)in[i], (unsigned)in[1], 9u) + __dp2a_lo(in[i], in[2], 1) + __dp2a_hi(in[i], in[3], 2);
}
