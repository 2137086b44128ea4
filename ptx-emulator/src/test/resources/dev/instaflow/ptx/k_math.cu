// Library functions, their slow paths included, and Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
typedef unsigned int u32; typedef unsigned long long u64;
extern "C" __global__ void math(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) { float v = x[i]; y[i] = sinf(v * 100000.f) + cosf(v) + logf(fabsf(v) + 1) + tanhf(v) + powf(fabsf(v), 0.3f) + fmodf(v, 2.f) + rintf(v) + expf(-fabsf(v)); }
}
extern "C" __global__ void philox(u32* o, u64 seed, u64 offset, u64 sub) {
  u32 c[4] = {(u32)offset, (u32)(offset >> 32), (u32)sub, (u32)(sub >> 32)}, k[2] = {(u32)seed, (u32)(seed >> 32)};
  for (int r = 0; r < 10; r++) {
    u32 h0 = __umulhi(0xD2511F53u, c[0]), l0 = 0xD2511F53u * c[0], h1 = __umulhi(0xCD9E8D57u, c[2]), l1 = 0xCD9E8D57u * c[2];
    u32 t[4] = {h1 ^ c[1] ^ k[0], l1, h0 ^ c[3] ^ k[1], l0};
    for (int j = 0; j < 4; j++) c[j] = t[j];
    k[0] += 0x9E3779B9u; k[1] += 0xBB67AE85u;
  }
  for (int j = 0; j < 4; j++) o[j] = c[j];
}
