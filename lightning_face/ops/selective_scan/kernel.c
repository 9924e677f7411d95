/* Directional selective scan on CPUs, forward and backward, for float32 arrays.
 *
 * The file is compiled once for each instruction set, with VARIANT naming the copy; the baseline
 * copy (DISPATCH defined) also tells which one the running processor can execute.
 *
 * LANES neighbouring channels advance together, one in each lane of a vector, so that the scan
 * itself needs no sum across lanes. Tokens are taken in chunks: the inputs of a chunk are gathered
 * in visiting order into small buffers, which hides strides and directions from the arithmetic, and
 * the states of a few n at a time run over the chunk in registers. CHUNK is given on the command
 * line, since it decides how many states the caller makes room for.
 *
 * Do not compile with -ffast-math or -fassociative-math: they cancel the rounding in exp2_lanes.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

#define TOGETHER 4
#define MAX_THREADS 256

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define INLINE static inline __attribute__((always_inline))

typedef float lanes_t __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits_t __attribute__((vector_size(4 * LANES)));
typedef float loose_lanes_t __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* Mirrored by the ctypes structure in c.py. Strides count floats. A is (dirs, channels, states);
 * B and C are (batch, length, dirs, groups, states); D and bias are (dirs, channels) or null. */
typedef struct {
    const float *u, *delta, *A, *B, *C, *D, *bias;
    float *y;        /* like u */
    float *last;     /* (batch, dirs, channels, states) */
    float *saved;    /* (batch, dirs, chunks, states, channels), null when not wanted */
    const float *grad_y;
    float *grad_u;     /* like u */
    float *grad_delta; /* like delta */
    float *grad_A;     /* (batch, dirs, channels, states) */
    float *grad_B;     /* (slots, batch, length, dirs, groups, states) */
    float *grad_C;
    float *grad_D;    /* (batch, dirs, channels) */
    float *grad_bias; /* (batch, dirs, channels) */
    int64_t batch, length, channels, dirs, groups, states, height, width, slots, softplus;
    int64_t u_batch, u_token, u_channel;
    int64_t delta_batch, delta_token, delta_dir, delta_channel;
    int64_t y_batch, y_token, y_channel;
    int64_t grad_y_batch, grad_y_token, grad_y_channel;
    int64_t grad_u_batch, grad_u_token, grad_u_channel;
    int64_t grad_delta_batch, grad_delta_token, grad_delta_dir, grad_delta_channel;
    const int64_t *orders;
} scan_t;

INLINE lanes_t all_lanes(float x) {
    lanes_t v = {0};
    return v + x;
}

INLINE lanes_t select_lanes(bits_t mask, lanes_t yes, lanes_t no) {
    return (lanes_t)((mask & (bits_t)yes) | (~mask & (bits_t)no));
}

INLINE float sum_lanes(lanes_t v) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)v);
#else
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += v[i];
    return sum;
#endif
}

/* 2^x to 1e-7 of its value: nearest integer by adding and subtracting 1.5 * 2^23 (or one
 * instruction), then a polynomial on [-1/2, 1/2] fitted to the least relative error. */
INLINE lanes_t exp2_lanes(lanes_t x) {
#if defined(__AVX512F__)
    lanes_t whole = (lanes_t)_mm512_roundscale_ps((__m512)x, 8);
#else
#if defined(__AVX2__)
    x = (lanes_t)_mm256_max_ps(_mm256_set1_ps(-126.0f), (__m256)x);
    x = (lanes_t)_mm256_min_ps(_mm256_set1_ps(128.0f), (__m256)x);
#elif defined(__SSE2__)
    x = (lanes_t)_mm_max_ps(_mm_set1_ps(-126.0f), (__m128)x);
    x = (lanes_t)_mm_min_ps(_mm_set1_ps(128.0f), (__m128)x);
#elif defined(__ARM_NEON)
    x = (lanes_t)vmaxq_f32((float32x4_t)x, vdupq_n_f32(-126.0f));
    x = (lanes_t)vminq_f32((float32x4_t)x, vdupq_n_f32(128.0f));
#else
    x = select_lanes((bits_t)(x < -126.0f), all_lanes(-126.0f), x);
    x = select_lanes((bits_t)(x > 128.0f), all_lanes(128.0f), x);
#endif
    lanes_t shifted = x + 12582912.0f;
    lanes_t whole = shifted - 12582912.0f;
#endif
    lanes_t f = x - whole;
    lanes_t p = all_lanes(0x1.41fbbcp-13f);
    p = p * f + 0x1.5f3e54p-10f;
    p = p * f + 0x1.3b2d4cp-7f;
    p = p * f + 0x1.c6aee8p-5f;
    p = p * f + 0x1.ebfbdcp-3f;
    p = p * f + 0x1.62e430p-1f;
    p = p * f + 1.0f;
#if defined(__AVX512F__)
    return (lanes_t)_mm512_scalef_ps((__m512)p, (__m512)whole);
#else
    return p * (lanes_t)(((bits_t)shifted << 23) + (127u << 23));
#endif
}

