// Activations and their derivatives in F32. expf, erff and the division are the exact-to-an-ulp ones: the kernels wait for memory.
#pragma once

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

struct Silu {
    static __device__ __forceinline__ float value(float x) { return x / (1.0f + expf(-x)); }
    static __device__ __forceinline__ float slope(float x) {
        float s = sigmoid(x);
        return s * (1.0f + x * (1.0f - s));
    }
};

// CLIP's: x * sigmoid(1.702 x).
struct QuickGelu {
    static __device__ __forceinline__ float value(float x) { return x / (1.0f + expf(-1.702f * x)); }
    static __device__ __forceinline__ float slope(float x) {
        float s = sigmoid(1.702f * x);
        return s * (1.0f + 1.702f * x * (1.0f - s));
    }
};

// The exact one: x times the normal distribution function; its slope adds x times the density.
struct Gelu {
    static __device__ __forceinline__ float value(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }
    static __device__ __forceinline__ float slope(float x) {
        return 0.5f * (1.0f + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
    }
};
