// cuDNN: handles and descriptors, with the rules of cuDNN 8.9. Descriptors need neither a handle nor a device.
#include "cudnn_internal.h"
#include <stdlib.h>
#include <string.h>

size_t cudnnGetVersion(void) {
    return 8907;
}

size_t cudnnGetCudartVersion(void) {
    return 12020;
}

const char *cudnnGetErrorString(int status) {
    static const char *const names[] = {
        "CUDNN_STATUS_SUCCESS", "CUDNN_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_BAD_PARAM",
        "CUDNN_STATUS_INTERNAL_ERROR", "CUDNN_STATUS_INVALID_VALUE", "CUDNN_STATUS_ARCH_MISMATCH", "CUDNN_STATUS_MAPPING_ERROR",
        "CUDNN_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_NOT_SUPPORTED"};
    return status >= 0 && status <= 9 ? names[status] : "CUDNN_STATUS_UNKNOWN";
}

int cudnnGetProperty(int property, int *value) {
    API("cudnnGetProperty");
    static const int parts[] = {8, 9, 7};
    if (property < 0 || property > 2 || value == NULL) return 5;
    *value = parts[property];
    return CUDNN_SUCCESS;
}

// ---- Handles

int cudnn_handle(void *pointer, Handle **handle) {
    *handle = object_get(pointer, KIND_CUDNN);
    if (*handle == NULL) return standin_refuse(CUDNN_NOT_INITIALIZED, "no such cuDNN handle: %p", pointer);
    Context *context;
    if (context_current(&context) != CUDA_SUCCESS) return CUDNN_EXECUTION_FAILED;
    if (context != (*handle)->object.context) {
        return standin_refuse(CUDNN_BAD_PARAM, "the cuDNN handle was made in another context than the current one");
    }
    return CUDNN_SUCCESS;
}

int cudnnCreate(void **result) {
    API("cudnnCreate");
    Context *context;
    if (result == NULL) return CUDNN_BAD_PARAM;
    *result = NULL;
    if (context_current(&context) != CUDA_SUCCESS) return CUDNN_NOT_INITIALIZED;
    if (capture_forbids("cudnnCreate") != CUDA_SUCCESS) return CUDNN_EXECUTION_FAILED;
    Handle *handle = object_create(sizeof *handle, KIND_CUDNN, context);
    object_announce(handle);
    *result = handle_of(handle);
    return CUDNN_SUCCESS;
}

int cudnnDestroy(void *pointer) {
    API("cudnnDestroy");
    Handle *handle = object_get(pointer, KIND_CUDNN);
    if (handle == NULL) return standin_refuse(CUDNN_NOT_INITIALIZED, "cudnnDestroy: no such handle");
    object_destroy(handle);
    return CUDNN_SUCCESS;
}

int cudnnSetStream(void *pointer, CUstream stream) {
    API("cudnnSetStream");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    Stream *resolved;
    if (stream_resolve(handle->object.context, stream, &resolved) != CUDA_SUCCESS) return CUDNN_BAD_PARAM;
    handle->stream = stream;
    return CUDNN_SUCCESS;
}

int cudnnGetStream(void *pointer, CUstream *stream) {
    API("cudnnGetStream");
    Handle *handle;
    TRY(cudnn_handle(pointer, &handle));
    if (stream == NULL) return CUDNN_BAD_PARAM;
    *stream = handle->stream;
    return CUDNN_SUCCESS;
}

// ---- What all descriptors have

static int create(void **result, size_t size, Kind kind) {
    if (result == NULL) return CUDNN_BAD_PARAM;
    Object *object = object_create(size, kind, NULL);
    object_announce(object);
    *result = handle_of(object);
    return CUDNN_SUCCESS;
}

static int destroy(void *pointer, Kind kind) {
    void *object = object_get(pointer, kind);
    if (object == NULL) return standin_refuse(CUDNN_BAD_PARAM, "no such descriptor: %p", pointer);
    object_destroy(object);
    return CUDNN_SUCCESS;
}