#define LOG2E 1.44269504088896341f
#define LN2 0.693147180559945309f

/* softplus, the identity above 20, and its slope; log(1 + t) = 2 artanh(t / (2 + t)). */
INLINE lanes_t softplus_lanes(lanes_t x, lanes_t *slope) {
    bits_t positive = (bits_t)(x > 0.0f);
    bits_t identity = (bits_t)(x > 20.0f);
    lanes_t t = exp2_lanes((lanes_t)((bits_t)x | 0x80000000u) * LOG2E);
    lanes_t s = t / (t + 2.0f);
    lanes_t q = s * s;
    lanes_t p = q * (1.0f / 13) + (1.0f / 11);
    p = p * q + (1.0f / 9);
    p = p * q + (1.0f / 7);
    p = p * q + (1.0f / 5);
    p = p * q + (1.0f / 3);
    p = p * q + 1.0f;
    lanes_t inverse = 1.0f / (t + 1.0f);
    *slope = select_lanes(identity, all_lanes(1.0f), select_lanes(positive, inverse, t * inverse));
    /* A comparison with not-a-number is false, which keeps it in the sum. */
    lanes_t above = select_lanes((bits_t)(x < 0.0f), all_lanes(0.0f), x);
    return select_lanes(identity, x, above + 2.0f * s * p);
}

/* One chunk of one direction for LANES channels. */
typedef struct {
    lanes_t u[CHUNK], delta[CHUNK], drive[CHUNK], slope[CHUNK], out[CHUNK], grad[CHUNK];
    int64_t token[CHUNK];
    const float *B[CHUNK], *C[CHUNK];
    int64_t size;
    int in_row; /* whether the tokens follow each other in memory */
} chunk_t;

static void visit(const scan_t *s, int64_t order, int64_t start, chunk_t *chunk) {
    int64_t left = s->length - start;
    chunk->size = left < CHUNK ? left : CHUNK;
    chunk->in_row = order == 0;
    for (int64_t t = 0; t < chunk->size; t++) {
        int64_t step = order >= 2 ? s->length - 1 - start - t : start + t;
        chunk->token[t] = order % 2 ? (step % s->height) * s->width + step / s->height : step;
    }
}

static void point(const scan_t *s, int64_t b, int64_t k, int64_t group, chunk_t *chunk) {
    for (int64_t t = 0; t < chunk->size; t++) {
        int64_t row = ((b * s->length + chunk->token[t]) * s->dirs + k) * s->groups + group;
        chunk->B[t] = s->B + row * s->states;
        chunk->C[t] = s->C + row * s->states;
    }
}

INLINE lanes_t load_lanes(const float *from, int64_t stride, int64_t count) {
    if (count == LANES && stride == 1) return *(const loose_lanes_t *)from;
    lanes_t v = {0};
    for (int64_t i = 0; i < count; i++) v[i] = from[i * stride];
    return v;
}

INLINE void store_lanes(float *to, int64_t stride, int64_t count, lanes_t v) {
    if (count == LANES && stride == 1) {
        *(loose_lanes_t *)to = v;
        return;
    }
    for (int64_t i = 0; i < count; i++) to[i * stride] = v[i];
}

typedef float four_t __attribute__((vector_size(16)));
typedef float loose_four_t __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t four_index_t __attribute__((vector_size(16)));
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (four_index_t){i, j, k, l})
#endif

