// elementwise: y = f(x), y = a + b, y = a * b, dx = dy * f'(x).   Launcher: ElementwiseKernel.java
// Entries    elementwise_{add,multiply}_T (y, a, b, u32 n); elementwise_{silu,gelu,quickgelu}_T (y, x, u32 n);
//            elementwise_{silu,gelu,quickgelu}_grad_T (dx, x, dy, u32 n); T = f32, f16, bf16; y may be an operand
// Geometry   block 256, a thread takes 16 bytes, the last one what is left; addresses multiples of 16; n below 2^31
// Traffic    lower bound 2*n*sizeof(T), 3*n*sizeof(T) with two operands; this kernel the same
// Numerics   F32, one rounding to T at the end
// Built      nvcc 13.0 -arch=compute_75, .version rewritten to 7.0 (driver 450 or newer), no fast-math
#include "activation.cuh"
#include "stream.cuh"

#define ARITHMETIC(T, suffix)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) elementwise_add_##suffix(T* y, const T* a, const T* b, u32 n) {            \
        zip(y, a, b, n, [](float p, float q) { return p + q; });                                                                 \
    }                                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256) elementwise_multiply_##suffix(T* y, const T* a, const T* b, u32 n) {       \
        zip(y, a, b, n, [](float p, float q) { return p * q; });                                                                 \
    }
FOR_EACH_STORAGE(ARITHMETIC)

#define ACTIVATION(T, suffix, name, F)                                                                                           \
    extern "C" __global__ void __launch_bounds__(256) elementwise_##name##_##suffix(T* y, const T* x, u32 n) {                   \
        map<Pack<T>::size>(y, x, n, [](float p) { return F::value(p); });                                                                       \
    }                                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256) elementwise_##name##_grad_##suffix(T* dx, const T* x, const T* dy, u32 n) { \
        zip(dx, x, dy, n, [](float p, float q) { return q * F::slope(p); });                                                     \
    }
#define ACTIVATIONS(T, suffix)              \
    ACTIVATION(T, suffix, silu, Silu)       \
    ACTIVATION(T, suffix, gelu, Gelu)       \
    ACTIVATION(T, suffix, quickgelu, QuickGelu)
FOR_EACH_STORAGE(ACTIVATIONS)