#define DESCRIPTOR(name, type, kind)                                                                                   \
    int cudnnCreate##name(void **result) {                                                                             \
        API("cudnnCreate" #name);                                                                                      \
        return create(result, sizeof(type), kind);                                                                     \
    }                                                                                                                  \
    int cudnnDestroy##name(void *pointer) {                                                                            \
        API("cudnnDestroy" #name);                                                                                     \
        return destroy(pointer, kind);                                                                                 \
    }

DESCRIPTOR(TensorDescriptor, Tensor, KIND_TENSOR)
DESCRIPTOR(FilterDescriptor, Filter, KIND_FILTER)
DESCRIPTOR(ConvolutionDescriptor, Convolution, KIND_CONVOLUTION)
DESCRIPTOR(ActivationDescriptor, Activation, KIND_ACTIVATION)

#define LOOKUP(function, type, kind, label)                                                                            \
    type *found = object_get(pointer, kind);                                                                           \
    if (found == NULL) return standin_refuse(CUDNN_BAD_PARAM, "%s: no such descriptor", label);                        \
    if (!found->set) return standin_refuse(CUDNN_BAD_PARAM, "%s: the descriptor was not set", label)

int cudnn_tensor(const void *pointer, const char *what, Tensor **tensor) {
    LOOKUP(cudnn_tensor, Tensor, KIND_TENSOR, what);
    *tensor = found;
    return CUDNN_SUCCESS;
}

int cudnn_filter(const void *pointer, const char *what, Filter **filter) {
    LOOKUP(cudnn_filter, Filter, KIND_FILTER, what);
    *filter = found;
    return CUDNN_SUCCESS;
}

int cudnn_convolution(const void *pointer, Convolution **convolution) {
    LOOKUP(cudnn_convolution, Convolution, KIND_CONVOLUTION, "convolution");
    *convolution = found;
    return CUDNN_SUCCESS;
}

int cudnn_activation(const void *pointer, Activation **activation) {
    LOOKUP(cudnn_activation, Activation, KIND_ACTIVATION, "activation");
    *activation = found;
    return CUDNN_SUCCESS;
}

static int check_type(int type) {
    bool known = type == DATA_FLOAT || type == DATA_HALF || type == DATA_BFLOAT16;
    return known ? CUDNN_SUCCESS : standin_refuse(CUDNN_NOT_SUPPORTED, "data type %d: the stand-in has 0, 2 and 9", type);
}

static int check_format(int format) {
    bool known = format == FORMAT_NCHW || format == FORMAT_NHWC;
    return known ? CUDNN_SUCCESS : standin_refuse(CUDNN_NOT_SUPPORTED, "tensor format %d: the stand-in has 0 and 1", format);
}

// ---- Tensors

/** From the first element to the last one, both counted. */
static int check_reach(double elements) {
    bool fits = elements <= INT32_MAX;
    return fits ? CUDNN_SUCCESS : standin_refuse(CUDNN_NOT_SUPPORTED, "tensor of %.0f elements, 2^31 - 1 at most", elements);
}

static int set_tensor(void *pointer, int type, int count, const int *size, const int *stride) {
    Tensor *tensor = object_get(pointer, KIND_TENSOR);
    if (tensor == NULL) return standin_refuse(CUDNN_BAD_PARAM, "no such tensor descriptor: %p", pointer);
    TRY(check_type(type));
    if (count < 3 || count > MAX_DIMENSIONS || size == NULL || stride == NULL) {
        return standin_refuse(CUDNN_BAD_PARAM, "tensor of %d dimensions: 3 to %d expected", count, MAX_DIMENSIONS);
    }
    double reach = 1;
    for (int i = 0; i < count; i++) {
        if (size[i] < 1 || stride[i] < 1) return standin_refuse(CUDNN_BAD_PARAM, "tensor dimension %d: size %d, stride %d", i, size[i], stride[i]);
        reach += (double) (size[i] - 1) * stride[i];
    }
    TRY(check_reach(reach));
    tensor->set = true;
    tensor->type = type;
    tensor->count = count;
    memcpy(tensor->size, size, (size_t) count * sizeof(int));
    memcpy(tensor->stride, stride, (size_t) count * sizeof(int));
    return CUDNN_SUCCESS;
}