/* Four rows of four, to[i][j] = from[j][i], with the rows' distances. */
INLINE void transpose_four(float *to, int64_t to_row, const float *from, int64_t from_row) {
    four_t a = *(const loose_four_t *)from;
    four_t b = *(const loose_four_t *)(from + from_row);
    four_t c = *(const loose_four_t *)(from + 2 * from_row);
    four_t d = *(const loose_four_t *)(from + 3 * from_row);
    four_t ab_low = SHUFFLE(a, b, 0, 4, 1, 5), ab_high = SHUFFLE(a, b, 2, 6, 3, 7);
    four_t cd_low = SHUFFLE(c, d, 0, 4, 1, 5), cd_high = SHUFFLE(c, d, 2, 6, 3, 7);
    *(loose_four_t *)to = SHUFFLE(ab_low, cd_low, 0, 1, 4, 5);
    *(loose_four_t *)(to + to_row) = SHUFFLE(ab_low, cd_low, 2, 3, 6, 7);
    *(loose_four_t *)(to + 2 * to_row) = SHUFFLE(ab_high, cd_high, 0, 1, 4, 5);
    *(loose_four_t *)(to + 3 * to_row) = SHUFFLE(ab_high, cd_high, 2, 3, 6, 7);
}

/* Whether a whole tile of channels that are rows in memory can be moved four by four. */
INLINE int is_tile(const chunk_t *chunk, int64_t token_stride, int64_t count) {
    return count == LANES && token_stride == 1 && chunk->in_row && chunk->size % 4 == 0;
}

static void gather(lanes_t *to, const float *from, const chunk_t *chunk, int64_t token_stride,
                   int64_t channel_stride, int64_t count) {
    if (count == LANES && channel_stride == 1) {
        for (int64_t t = 0; t < chunk->size; t++)
            to[t] = *(const loose_lanes_t *)(from + chunk->token[t] * token_stride);
        return;
    }
    float *lane = (float *)to;
    if (is_tile(chunk, token_stride, count)) {
        from += chunk->token[0];
        for (int64_t i = 0; i < LANES; i += 4)
            for (int64_t t = 0; t < chunk->size; t += 4)
                transpose_four(lane + t * LANES + i, LANES, from + i * channel_stride + t,
                               channel_stride);
        return;
    }
    memset(to, 0, sizeof(lanes_t) * (size_t)chunk->size);
    for (int64_t i = 0; i < count; i++)
        for (int64_t t = 0; t < chunk->size; t++)
            lane[t * LANES + i] = from[i * channel_stride + chunk->token[t] * token_stride];
}

static void scatter(const lanes_t *from, float *to, const chunk_t *chunk, int64_t token_stride,
                    int64_t channel_stride, int64_t count, int add) {
    if (count == LANES && channel_stride == 1) {
        for (int64_t t = 0; t < chunk->size; t++) {
            loose_lanes_t *row = (loose_lanes_t *)(to + chunk->token[t] * token_stride);
            *row = add ? (lanes_t)*row + from[t] : from[t];
        }
        return;
    }
    const float *lane = (const float *)from;
    if (!add && is_tile(chunk, token_stride, count)) {
        to += chunk->token[0];
        for (int64_t i = 0; i < LANES; i += 4)
            for (int64_t t = 0; t < chunk->size; t += 4)
                transpose_four(to + i * channel_stride + t, channel_stride, lane + t * LANES + i,
                               LANES);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t t = 0; t < chunk->size; t++) {
            float *at = to + i * channel_stride + chunk->token[t] * token_stride;
            *at = add ? *at + lane[t * LANES + i] : lane[t * LANES + i];
        }
}

/* Inputs of the chunk: u, step size after bias and softplus, their product, slope of the softplus.
 */
static void gather_inputs(const scan_t *s, int64_t b, int64_t k, int64_t channel, int64_t count,
                          chunk_t *chunk) {
    gather(chunk->u, s->u + b * s->u_batch + channel * s->u_channel, chunk, s->u_token,
           s->u_channel, count);
    gather(chunk->delta,
           s->delta + b * s->delta_batch + k * s->delta_dir + channel * s->delta_channel, chunk,
           s->delta_token, s->delta_channel, count);
    lanes_t bias = {0};
    if (s->bias) bias = load_lanes(s->bias + k * s->channels + channel, 1, count);
    for (int64_t t = 0; t < chunk->size; t++) {
        lanes_t delta = chunk->delta[t] + bias;
        chunk->slope[t] = all_lanes(1.0f);
        if (s->softplus) delta = softplus_lanes(delta, &chunk->slope[t]);
        chunk->delta[t] = delta;
        chunk->drive[t] = delta * chunk->u[t];
    }
}

static void load_A(const scan_t *s, int64_t k, int64_t channel, int64_t count, lanes_t *A) {
    const float *from = s->A + (k * s->channels + channel) * s->states;
    for (int64_t n = 0; n < s->states; n++)
        A[n] = load_lanes(from + n, s->states, count) * LOG2E;
}

