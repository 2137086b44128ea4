// Storage types of activations, and their way to and from F32. Included by every family.
//
// Toolkit headers for half types expand to scopes and fix-ups that nobody can read in the PTX; a 16-bit word and one instruction a
// conversion do the same. bfloat16 is rounded with integers, so that it needs no sm_80.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct f16 {
    u16 bits;
};
struct bf16 {
    u16 bits;
};

__device__ __forceinline__ float widen(float x) { return x; }

__device__ __forceinline__ float widen(f16 x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}

__device__ __forceinline__ float widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <class T> __device__ __forceinline__ T narrow(float x);

template <> __device__ __forceinline__ float narrow<float>(float x) { return x; }

template <> __device__ __forceinline__ f16 narrow<f16>(float x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

// To nearest, ties to even: the carry of the added half runs into the exponent where it must. NaN stays NaN.
template <> __device__ __forceinline__ bf16 narrow<bf16>(float x) {
    u32 u = __float_as_uint(x);
    u32 rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    bf16 y;
    y.bits = (u16)((u & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : rounded);
    return y;
}

// How many elements 16 bytes hold: what one thread of a streaming kernel takes.
template <class T> struct Pack {
    static constexpr int size = 16 / sizeof(T);
};

template <class T> __device__ __forceinline__ T fromBits(u32 bits) {
    T x;
    x.bits = (u16)bits;
    return x;
}

// V neighbouring elements by the widest loads there are; the address is a multiple of their size, 16 bytes at most.
template <int V, class T> struct Vector {
    static_assert(V == 1 || V == 4 || V == 8, "as many as the loads below know");

    static __device__ __forceinline__ void load(const T* __restrict__ p, float (&v)[V]) {
        if constexpr (V == 1) {
            v[0] = widen(*p);
        } else {
            u32 words[V / 2];
            if constexpr (V == 4) {
                uint2 w = *(const uint2*)p;
                words[0] = w.x, words[1] = w.y;
            } else {
                uint4 w = *(const uint4*)p;
                words[0] = w.x, words[1] = w.y, words[2] = w.z, words[3] = w.w;
            }
#pragma unroll
            for (int i = 0; i < V / 2; i++) {
                v[2 * i] = widen(fromBits<T>(words[i] & 0xffffu));
                v[2 * i + 1] = widen(fromBits<T>(words[i] >> 16));
            }
        }
    }

    static __device__ __forceinline__ void store(T* p, const float (&v)[V]) {
        if constexpr (V == 1) {
            *p = narrow<T>(v[0]);
        } else {
            u32 words[V / 2];
#pragma unroll
            for (int i = 0; i < V / 2; i++) {
                words[i] = narrow<T>(v[2 * i]).bits | (u32)narrow<T>(v[2 * i + 1]).bits << 16;
            }
            if constexpr (V == 4) {
                *(uint2*)p = make_uint2(words[0], words[1]);
            } else {
                *(uint4*)p = make_uint4(words[0], words[1], words[2], words[3]);
            }
        }
    }
};

template <int V> struct Vector<V, float> {
    static __device__ __forceinline__ void load(const float* __restrict__ p, float (&v)[V]) {
        if constexpr (V == 1) {
            v[0] = *p;
        } else {
#pragma unroll
            for (int i = 0; i < V; i += 4) {
                float4 w = *(const float4*)(p + i);
                v[i] = w.x, v[i + 1] = w.y, v[i + 2] = w.z, v[i + 3] = w.w;
            }
        }
    }

    static __device__ __forceinline__ void store(float* p, const float (&v)[V]) {
        if constexpr (V == 1) {
            *p = v[0];
        } else {
#pragma unroll
            for (int i = 0; i < V; i += 4) {
                *(float4*)(p + i) = make_float4(v[i], v[i + 1], v[i + 2], v[i + 3]);
            }
        }
    }
};

// Sum over the lanes of a warp; every lane gets it, in the same order always.
__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) {
        x += __shfl_xor_sync(0xffffffffu, x, lane);
    }
    return x;
}

// Defines an entry for each storage type: body(T, suffix) is a macro that makes one.
#define FOR_EACH_STORAGE(body) body(float, f32) body(f16, f16) body(bf16, bf16)

// Calls a template for vectors of 4 where rows of c elements allow them, else for single elements.
#define BY_WIDTH(call, ...)     \
    if (c % 4 == 0) {           \
        call<4>(__VA_ARGS__);   \
    } else {                    \
        call<1>(__VA_ARGS__);   \
    }
