// What the sources of the cuDNN stand-in share.
#ifndef STANDIN_CUDNN_H
#define STANDIN_CUDNN_H

#include "matrix.h"
#include "standin.h"

enum {
    CUDNN_SUCCESS = 0,
    CUDNN_NOT_INITIALIZED = 1,
    CUDNN_ALLOC_FAILED = 2,
    CUDNN_BAD_PARAM = 3,
    CUDNN_EXECUTION_FAILED = 8,
    CUDNN_NOT_SUPPORTED = 9
};

enum { DATA_FLOAT = 0, DATA_HALF = 2, DATA_BFLOAT16 = 9 };
enum { FORMAT_NCHW = 0, FORMAT_NHWC = 1 };
enum { ACTIVATION_RELU = 1, ACTIVATION_IDENTITY = 5 };

#define MAX_DIMENSIONS 8

typedef struct {
    Object object;
    bool set;
    int type;
    int count; // of dimensions
    int size[MAX_DIMENSIONS], stride[MAX_DIMENSIONS];
} Tensor;

typedef struct {
    Object object;
    bool set;
    int type, format;
    int count;
    int size[MAX_DIMENSIONS]; // K, C, R, S
} Filter;

typedef struct {
    Object object;
    bool set;
    int pad[2], stride[2], dilation[2];
    int mode, computeType, mathType, groups, reorder;
} Convolution;

typedef struct {
    Object object;
    bool set;
    int mode, nan;
    double coefficient;
} Activation;

typedef struct {
    Object object;
    CUstream stream;
} Handle;

int cudnn_handle(void *pointer, Handle **handle);
int cudnn_tensor(const void *pointer, const char *what, Tensor **tensor);
int cudnn_filter(const void *pointer, const char *what, Filter **filter);
int cudnn_convolution(const void *pointer, Convolution **convolution);
int cudnn_activation(const void *pointer, Activation **activation);
int cudnn_out_size(const Convolution *convolution, const Tensor *x, const Filter *w, int size[4]);

static inline Element cudnn_element(int type) {
    return type == DATA_HALF ? ELEMENT_F16 : type == DATA_BFLOAT16 ? ELEMENT_BF16 : ELEMENT_F32;
}

/** From the first to the last element, whatever the strides. */
static inline size_t cudnn_tensor_bytes(const Tensor *tensor) {
    size_t last = 0;
    for (int i = 0; i < tensor->count; i++) last += (size_t) (tensor->size[i] - 1) * (size_t) tensor->stride[i];
    return (last + 1) * element_bytes(cudnn_element(tensor->type));
}

typedef enum { FORWARD, BACKWARD_DATA, BACKWARD_FILTER } Pass;

/** What one call computes. x is the input or its gradient, y the output or its gradient, w the weights or theirs. */
typedef struct {
    const char *name;
    Pass pass;
    Tensor x, y, bias, z;
    Filter w;
    Convolution convolution;
    CUdeviceptr xAt, yAt, wAt, biasAt, zAt, workspaceAt;
    size_t workspaceBytes;
    int algorithm;
    float alpha, beta; // beta weighs z in a fused call
    bool fused, relu;
} Call2d;

/** Does the work; memory was checked. */
void cudnn_compute(const Call2d *call);

static inline float cudnn_load(const Tensor *t, CUdeviceptr base, const int at[4]) {
    size_t index = 0;
    for (int i = 0; i < 4; i++) index += (size_t) at[i] * (size_t) t->stride[i];
    return element_load(cudnn_element(t->type), memory_host(base), index);
}

static inline size_t cudnn_index(const Tensor *t, int n, int c, int h, int w) {
    return (size_t) n * (size_t) t->stride[0] + (size_t) c * (size_t) t->stride[1] + (size_t) h * (size_t) t->stride[2] +
           (size_t) w * (size_t) t->stride[3];
}

#endif
