// cuDNN: what convolutions and their gradients compute, each as a matrix product over the taps of the kernel.
#include "cudnn_internal.h"
#include <stdlib.h>

#define CHUNK 64

static size_t filter_index(const Filter *f, int k, int c, int r, int s) {
    size_t channels = (size_t) f->size[1], height = (size_t) f->size[2], width = (size_t) f->size[3];
    if (f->format == FORMAT_NHWC) return (((size_t) k * height + (size_t) r) * width + (size_t) s) * channels + (size_t) c;
    return (((size_t) k * channels + (size_t) c) * height + (size_t) r) * width + (size_t) s;
}

/** Where in the kernel's window a tap lies: convolution turns the kernel round, cross-correlation does not. */
static int tap(const Call2d *call, int axis, int index) {
    return call->convolution.mode == 0 ? call->w.size[2 + axis] - 1 - index : index;
}

/** The element of x under output (oh, ow) and tap (r, s), or 0 in the padding. */
static float input_under(const Call2d *call, int n, int c, int oh, int ow, int r, int s) {
    const Convolution *v = &call->convolution;
    int h = oh * v->stride[0] - v->pad[0] + tap(call, 0, r) * v->dilation[0];
    int w = ow * v->stride[1] - v->pad[1] + tap(call, 1, s) * v->dilation[1];
    if (h < 0 || w < 0 || h >= call->x.size[2] || w >= call->x.size[3]) return 0;
    return cudnn_load(&call->x, call->xAt, (int[]) {n, c, h, w});
}

/** The element of y that input (h, w) reaches by tap (r, s), or 0 if there is none. */
static float output_over(const Call2d *call, int n, int k, int h, int w, int r, int s) {
    const Convolution *v = &call->convolution;
    int oh = h + v->pad[0] - tap(call, 0, r) * v->dilation[0];
    int ow = w + v->pad[1] - tap(call, 1, s) * v->dilation[1];
    if (oh < 0 || ow < 0 || oh % v->stride[0] != 0 || ow % v->stride[1] != 0) return 0;
    oh /= v->stride[0];
    ow /= v->stride[1];
    if (oh >= call->y.size[2] || ow >= call->y.size[3]) return 0;
    return cudnn_load(&call->y, call->yAt, (int[]) {n, k, oh, ow});
}

/** A share of a pass: some columns of one group's matrix product. */
typedef struct {
    const Call2d *call;
    int group;
    const float *weights; // in panels
    size_t rows, depth, columns;
} Share;

static void finish_forward(const Call2d *call, int n, int k, int h, int w, float sum) {
    void *y = memory_host(call->yAt);
    Element type = cudnn_element(call->y.type);
    size_t at = cudnn_index(&call->y, n, k, h, w);
    float value = call->alpha * sum;
    if (call->fused) {
        if (call->beta != 0) value += call->beta * cudnn_load(&call->z, call->zAt, (int[]) {n, k, h, w});
        value += cudnn_load(&call->bias, call->biasAt, (int[]) {0, k, 0, 0});
        // A NaN stays one.
        if (call->relu && value < 0) value = 0;
    } else if (call->beta != 0) {
        value += call->beta * element_load(type, y, at);
    }
    element_store(type, y, at, value);
}

static void forward_columns(size_t index, void *argument) {
    const Share *share = argument;
    const Call2d *call = share->call;
    int width = call->y.size[3], height = call->y.size[2];
    int channels = call->w.size[1], taps = call->w.size[2] * call->w.size[3];
    size_t first = index * CHUNK, count = share->columns - first < CHUNK ? share->columns - first : CHUNK;
    size_t rows = padded(share->rows, PANEL);
    float *b = zeroed(share->depth * CHUNK), *c = zeroed(rows * CHUNK);
    for (size_t j = 0; j < count; j++) {
        int pixel = (int) (first + j), n = pixel / (height * width), oh = pixel / width % height, ow = pixel % width;
        for (int t = 0; t < taps; t++) {
            for (int i = 0; i < channels; i++) {
                b[j * share->depth + (size_t) (t * channels + i)] =
                    input_under(call, n, share->group * channels + i, oh, ow, t / call->w.size[3], t % call->w.size[3]);
            }
        }
    }
    product_accumulate(share->rows, count, share->depth, share->weights, b, c);
    for (size_t j = 0; j < count; j++) {
        int pixel = (int) (first + j), n = pixel / (height * width), oh = pixel / width % height, ow = pixel % width;
        for (size_t i = 0; i < share->rows; i++) {
            finish_forward(call, n, share->group * (int) share->rows + (int) i, oh, ow, c[j * rows + i]);
        }
    }
    free(b);
    free(c);
}

static void blend(const Call2d *call, Element type, CUdeviceptr base, size_t at, float sum) {
    float value = call->alpha * sum;
    if (call->beta != 0) value += call->beta * element_load(type, memory_host(base), at);
    element_store(type, memory_host(base), at, value);
}

