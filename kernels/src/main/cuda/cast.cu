// cast: y = x in another storage.   Launcher: CastKernel.java
// Entries    cast_{f32,f16,bf16}_{f32,f16,bf16} (y, x, u32 n), from and to, six of them
// Geometry   block 256, a thread takes 16 bytes of the wider storage, the last one what is left; n below 2^31
// Traffic    lower bound n*(sizeof(from)+sizeof(to)) bytes; this kernel the same
// Numerics   to nearest, ties to even; F16 overflows to infinity, NaN stays NaN
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "stream.cuh"

#define CAST(V, T, from, U, to)                                                                              \
    extern "C" __global__ void __launch_bounds__(256) cast_##from##_##to(U* y, const T* x, u32 n) {        \
        map<V>(y, x, n, [](float v) { return v; });                                                        \
    }
CAST(4, float, f32, f16, f16)
CAST(4, float, f32, bf16, bf16)
CAST(4, f16, f16, float, f32)
CAST(8, f16, f16, bf16, bf16)
CAST(4, bf16, bf16, float, f32)
CAST(8, bf16, bf16, f16, f16)
