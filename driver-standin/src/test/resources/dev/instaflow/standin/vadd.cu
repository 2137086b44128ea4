// vadd: y = a + b for i < n. The stand-in's tests launch it; vadd.ptx is what nvcc 13.0.88 -arch=compute_75 --ptx gives, .version 7.0.
extern "C" __global__ void vadd(float *y, const float *a, const float *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a[i] + b[i];
}

// No bounds are checked.
extern "C" __global__ void vadd_unguarded(float *y, const float *a, const float *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = a[i] + b[i];
}

__device__ float factor = 3.0f;

extern "C" __global__ void scale_shared(float *y, int n) {
    extern __shared__ float row[];
    int i = threadIdx.x;
    row[i] = i < n ? y[i] : 0;
    __syncthreads();
    if (i < n) y[i] = factor * row[n - 1 - i];
}