/* Advances `many` states over the chunk and adds their part of the output. */
INLINE void advance(chunk_t *chunk, const lanes_t *A, lanes_t *state, int64_t n, const int many) {
    lanes_t h[TOGETHER], a[TOGETHER];
#pragma GCC unroll 8
    for (int j = 0; j < many; j++) {
        h[j] = state[n + j];
        a[j] = A[n + j];
    }
    for (int64_t t = 0; t < chunk->size; t++) {
        const float *B = chunk->B[t] + n, *C = chunk->C[t] + n;
        lanes_t delta = chunk->delta[t], drive = chunk->drive[t], out = chunk->out[t];
#pragma GCC unroll 8
        for (int j = 0; j < many; j++) {
            h[j] = exp2_lanes(delta * a[j]) * h[j] + drive * B[j];
            out += h[j] * C[j];
        }
        chunk->out[t] = out;
    }
#pragma GCC unroll 8
    for (int j = 0; j < many; j++) state[n + j] = h[j];
}


static int64_t blocks_per_group(const scan_t *s) {
    return (s->channels / s->groups + LANES - 1) / LANES;
}

static void forward_item(const scan_t *s, int64_t item, lanes_t *scratch) {
    int64_t blocks = blocks_per_group(s), width = s->channels / s->groups;
    int64_t b = item / (s->groups * blocks), group = item / blocks % s->groups;
    int64_t first = item % blocks * LANES, channel = group * width + first;
    int64_t count = width - first < LANES ? width - first : LANES;
    int64_t chunks = (s->length + CHUNK - 1) / CHUNK;
    lanes_t *A = scratch, *state = scratch + s->states;
    chunk_t chunk;
    for (int64_t k = 0; k < s->dirs; k++) {
        load_A(s, k, channel, count, A);
        lanes_t D = {0};
        if (s->D) D = load_lanes(s->D + k * s->channels + channel, 1, count);
        memset(state, 0, sizeof(lanes_t) * (size_t)s->states);
        for (int64_t i = 0; i < chunks; i++) {
            visit(s, s->orders[k], i * CHUNK, &chunk);
            point(s, b, k, group, &chunk);
            gather_inputs(s, b, k, channel, count, &chunk);
            if (s->saved) {
                float *to = s->saved + ((b * s->dirs + k) * chunks + i) * s->states * s->channels;
                for (int64_t n = 0; n < s->states; n++)
                    store_lanes(to + n * s->channels + channel, 1, count, state[n]);
            }
            for (int64_t t = 0; t < chunk.size; t++) chunk.out[t] = D * chunk.u[t];
            int64_t n = 0;
            for (; n + TOGETHER <= s->states; n += TOGETHER)
                advance(&chunk, A, state, n, TOGETHER);
            for (; n < s->states; n++) advance(&chunk, A, state, n, 1);
            scatter(chunk.out, s->y + b * s->y_batch + channel * s->y_channel, &chunk, s->y_token,
                    s->y_channel, count, k > 0);
        }
        float *to = s->last + ((b * s->dirs + k) * s->channels + channel) * s->states;
        for (int64_t n = 0; n < s->states; n++) store_lanes(to + n, s->states, count, state[n]);
    }
}

/* Goes through the chunk with `many` states, forwards from the saved ones and then back. `arriving`
 * is the gradient that the next token sends to the state; `out` collects what goes to u and
 * `from_decay` what goes to the step size through the decay, both before common factors. */
