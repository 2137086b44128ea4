// Tensor-core products of 16-bit tiles with F32 sums, and tiles in shared memory without bank conflicts. sm_80.
#pragma once
#include "powers.cuh"
#include "storage.cuh"

template <class T> struct Mma;

// d += a b, 16x16 times 16x8. Lane l holds, with g = l / 4 and t = 2 * (l % 4):
//   a[0] (g, t..t+1), a[1] (g+8, t..), a[2] (g, t+8..), a[3] (g+8, t+8..); b[0] (t..t+1, g), b[1] (t+8.., g); d[0..1] (g, t..), d[2..3] (g+8, t..)
template <> struct Mma<f16> {
    static __device__ __forceinline__ void add(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
    static __device__ __forceinline__ u32 pack(float low, float high) {
        u32 y;
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
        return y;
    }
};

template <> struct Mma<bf16> {
    static __device__ __forceinline__ void add(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
    static __device__ __forceinline__ u32 pack(float low, float high) {
        u32 y;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
        return y;
    }
};

__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

__device__ __forceinline__ void awaitCopies() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }

// Rows of D 16-bit elements in chunks of 16 bytes, with no gap between rows. Chunks are permuted within a row, row by row otherwise, such
// that both a chunk of eight rows (what ldmatrix reads) and eight chunks of a row (what copies write) lie in eight different banks of 16
// bytes: rows that would start in the same bank get different permutations.
template <int D> struct Tile {
    static constexpr int chunks = D / 8;
    static constexpr int common = chunks % 8 == 0 ? 8 : chunks % 4 == 0 ? 4 : 2;
    static_assert(D % 16 == 0, "an even number of chunks");

    static __device__ __forceinline__ u32 offset(int row, int chunk) {
        return 16 * (row * chunks + (chunk ^ (row / (8 / common) & (common - 1))));
    }

    // Begins to copy rows [first, first + count) of a [rows, stride] operand; what lies beyond its rows or d columns becomes 0.
    template <int count, int threads, class T>
    static __device__ __forceinline__ void copy(u32 tile, const T* from, int first, int rows, int stride, int d) {
#pragma unroll
        for (int step = 0; step < count * chunks; step += threads) {
            int i = threadIdx.x + step, row = i / chunks, chunk = i % chunks;
            if (step + threads > count * chunks && row >= count) {
                break;
            }
            bool there = first + row < rows && chunk * 8 < d;
            // Where nothing is read the address is a valid one all the same.
            const T* source = from + (u64)min(first + row, rows - 1) * stride + min(chunk * 8, d - 8);
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(tile + offset(row, chunk)), "l"(source), "r"(there ? 16 : 0)
                         : "memory");
        }
    }

    // Four 8x8 matrices: lane l gives the row address of row l % 8 of matrix l / 8.
    static __device__ __forceinline__ void load(u32 (&r)[4], u32 tile, int row, int chunk) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(tile + offset(row, chunk))
                     : "memory");
    }
    static __device__ __forceinline__ void loadTransposed(u32 (&r)[4], u32 tile, int row, int chunk) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(tile + offset(row, chunk))
                     : "memory");
    }

    // a of rows [row, row + 16) and columns [16 k, 16 k + 16).
    static __device__ __forceinline__ void rowsOf(u32 (&a)[4], u32 tile, int row, int k) {
        int lane = threadIdx.x % 32;
        load(a, tile, row + lane % 16, 2 * k + lane / 16);
    }
    // b0 and b1 of two products whose columns are rows [row, row + 16) of the tile: b = tile^T.
    static __device__ __forceinline__ void columnsOf(u32 (&b)[4], u32 tile, int row, int k) {
        int lane = threadIdx.x % 32;
        load(b, tile, row + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2);
    }
    // b0 and b1 of two products whose columns are columns [16 j, 16 j + 16) of rows [row, row + 16): b = tile.
    static __device__ __forceinline__ void rowsAsDepth(u32 (&b)[4], u32 tile, int row, int j) {
        int lane = threadIdx.x % 32;
        loadTransposed(b, tile, row + lane % 16, 2 * j + lane / 16);
    }
    // a of the transposed tile: rows are columns [16 j, 16 j + 16), depth rows [row, row + 16).
    static __device__ __forceinline__ void columnsAsRows(u32 (&a)[4], u32 tile, int row, int j) {
        int lane = threadIdx.x % 32;
        loadTransposed(a, tile, row + lane % 8 + lane / 16 * 8, 2 * j + lane / 8 % 2);
    }

    // Two neighbouring elements, column even.
    static __device__ __forceinline__ void put(u32 tile, int row, int column, u32 pair) {
        asm volatile("st.shared.u32 [%0], %1;" ::"r"(tile + offset(row, column / 8) + column % 8 * 2), "r"(pair) : "memory");
    }

    // Stores columns [from column, to column) of rows [first, first + count), which begin at row `from` of the tile, 16 bytes a lane.
    template <class T>
    static __device__ __forceinline__ void store(T* to, u32 tile, int from, int first, int count, int rows, int stride, int fromColumn,
                                                 int toColumn, int thread, int threads) {
        int width = (toColumn - fromColumn) / 8;
#pragma unroll 1
        for (int i = thread; i < count * width; i += threads) {
            int row = i / width, chunk = fromColumn / 8 + i % width;
            if (first + row < rows) {
                uint4 v;
                asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
                             : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                             : "r"(tile + offset(from + row, chunk))
                             : "memory");
                *(uint4*)(to + (u64)(first + row) * stride + chunk * 8) = v;
            }
        }
    }
};

// Over the four lanes that hold a row of a product.
__device__ __forceinline__ float quadMax(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ __forceinline__ float quadSum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