static int set_packed(void *pointer, int format, int type, int count, const int *size) {
    TRY(check_format(format));
    int stride[MAX_DIMENSIONS];
    if (size == NULL || count < 3 || count > MAX_DIMENSIONS) return CUDNN_BAD_PARAM;
    double elements = 1;
    for (int i = 0; i < count; i++) {
        if (size[i] < 1) return standin_refuse(CUDNN_BAD_PARAM, "tensor dimension %d: size %d", i, size[i]);
        elements *= size[i];
    }
    TRY(check_reach(elements)); // strides would overflow
    if (format == FORMAT_NHWC) {
        stride[1] = 1;
        int next = size[1];
        for (int i = count - 1; i >= 2; i--) {
            stride[i] = next;
            next *= size[i];
        }
        stride[0] = next;
    } else {
        stride[count - 1] = 1;
        for (int i = count - 2; i >= 0; i--) stride[i] = stride[i + 1] * size[i + 1];
    }
    return set_tensor(pointer, type, count, size, stride);
}

int cudnnSetTensor4dDescriptor(void *pointer, int format, int type, int n, int c, int h, int w) {
    API("cudnnSetTensor4dDescriptor");
    return set_packed(pointer, format, type, 4, (int[]) {n, c, h, w});
}

int cudnnSetTensor4dDescriptorEx(void *pointer, int type, int n, int c, int h, int w, int nStride, int cStride, int hStride, int wStride) {
    API("cudnnSetTensor4dDescriptorEx");
    return set_tensor(pointer, type, 4, (int[]) {n, c, h, w}, (int[]) {nStride, cStride, hStride, wStride});
}

int cudnnSetTensorNdDescriptor(void *pointer, int type, int count, const int *size, const int *stride) {
    API("cudnnSetTensorNdDescriptor");
    return set_tensor(pointer, type, count, size, stride);
}

int cudnnSetTensorNdDescriptorEx(void *pointer, int format, int type, int count, const int *size) {
    API("cudnnSetTensorNdDescriptorEx");
    return set_packed(pointer, format, type, count, size);
}

int cudnnGetTensor4dDescriptor(const void *pointer, int *type, int *n, int *c, int *h, int *w, int *nStride, int *cStride, int *hStride,
                               int *wStride) {
    API("cudnnGetTensor4dDescriptor");
    Tensor *tensor;
    TRY(cudnn_tensor(pointer, "cudnnGetTensor4dDescriptor", &tensor));
    if (tensor->count != 4) return CUDNN_BAD_PARAM;
    *type = tensor->type;
    *n = tensor->size[0];
    *c = tensor->size[1];
    *h = tensor->size[2];
    *w = tensor->size[3];
    *nStride = tensor->stride[0];
    *cStride = tensor->stride[1];
    *hStride = tensor->stride[2];
    *wStride = tensor->stride[3];
    return CUDNN_SUCCESS;
}

int cudnnGetTensorSizeInBytes(const void *pointer, size_t *bytes) {
    API("cudnnGetTensorSizeInBytes");
    Tensor *tensor;
    TRY(cudnn_tensor(pointer, "cudnnGetTensorSizeInBytes", &tensor));
    *bytes = cudnn_tensor_bytes(tensor);
    return CUDNN_SUCCESS;
}

// ---- Filters