static void data_columns(size_t index, void *argument) {
    const Share *share = argument;
    const Call2d *call = share->call;
    int width = call->x.size[3], height = call->x.size[2];
    int outputs = call->w.size[0] / call->convolution.groups, taps = call->w.size[2] * call->w.size[3];
    size_t first = index * CHUNK, count = share->columns - first < CHUNK ? share->columns - first : CHUNK;
    size_t rows = padded(share->rows, PANEL);
    float *b = zeroed(share->depth * CHUNK), *c = zeroed(rows * CHUNK);
    for (size_t j = 0; j < count; j++) {
        int pixel = (int) (first + j), n = pixel / (height * width), h = pixel / width % height, w = pixel % width;
        for (int t = 0; t < taps; t++) {
            for (int k = 0; k < outputs; k++) {
                b[j * share->depth + (size_t) (t * outputs + k)] =
                    output_over(call, n, share->group * outputs + k, h, w, t / call->w.size[3], t % call->w.size[3]);
            }
        }
    }
    product_accumulate(share->rows, count, share->depth, share->weights, b, c);
    for (size_t j = 0; j < count; j++) {
        int pixel = (int) (first + j), n = pixel / (height * width), h = pixel / width % height, w = pixel % width;
        for (size_t i = 0; i < share->rows; i++) {
            size_t at = cudnn_index(&call->x, n, share->group * (int) share->rows + (int) i, h, w);
            blend(call, cudnn_element(call->x.type), call->xAt, at, c[j * rows + i]);
        }
    }
    free(b);
    free(c);
}

/** Columns are taps and input channels, the sum goes over all output pixels. */
static void filter_columns(size_t index, void *argument) {
    const Share *share = argument;
    const Call2d *call = share->call;
    int width = call->y.size[3], height = call->y.size[2], channels = call->w.size[1];
    size_t first = index * COLUMNS, count = share->columns - first < COLUMNS ? share->columns - first : COLUMNS;
    size_t rows = padded(share->rows, PANEL);
    float *b = zeroed(share->depth * COLUMNS), *c = zeroed(rows * COLUMNS);
    for (size_t j = 0; j < count; j++) {
        int column = (int) (first + j), t = column / channels, i = column % channels;
        for (size_t p = 0; p < share->depth; p++) {
            int pixel = (int) p, n = pixel / (height * width), oh = pixel / width % height, ow = pixel % width;
            b[j * share->depth + p] =
                input_under(call, n, share->group * channels + i, oh, ow, t / call->w.size[3], t % call->w.size[3]);
        }
    }
    product_accumulate(share->rows, count, share->depth, share->weights, b, c);
    for (size_t j = 0; j < count; j++) {
        int column = (int) (first + j), t = column / channels, i = column % channels;
        for (size_t k = 0; k < share->rows; k++) {
            size_t at = filter_index(&call->w, share->group * (int) share->rows + (int) k, i, t / call->w.size[3], t % call->w.size[3]);
            blend(call, cudnn_element(call->w.type), call->wAt, at, c[j * rows + k]);
        }
    }
    free(b);
    free(c);
}

static float weight(const Call2d *call, int k, int c, int t) {
    size_t at = filter_index(&call->w, k, c, t / call->w.size[3], t % call->w.size[3]);
    return element_load(cudnn_element(call->w.type), memory_host(call->wAt), at);
}

static void compute_forward(const Call2d *call, int group) {
    int outputs = call->w.size[0] / call->convolution.groups, channels = call->w.size[1], taps = call->w.size[2] * call->w.size[3];
    size_t depth = (size_t) (taps * channels);
    float *a = zeroed(padded((size_t) outputs, PANEL) * depth);
    for (int k = 0; k < outputs; k++) {
        for (size_t p = 0; p < depth; p++) {
            a[panel_index((size_t) k, p, depth)] = weight(call, group * outputs + k, (int) p % channels, (int) p / channels);
        }
    }
    Share share = {call, group, a, (size_t) outputs, depth, (size_t) call->y.size[0] * (size_t) call->y.size[2] * (size_t) call->y.size[3]};
    parallel((share.columns + CHUNK - 1) / CHUNK, standin_settings.threads, forward_columns, &share);
    free(a);
}

static void compute_data(const Call2d *call, int group) {
    int outputs = call->w.size[0] / call->convolution.groups, channels = call->w.size[1], taps = call->w.size[2] * call->w.size[3];
    size_t depth = (size_t) (taps * outputs);
    float *a = zeroed(padded((size_t) channels, PANEL) * depth);
    for (int c = 0; c < channels; c++) {
        for (size_t p = 0; p < depth; p++) {
            a[panel_index((size_t) c, p, depth)] = weight(call, group * outputs + (int) p % outputs, c, (int) p / outputs);
        }
    }
    Share share = {call, group, a, (size_t) channels, depth, (size_t) call->x.size[0] * (size_t) call->x.size[2] * (size_t) call->x.size[3]};
    parallel((share.columns + CHUNK - 1) / CHUNK, standin_settings.threads, data_columns, &share);
    free(a);
}

static void compute_filter(const Call2d *call, int group) {
    int outputs = call->w.size[0] / call->convolution.groups, width = call->y.size[3], height = call->y.size[2];
    size_t depth = (size_t) call->y.size[0] * (size_t) height * (size_t) width;
    float *a = zeroed(padded((size_t) outputs, PANEL) * depth);
    for (size_t p = 0; p < depth; p++) {
        int pixel = (int) p, n = pixel / (height * width), oh = pixel / width % height, ow = pixel % width;
        for (int k = 0; k < outputs; k++) {
            a[panel_index((size_t) k, p, depth)] = cudnn_load(&call->y, call->yAt, (int[]) {n, group * outputs + k, oh, ow});
        }
    }
    Share share = {call, group, a, (size_t) outputs, depth, (size_t) (call->w.size[1] * call->w.size[2] * call->w.size[3])};
    parallel((share.columns + COLUMNS - 1) / COLUMNS, standin_settings.threads, filter_columns, &share);
    free(a);
}

void cudnn_compute(const Call2d *call) {
    for (int group = 0; group < call->convolution.groups; group++) {
        switch (call->pass) {
            case FORWARD: compute_forward(call, group); break;
            case BACKWARD_DATA: compute_data(call, group); break;
            case BACKWARD_FILTER: compute_filter(call, group); break;
        }
    }
}