INLINE void retreat(chunk_t *chunk, const lanes_t *A, const lanes_t *start, lanes_t *arriving,
                    lanes_t *grad_A, lanes_t *sum_B, lanes_t *sum_C, lanes_t *from_decay,
                    int64_t n, const int many) {
    lanes_t decay[CHUNK][TOGETHER], carried[CHUNK][TOGETHER];
    lanes_t a[TOGETHER], x[TOGETHER], g_A[TOGETHER];
#pragma GCC unroll 8
    for (int j = 0; j < many; j++) {
        x[j] = start[n + j];
        a[j] = A[n + j];
    }
    for (int64_t t = 0; t < chunk->size; t++) {
        const float *B = chunk->B[t] + n;
        lanes_t delta = chunk->delta[t], drive = chunk->drive[t];
#pragma GCC unroll 8
        for (int j = 0; j < many; j++) {
            decay[t][j] = exp2_lanes(delta * a[j]);
            carried[t][j] = decay[t][j] * x[j];
            x[j] = carried[t][j] + drive * B[j];
        }
    }
#pragma GCC unroll 8
    for (int j = 0; j < many; j++) {
        x[j] = arriving[n + j];
        g_A[j] = grad_A[n + j];
    }
    for (int64_t t = chunk->size - 1; t >= 0; t--) {
        const float *B = chunk->B[t] + n, *C = chunk->C[t] + n;
        lanes_t delta = chunk->delta[t], drive = chunk->drive[t], grad = chunk->grad[t];
        lanes_t to_u = chunk->out[t], to_delta = from_decay[t];
#pragma GCC unroll 8
        for (int j = 0; j < many; j++) {
            lanes_t adjoint = x[j] + grad * C[j];
            lanes_t exponent = adjoint * carried[t][j];
            sum_C[(n + j) * CHUNK + t] += grad * (carried[t][j] + drive * B[j]);
            sum_B[(n + j) * CHUNK + t] += adjoint * drive;
            to_u += adjoint * B[j];
            to_delta += exponent * a[j];
            g_A[j] += exponent * delta;
            x[j] = adjoint * decay[t][j];
        }
        chunk->out[t] = to_u;
        from_decay[t] = to_delta;
    }
#pragma GCC unroll 8
    for (int j = 0; j < many; j++) {
        arriving[n + j] = x[j];
        grad_A[n + j] = g_A[j];
    }
}

/* Vectors of memory that a thread needs for `blocks` blocks of channels. */
static int64_t backward_scratch(const scan_t *s, int64_t blocks) {
    return s->states * (2 * CHUNK + 1 + 3 * blocks) + 2 * blocks;
}

static int64_t blocks_per_slot(const scan_t *s) {
    return (blocks_per_group(s) + s->slots - 1) / s->slots;
}