static int set_filter(void *pointer, int type, int format, int count, const int *size) {
    Filter *filter = object_get(pointer, KIND_FILTER);
    if (filter == NULL) return standin_refuse(CUDNN_BAD_PARAM, "no such filter descriptor: %p", pointer);
    TRY(check_type(type));
    TRY(check_format(format));
    if (count < 3 || count > MAX_DIMENSIONS || size == NULL) return CUDNN_BAD_PARAM;
    for (int i = 0; i < count; i++) {
        if (size[i] < 1) return standin_refuse(CUDNN_BAD_PARAM, "filter dimension %d: size %d", i, size[i]);
    }
    filter->set = true;
    filter->type = type;
    filter->format = format;
    filter->count = count;
    memcpy(filter->size, size, (size_t) count * sizeof(int));
    return CUDNN_SUCCESS;
}

int cudnnSetFilter4dDescriptor(void *pointer, int type, int format, int k, int c, int h, int w) {
    API("cudnnSetFilter4dDescriptor");
    return set_filter(pointer, type, format, 4, (int[]) {k, c, h, w});
}

int cudnnSetFilterNdDescriptor(void *pointer, int type, int format, int count, const int *size) {
    API("cudnnSetFilterNdDescriptor");
    return set_filter(pointer, type, format, count, size);
}

int cudnnGetFilter4dDescriptor(const void *pointer, int *type, int *format, int *k, int *c, int *h, int *w) {
    API("cudnnGetFilter4dDescriptor");
    Filter *filter;
    TRY(cudnn_filter(pointer, "cudnnGetFilter4dDescriptor", &filter));
    *type = filter->type;
    *format = filter->format;
    *k = filter->size[0];
    *c = filter->size[1];
    *h = filter->size[2];
    *w = filter->size[3];
    return CUDNN_SUCCESS;
}

int cudnnGetFilterSizeInBytes(const void *pointer, size_t *bytes) {
    API("cudnnGetFilterSizeInBytes");
    Filter *filter;
    TRY(cudnn_filter(pointer, "cudnnGetFilterSizeInBytes", &filter));
    *bytes = element_bytes(cudnn_element(filter->type));
    for (int i = 0; i < filter->count; i++) *bytes *= (size_t) filter->size[i];
    return CUDNN_SUCCESS;
}

// ---- Convolutions and activations

int cudnnSetConvolution2dDescriptor(void *pointer, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode,
                                    int computeType) {
    API("cudnnSetConvolution2dDescriptor");
    Convolution *c = object_get(pointer, KIND_CONVOLUTION);
    if (c == NULL) return standin_refuse(CUDNN_BAD_PARAM, "no such convolution descriptor: %p", pointer);
    bool fits = padH >= 0 && padW >= 0 && strideH >= 1 && strideW >= 1 && dilationH >= 1 && dilationW >= 1 && (mode == 0 || mode == 1);
    if (!fits) return standin_refuse(CUDNN_BAD_PARAM, "cudnnSetConvolution2dDescriptor: pad, stride, dilation or mode");
    TRY(check_type(computeType));
    c->set = true;
    c->pad[0] = padH;
    c->pad[1] = padW;
    c->stride[0] = strideH;
    c->stride[1] = strideW;
    c->dilation[0] = dilationH;
    c->dilation[1] = dilationW;
    c->mode = mode;
    c->computeType = computeType;
    c->mathType = 0;
    c->groups = 1;
    return CUDNN_SUCCESS;
}

int cudnnSetConvolutionNdDescriptor(void *pointer, int count, const int *pad, const int *stride, const int *dilation, int mode,
                                    int computeType) {
    if (count != 2) return CUDNN_NOT_SUPPORTED;
    return cudnnSetConvolution2dDescriptor(pointer, pad[0], pad[1], stride[0], stride[1], dilation[0], dilation[1], mode, computeType);
}

