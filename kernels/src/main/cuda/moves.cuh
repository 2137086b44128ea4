// Elements that are moved and not computed with: their size is all that counts.
#pragma once
#include "storage.cuh"

// V neighbouring elements as words of up to 16 bytes.
template <int V, class T> struct Moved;
template <> struct Moved<1, u16> {
    using Word = u16;
};
template <> struct Moved<4, u16> {
    using Word = uint2;
};
template <> struct Moved<1, u32> {
    using Word = u32;
};
template <> struct Moved<4, u32> {
    using Word = uint4;
};

template <int V, class T> __device__ __forceinline__ void move(T* to, const T* from) {
    *(typename Moved<V, T>::Word*)to = *(const typename Moved<V, T>::Word*)from;
}
template <int V, class T> __device__ __forceinline__ void clear(T* to) { *(typename Moved<V, T>::Word*)to = {}; }

// Defines an entry for each size.
#define FOR_EACH_SIZE(body) body(u16, b16) body(u32, b32)