/* A slot is a run of channel blocks that adds up its own gradients of B and C. */
static void backward_item(const scan_t *s, int64_t item, lanes_t *scratch) {
    int64_t width = s->channels / s->groups, states = s->states, most = blocks_per_slot(s);
    int64_t b = item / (s->groups * s->slots), group = item / s->slots % s->groups;
    int64_t slot = item % s->slots, first = slot * most, blocks = blocks_per_group(s) - first;
    int64_t chunks = (s->length + CHUNK - 1) / CHUNK;
    if (blocks > most) blocks = most;
    if (blocks < 0) blocks = 0;
    lanes_t *sum_B = scratch, *sum_C = sum_B + states * CHUNK, *start = sum_C + states * CHUNK;
    lanes_t *A = start + states, *arriving = A + most * states, *grad_A = arriving + most * states;
    lanes_t *grad_D = grad_A + most * states, *grad_bias = grad_D + most;
    lanes_t from_decay[CHUNK];
    chunk_t chunk;
    for (int64_t k = 0; k < s->dirs; k++) {
        size_t vectors = (size_t)(most * (2 * states + 2));
        memset(arriving, 0, sizeof(lanes_t) * vectors);
        for (int64_t i = 0; i < blocks; i++) {
            int64_t offset = (first + i) * LANES;
            int64_t count = width - offset < LANES ? width - offset : LANES;
            load_A(s, k, group * width + offset, count, A + i * states);
        }
        for (int64_t c = chunks - 1; c >= 0; c--) {
            visit(s, s->orders[k], c * CHUNK, &chunk);
            point(s, b, k, group, &chunk);
            memset(sum_B, 0, sizeof(lanes_t) * (size_t)(2 * states * CHUNK));
            for (int64_t i = 0; i < blocks; i++) {
                int64_t offset = (first + i) * LANES, channel = group * width + offset;
                int64_t count = width - offset < LANES ? width - offset : LANES;
                gather_inputs(s, b, k, channel, count, &chunk);
                gather(chunk.grad, s->grad_y + b * s->grad_y_batch + channel * s->grad_y_channel,
                       &chunk, s->grad_y_token, s->grad_y_channel, count);
                const float *from =
                    s->saved + ((b * s->dirs + k) * chunks + c) * states * s->channels + channel;
                for (int64_t n = 0; n < states; n++)
                    start[n] = load_lanes(from + n * s->channels, 1, count);
                memset(chunk.out, 0, sizeof chunk.out);
                memset(from_decay, 0, sizeof from_decay);
                lanes_t *A_i = A + i * states, *x_i = arriving + i * states;
                int64_t n = 0;
                for (; n + TOGETHER <= states; n += TOGETHER)
                    retreat(&chunk, A_i, start, x_i, grad_A + i * states, sum_B, sum_C, from_decay,
                            n, TOGETHER);
                for (; n < states; n++)
                    retreat(&chunk, A_i, start, x_i, grad_A + i * states, sum_B, sum_C, from_decay,
                            n, 1);
                lanes_t D = {0};
                if (s->D) D = load_lanes(s->D + k * s->channels + channel, 1, count);
                for (int64_t t = 0; t < chunk.size; t++) {
                    lanes_t to_delta = chunk.u[t] * chunk.out[t] + from_decay[t] * LN2;
                    to_delta *= chunk.slope[t];
                    grad_D[i] += chunk.grad[t] * chunk.u[t];
                    grad_bias[i] += to_delta;
                    chunk.out[t] = chunk.delta[t] * chunk.out[t] + D * chunk.grad[t];
                    chunk.slope[t] = to_delta;
                }
                scatter(chunk.out, s->grad_u + b * s->grad_u_batch + channel * s->grad_u_channel,
                        &chunk, s->grad_u_token, s->grad_u_channel, count, k > 0);
                scatter(chunk.slope,
                        s->grad_delta + b * s->grad_delta_batch + k * s->grad_delta_dir +
                            channel * s->grad_delta_channel,
                        &chunk, s->grad_delta_token, s->grad_delta_channel, count, 0);
            }
            for (int64_t t = 0; t < chunk.size; t++) {
                int64_t row = (slot * s->batch + b) * s->length + chunk.token[t];
                row = ((row * s->dirs + k) * s->groups + group) * states;
                for (int64_t n = 0; n < states; n++) {
                    s->grad_B[row + n] = sum_lanes(sum_B[n * CHUNK + t]);
                    s->grad_C[row + n] = sum_lanes(sum_C[n * CHUNK + t]);
                }
            }
        }
        for (int64_t i = 0; i < blocks; i++) {
            int64_t offset = (first + i) * LANES;
            int64_t count = width - offset < LANES ? width - offset : LANES;
            int64_t at = (b * s->dirs + k) * s->channels + group * width + offset;
            for (int64_t n = 0; n < states; n++)
                store_lanes(s->grad_A + at * states + n, states, count, grad_A[i * states + n]);
            store_lanes(s->grad_D + at, 1, count, grad_D[i]);
            store_lanes(s->grad_bias + at, 1, count, grad_bias[i]);
        }
    }
}

typedef struct {
    const scan_t *scan;
    void (*item)(const scan_t *, int64_t, lanes_t *);
    int64_t items, scratch, next;
    int failed;
} work_t;

static void *worker(void *argument) {
    work_t *work = argument;
    void *scratch;
    if (posix_memalign(&scratch, sizeof(lanes_t), sizeof(lanes_t) * (size_t)work->scratch)) {
        __atomic_store_n(&work->failed, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    for (;;) {
        int64_t item = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);
        if (item >= work->items) break;
        work->item(work->scan, item, scratch);
    }
    free(scratch);
    return NULL;
}

/* Threads live for one call: a pool would be missing in a forked process. */
static int share_out(work_t *work, int64_t threads) {
    pthread_t started[MAX_THREADS];
    int64_t count = 0;
    if (threads > work->items) threads = work->items;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    while (count < threads - 1 && !pthread_create(&started[count], NULL, worker, work)) count++;
    worker(work);
    for (int64_t i = 0; i < count; i++) pthread_join(started[i], NULL);
    return work->failed;
}

/* Both return 0, or 1 when memory ran out. */
int JOIN(scan_forward, VARIANT)(const scan_t *s, int64_t threads) {
    work_t work = {s, forward_item, s->batch * s->groups * blocks_per_group(s),
                   2 * s->states, 0, 0};
    return share_out(&work, threads);
}

int JOIN(scan_backward, VARIANT)(const scan_t *s, int64_t threads) {
    work_t work = {s, backward_item, s->batch * s->groups * s->slots,
                   backward_scratch(s, blocks_per_slot(s)), 0, 0};
    return share_out(&work, threads);
}

#ifdef DISPATCH
/* 2 where the processor and the system can run AVX-512, 1 for AVX2 with FMA, else 0. */
int scan_instruction_set(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}
#endif
