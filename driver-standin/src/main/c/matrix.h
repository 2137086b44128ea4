// Arithmetic of the cuBLAS and cuDNN stand-ins: elements in F32, F16 or BF16, products and sums in F32.
#ifndef STANDIN_MATRIX_H
#define STANDIN_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { ELEMENT_F32, ELEMENT_F16, ELEMENT_BF16 } Element;

size_t element_bytes(Element type);
float element_load(Element type, const void *base, size_t index);
/** Rounds once, to nearest even. */
void element_store(Element type, void *base, size_t index, float value);

// The left operand of a product comes in panels of so many rows, the right one in groups of so many columns, the rest zero.
#define PANEL 8
#define COLUMNS 4

static inline size_t padded(size_t count, size_t unit) {
    return (count + unit - 1) / unit * unit;
}

/** Where element (row, column) of a left operand with k columns lies. */
static inline size_t panel_index(size_t row, size_t column, size_t k) {
    return row / PANEL * PANEL * k + column * PANEL + row % PANEL;
}

/**
 * c[m,n] += a[m,k] b[k,n], with a in panels, b and c column-major with padded numbers of columns and, for c, of rows.
 * Sums go in blocks of 128, so that a long one loses little.
 */
void product_accumulate(size_t m, size_t n, size_t k, const float *a, const float *b, float *c);

float *zeroed(size_t count);

/** Calls for 0 to count - 1, on so many threads. */
void parallel(size_t count, int threads, void (*each)(size_t index, void *argument), void *argument);

#endif