int cudnnSetConvolutionMathType(void *pointer, int type) {
    API("cudnnSetConvolutionMathType");
    Convolution *convolution;
    TRY(cudnn_convolution(pointer, &convolution));
    if (type < 0 || type > 3) return CUDNN_BAD_PARAM;
    convolution->mathType = type;
    return CUDNN_SUCCESS;
}

int cudnnGetConvolutionMathType(const void *pointer, int *type) {
    API("cudnnGetConvolutionMathType");
    Convolution *convolution;
    TRY(cudnn_convolution(pointer, &convolution));
    *type = convolution->mathType;
    return CUDNN_SUCCESS;
}

int cudnnSetConvolutionGroupCount(void *pointer, int groups) {
    API("cudnnSetConvolutionGroupCount");
    Convolution *convolution;
    TRY(cudnn_convolution(pointer, &convolution));
    if (groups < 1) return CUDNN_BAD_PARAM;
    convolution->groups = groups;
    return CUDNN_SUCCESS;
}

int cudnnGetConvolutionGroupCount(const void *pointer, int *groups) {
    API("cudnnGetConvolutionGroupCount");
    Convolution *convolution;
    TRY(cudnn_convolution(pointer, &convolution));
    *groups = convolution->groups;
    return CUDNN_SUCCESS;
}

int cudnnSetConvolutionReorderType(void *pointer, int type) {
    API("cudnnSetConvolutionReorderType");
    Convolution *convolution;
    TRY(cudnn_convolution(pointer, &convolution));
    if (type < 0 || type > 1) return CUDNN_BAD_PARAM;
    convolution->reorder = type;
    return CUDNN_SUCCESS;
}

int cudnn_out_size(const Convolution *convolution, const Tensor *x, const Filter *w, int size[4]) {
    if (x->count != 4 || w->count != 4) return standin_refuse(CUDNN_BAD_PARAM, "a convolution needs 4 dimensions");
    if (x->size[1] != w->size[1] * convolution->groups || w->size[0] % convolution->groups != 0) {
        return standin_refuse(CUDNN_BAD_PARAM, "x has %d channels, the filter takes %d in each of %d groups and gives %d", x->size[1],
                              w->size[1], convolution->groups, w->size[0]);
    }
    size[0] = x->size[0];
    size[1] = w->size[0];
    for (int i = 0; i < 2; i++) {
        int reach = (w->size[2 + i] - 1) * convolution->dilation[i] + 1;
        int room = x->size[2 + i] + 2 * convolution->pad[i] - reach;
        if (room < 0) return standin_refuse(CUDNN_BAD_PARAM, "the filter is larger than the padded input");
        size[2 + i] = 1 + room / convolution->stride[i];
    }
    return CUDNN_SUCCESS;
}

int cudnnGetConvolution2dForwardOutputDim(const void *convolutionPointer, const void *xPointer, const void *wPointer, int *n, int *c, int *h,
                                          int *w) {
    API("cudnnGetConvolution2dForwardOutputDim");
    Convolution *convolution;
    Tensor *x;
    Filter *filter;
    int size[4];
    TRY(cudnn_convolution(convolutionPointer, &convolution));
    TRY(cudnn_tensor(xPointer, "x", &x));
    TRY(cudnn_filter(wPointer, "w", &filter));
    TRY(cudnn_out_size(convolution, x, filter, size));
    *n = size[0];
    *c = size[1];
    *h = size[2];
    *w = size[3];
    return CUDNN_SUCCESS;
}

int cudnnSetActivationDescriptor(void *pointer, int mode, int nan, double coefficient) {
    API("cudnnSetActivationDescriptor");
    Activation *activation = object_get(pointer, KIND_ACTIVATION);
    if (activation == NULL || mode < 0 || mode > 6 || nan < 0 || nan > 1) return CUDNN_BAD_PARAM;
    activation->set = true;
    activation->mode = mode;
    activation->nan = nan;
    activation->coefficient = coefficient;
    return CUDNN_SUCCESS;
}
