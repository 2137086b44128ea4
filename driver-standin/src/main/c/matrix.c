// Elements and products; see matrix.h.
#include "matrix.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 128
#define MAX_THREADS 16

size_t element_bytes(Element type) {
    return type == ELEMENT_F32 ? 4 : 2;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t) (half & 0x8000) << 16;
    uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) return float_of(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    // The exponent moves by 112 in a multiplication, which makes subnormal numbers normal too.
    return float_of(sign | bits_of(float_of(rest << 13) * 0x1p112f));
}

static uint16_t half_of(float value) {
    uint32_t bits = bits_of(value);
    uint16_t sign = (uint16_t) (bits >> 16 & 0x8000);
    uint32_t rest = bits & 0x7fffffff;
    if (rest > 0x7f800000) return sign | 0x7fff;
    if (rest >= 0x477ff000) return sign | 0x7c00; // rounds to 65536 or more
    if (rest < 0x38800000) {
        // Subnormal: adding a number whose last bit has the weight of the result's last bit rounds it.
        return sign | (uint16_t) (bits_of(float_of(rest) + 0.5f) - bits_of(0.5f));
    }
    uint32_t odd = rest >> 13 & 1;
    return sign | (uint16_t) ((rest - (112u << 23) + 0xfff + odd) >> 13);
}

static uint16_t brain_of(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;
    return (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float element_load(Element type, const void *base, size_t index) {
    if (type == ELEMENT_F32) return ((const float *) base)[index];
    uint16_t bits = ((const uint16_t *) base)[index];
    return type == ELEMENT_F16 ? half_to_float(bits) : float_of((uint32_t) bits << 16);
}

void element_store(Element type, void *base, size_t index, float value) {
    if (type == ELEMENT_F32) {
        ((float *) base)[index] = value;
    } else {
        ((uint16_t *) base)[index] = type == ELEMENT_F16 ? half_of(value) : brain_of(value);
    }
}

typedef float Vector __attribute__((vector_size(4 * sizeof(float)), aligned(4)));

/** Eight rows by four columns, which is what the registers of plain x86-64 hold. */
static void tile(size_t k, const float *a, const float *b, size_t bColumn, float *c, size_t cColumn) {
    Vector sum[COLUMNS][2] = {0};
    for (size_t p = 0; p < k; p++) {
        const Vector *row = (const Vector *) (a + p * PANEL);
        Vector low = row[0], high = row[1];
        for (int j = 0; j < COLUMNS; j++) {
            float factor = b[(size_t) j * bColumn + p];
            sum[j][0] += low * factor;
            sum[j][1] += high * factor;
        }
    }
    for (int j = 0; j < COLUMNS; j++) {
        Vector *column = (Vector *) (c + (size_t) j * cColumn);
        column[0] += sum[j][0];
        column[1] += sum[j][1];
    }
}

void product_accumulate(size_t m, size_t n, size_t k, const float *a, const float *b, float *c) {
    size_t rows = padded(m, PANEL);
    for (size_t p = 0; p < k; p += BLOCK) {
        size_t depth = k - p < BLOCK ? k - p : BLOCK;
        for (size_t j = 0; j < n; j += COLUMNS) {
            for (size_t i = 0; i < m; i += PANEL) tile(depth, a + i * k + p * PANEL, b + j * k + p, k, c + j * rows + i, rows);
        }
    }
}

float *zeroed(size_t count) {
    return calloc(count + 1, sizeof(float));
}

typedef struct {
    size_t count;
    size_t next;
    void (*each)(size_t, void *);
    void *argument;
} Share;

static void *work(void *pointer) {
    Share *share = pointer;
    for (size_t i; (i = __atomic_fetch_add(&share->next, 1, __ATOMIC_RELAXED)) < share->count;) share->each(i, share->argument);
    return NULL;
}

void parallel(size_t count, int threads, void (*each)(size_t, void *), void *argument) {
    Share share = {count, 0, each, argument};
    pthread_t others[MAX_THREADS];
    int started = 0;
    int wanted = threads < MAX_THREADS ? threads : MAX_THREADS;
    while (started + 1 < wanted && (size_t) started + 1 < count && pthread_create(&others[started], NULL, work, &share) == 0) started++;
    work(&share);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
}
