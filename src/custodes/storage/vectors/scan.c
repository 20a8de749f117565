/* Scan of unit vectors in one byte per component, with certified bounds.

In: blocks of 16 coded vectors, float32 queries. Out: for each query the places of all vectors that may be among its best
`limit`, or may reach its floor; never fewer. It decides nothing: the caller scores what comes out with the one kernel.

A vector x is held as codes c (int8, stored plus 128), a scale s and an error e >= |x - s c|; a query q likewise as
codes, scale and rest, made here. By Cauchy-Schwarz the exact <x, q> is within  e |q'| + |x| |q - q'|  of the integer
product times both scales; `slack` is what float32 may add, in this file and in the kernel.

Layout of a block: for each group of 4 components 16 vectors x 4 bytes, then 16 float32 scales, then 16 float32 errors.
So one register holds a group of 16 vectors, no sum across lanes is needed, and memory is read in one stream.

Built without Python's headers, called through ctypes. Every variant gives the same integers; which are there is decided
by the processor at run time. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#define LANES 16
#define TILE 8 /* queries whose sums stay in registers together */
#define FORMAT 1 /* of blocks and calls; the caller refuses another */

enum { PLAIN = 0, AVX2 = 1, VNNI = 2, DOTPROD = 3 };

typedef struct {
    int32_t place;
    float low, high; /* bounds of the kernel's score */
} Candidate;

typedef struct {
    const int8_t *codes;
    int32_t offset;      /* -128 times the sum of codes: stored codes are 128 too large */
    float scale, length; /* of what the codes stand for */
    float error;         /* of this query, for every vector */
    float least;         /* no vector whose bound is below can be in the answer */
    int64_t limit, mark, capacity, found;
    Candidate *held;
    float *scratch;
    int overflow;
} Query;

/* The `rank`-th largest of `values`, which are reordered. */
static float largest(float *values, int64_t count, int64_t rank) {
    int64_t low = 0, high = count - 1, wanted = rank - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) {
                float kept = values[i];
                values[i++] = values[j];
                values[j--] = kept;
            }
        }
        if (wanted <= j) high = j;
        else if (wanted >= i) low = i;
        else break;
    }
    return values[wanted];
}

/* Raise `least` to the limit-th best lower bound, and drop what cannot reach it. */
static void compact(Query *query) {
    if (query->found >= query->limit) {
        for (int64_t i = 0; i < query->found; i++) query->scratch[i] = query->held[i].low;
        float reached = largest(query->scratch, query->found, query->limit);
        if (reached > query->least) query->least = reached;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < query->found; i++)
        if (query->held[i].high >= query->least) query->held[kept++] = query->held[i];
    query->found = kept;
}

static void take(Query *query, int32_t place, float low, float high) {
    if (query->overflow || !(high >= query->least)) return;
    if (query->found >= query->mark) {
        compact(query);
        query->mark = 2 * query->found > query->mark ? 2 * query->found : query->mark;
        if (query->mark > query->capacity) query->mark = query->capacity;
        /* Making room again and again would take longer than a second pass with more of it. */
        if (query->mark == query->capacity && query->found > query->capacity - query->capacity / 4) query->overflow = 1;
        if (query->overflow || !(high >= query->least)) return;
    }
    query->held[query->found++] = (Candidate){place, low, high};
}

/* Lanes of `mask` may be in the answer. */
static __attribute__((noinline)) void take_lanes(
    Query *query, const float *near, const float *errors, uint32_t mask, int64_t first, int64_t count) {
    for (int lane = 0; lane < LANES; lane++)
        if (mask >> lane & 1 && first + lane < count) {
            float error = errors[lane] * query->length + query->error;
            take(query, (int32_t)(first + lane), near[lane] - error, near[lane] + error);
        }
}

INLINE void judge(Query *query, const int32_t *sums, const float *scales, int64_t first, int64_t count) {
    float near[LANES];
    const float *errors = scales + LANES;
    uint32_t mask = 0;
    for (int lane = 0; lane < LANES; lane++) {
        near[lane] = (float)(sums[lane] + query->offset) * (scales[lane] * query->scale);
        mask |= (uint32_t)(near[lane] + (errors[lane] * query->length + query->error) >= query->least) << lane;
    }
    if (mask) take_lanes(query, near, errors, mask, first, count);
}

static void scan_plain(const uint8_t *blocks, int64_t count, int groups, Query *queries, int asked) {
    int64_t stride = (int64_t)groups * 4 * LANES + 8 * LANES;
    for (int64_t first = 0; first < count; first += LANES, blocks += stride)
        for (int n = 0; n < asked; n++) {
            int32_t sums[LANES] = {0};
            for (int group = 0; group < groups; group++) {
                const int8_t *q = queries[n].codes + 4 * group;
                const uint8_t *c = blocks + 4 * LANES * group;
                for (int lane = 0; lane < LANES; lane++)
                    sums[lane] += c[4 * lane] * q[0] + c[4 * lane + 1] * q[1] + c[4 * lane + 2] * q[2] + c[4 * lane + 3] * q[3];
            }
            judge(queries + n, sums, (const float *)(blocks + (int64_t)groups * 4 * LANES), first, count);
        }
}

#if defined(__x86_64__)
#define FOR_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define FOR_AVX2 __attribute__((target("avx2,fma")))

INLINE int32_t four(const int8_t *codes) {
    int32_t packed;
    memcpy(&packed, codes, 4);
    return packed;
}

FOR_VNNI INLINE void judge_vnni(Query *query, __m512i sums, const float *scales, int64_t first, int64_t count) {
    __m512 factors = _mm512_mul_ps(_mm512_loadu_ps(scales), _mm512_set1_ps(query->scale));
    __m512 near = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(sums, _mm512_set1_epi32(query->offset))), factors);
    __m512 error = _mm512_fmadd_ps(
        _mm512_loadu_ps(scales + LANES), _mm512_set1_ps(query->length), _mm512_set1_ps(query->error));
    __mmask16 mask = _mm512_cmp_ps_mask(_mm512_add_ps(near, error), _mm512_set1_ps(query->least), _CMP_GE_OQ);
    if (__builtin_expect(mask != 0, 0)) {
        float values[LANES];
        _mm512_storeu_ps(values, near);
        take_lanes(query, values, scales + LANES, mask, first, count);
    }
}

/* `asked` is a constant wherever this is called, so that the sums are registers. */
FOR_VNNI INLINE void tile_vnni(
    const uint8_t *block, int64_t first, int64_t count, int groups, Query *queries, const int asked) {
    __m512i sums[TILE];
#pragma GCC unroll 8
    for (int n = 0; n < asked; n++) sums[n] = _mm512_setzero_si512();
    for (int group = 0; group < groups; group++) {
        __m512i codes = _mm512_loadu_si512(block + 64 * group);
#pragma GCC unroll 8
        for (int n = 0; n < asked; n++)
            sums[n] = _mm512_dpbusd_epi32(sums[n], codes, _mm512_set1_epi32(four(queries[n].codes + 4 * group)));
    }
#pragma GCC unroll 8
    for (int n = 0; n < asked; n++) judge_vnni(queries + n, sums[n], (const float *)(block + 64 * groups), first, count);
}

/* One query alone: memory decides, so what comes is asked for early, and four sums keep the additions apart. */
FOR_VNNI static void scan_one_vnni(const uint8_t *blocks, int64_t count, int groups, Query *query) {
    int64_t stride = 64 * (int64_t)groups + 8 * LANES;
    for (int64_t first = 0; first < count; first += LANES, blocks += stride) {
        __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
        int group = 0;
        for (; group + 4 <= groups; group += 4) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                const uint8_t *here = blocks + 64 * (group + k);
                _mm_prefetch((const char *)(here + 4096), _MM_HINT_T0);
                sums[k] = _mm512_dpbusd_epi32(
                    sums[k], _mm512_loadu_si512(here), _mm512_set1_epi32(four(query->codes + 4 * (group + k))));
            }
        }
        for (; group < groups; group++)
            sums[0] = _mm512_dpbusd_epi32(
                sums[0], _mm512_loadu_si512(blocks + 64 * group), _mm512_set1_epi32(four(query->codes + 4 * group)));
        __m512i sum = _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3]));
        judge_vnni(query, sum, (const float *)(blocks + 64 * groups), first, count);
    }
}

FOR_VNNI static void scan_vnni(const uint8_t *blocks, int64_t count, int groups, Query *queries, int asked) {
    if (asked == 1) {
        scan_one_vnni(blocks, count, groups, queries);
        return;
    }
    int64_t stride = 64 * (int64_t)groups + 8 * LANES;
    for (int64_t first = 0; first < count; first += LANES, blocks += stride) {
        int n = 0;
        for (; n + 8 <= asked; n += 8) tile_vnni(blocks, first, count, groups, queries + n, 8);
        for (; n + 2 <= asked; n += 2) tile_vnni(blocks, first, count, groups, queries + n, 2);
        for (; n < asked; n++) tile_vnni(blocks, first, count, groups, queries + n, 1);
    }
}

FOR_AVX2 INLINE void tile_avx2(
    const uint8_t *block, int64_t first, int64_t count, int groups, Query *queries, const int asked) {
    __m256i sums[2][4];
    for (int n = 0; n < asked; n++)
        for (int k = 0; k < 4; k++) sums[n][k] = _mm256_setzero_si256();
    for (int group = 0; group < groups; group++) {
        __m256i asks[2];
        for (int n = 0; n < asked; n++)
            asks[n] = _mm256_cvtepi8_epi16(_mm_set1_epi32(four(queries[n].codes + 4 * group)));
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            /* As 16 bits: pairs of bytes could leave 16 bits in the one instruction that adds them. */
            __m256i codes = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(block + 64 * group + 16 * k)));
            for (int n = 0; n < asked; n++)
                sums[n][k] = _mm256_add_epi32(sums[n][k], _mm256_madd_epi16(codes, asks[n]));
        }
    }
    for (int n = 0; n < asked; n++) {
        int32_t whole[LANES];
        for (int k = 0; k < 4; k++) {
            __m128i pairs = _mm_hadd_epi32(_mm256_castsi256_si128(sums[n][k]), _mm256_extracti128_si256(sums[n][k], 1));
            _mm_storeu_si128((__m128i *)(whole + 4 * k), pairs);
        }
        judge(queries + n, whole, (const float *)(block + 64 * groups), first, count);
    }
}

FOR_AVX2 static void scan_avx2(const uint8_t *blocks, int64_t count, int groups, Query *queries, int asked) {
    int64_t stride = 64 * (int64_t)groups + 8 * LANES;
    for (int64_t first = 0; first < count; first += LANES, blocks += stride) {
        int n = 0;
        for (; n + 2 <= asked; n += 2) tile_avx2(blocks, first, count, groups, queries + n, 2);
        for (; n < asked; n++) tile_avx2(blocks, first, count, groups, queries + n, 1);
    }
}
#endif

#if defined(__aarch64__)
#if defined(__ARM_FEATURE_DOTPROD)
#define FOR_DOTPROD /* the compiler takes it for granted, as on Apple's */
#elif defined(__clang__)
#define FOR_DOTPROD __attribute__((target("dotprod")))
#else
#define FOR_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

FOR_DOTPROD INLINE void tile_dotprod(
    const uint8_t *block, int64_t first, int64_t count, int groups, Query *queries, const int asked) {
    int32x4_t sums[4][4];
    const uint8x16_t flip = vdupq_n_u8(0x80);
    for (int n = 0; n < asked; n++)
        for (int k = 0; k < 4; k++) sums[n][k] = vdupq_n_s32(-queries[n].offset);
    for (int group = 0; group < groups; group++) {
        int8x16_t asks[4];
        for (int n = 0; n < asked; n++) {
            int32_t packed;
            memcpy(&packed, queries[n].codes + 4 * group, 4);
            asks[n] = vreinterpretq_s8_s32(vdupq_n_s32(packed));
        }
        for (int k = 0; k < 4; k++) {
            int8x16_t codes = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(block + 64 * group + 16 * k), flip));
            for (int n = 0; n < asked; n++) sums[n][k] = vdotq_s32(sums[n][k], codes, asks[n]);
        }
    }
    for (int n = 0; n < asked; n++) {
        int32_t whole[LANES];
        for (int k = 0; k < 4; k++) vst1q_s32(whole + 4 * k, sums[n][k]);
        judge(queries + n, whole, (const float *)(block + 64 * groups), first, count);
    }
}

FOR_DOTPROD static void scan_dotprod(const uint8_t *blocks, int64_t count, int groups, Query *queries, int asked) {
    int64_t stride = 64 * (int64_t)groups + 8 * LANES;
    for (int64_t first = 0; first < count; first += LANES, blocks += stride) {
        int n = 0;
        for (; n + 4 <= asked; n += 4) tile_dotprod(blocks, first, count, groups, queries + n, 4);
        for (; n < asked; n++) tile_dotprod(blocks, first, count, groups, queries + n, 1);
    }
}
#endif

/* Codes of one vector; what they stand for has `*scale` times them. Returns the distance, never less than it is. */
static float coded(const float *vector, int dimension, int8_t *codes, float *scale) {
    float most = 0.0f;
    for (int i = 0; i < dimension; i++) most = fabsf(vector[i]) > most ? fabsf(vector[i]) : most;
    float step = most / 127.0f;
    /* Steps that float32 cannot divide by safely do not occur in vectors of length one. */
    if (!(step > 1e-30f)) step = 1.0f;
    float inverse = 1.0f / step;
    double squares = 0.0;
    for (int i = 0; i < dimension; i++) {
        float code = rintf(vector[i] * inverse);
        code = code > 127.0f ? 127.0f : code < -127.0f ? -127.0f : code;
        double rest = (double)vector[i] - (double)step * (double)code;
        squares += rest * rest;
        codes[i] = (int8_t)code;
    }
    *scale = step;
    return (float)(sqrt(squares) * (1.0 + 1e-6));
}

/* Of blocks and calls. */
EXPORT int custodes_scan_format(void) { return FORMAT; }

/* Whether this processor has the instructions of `variant`. */
EXPORT int custodes_scan_has(int variant) {
    if (variant == PLAIN) return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (variant == AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (variant == VNNI)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__APPLE__)
    return variant == DOTPROD; /* every Apple processor since A11 */
#elif defined(__aarch64__) && defined(__linux__)
    return variant == DOTPROD && (getauxval(AT_HWCAP) >> 20 & 1); /* HWCAP_ASIMDDP */
#endif
    return 0;
}

/* Code `count` vectors (count, dimension) into places from `first` on. 0, or -1 without memory. */
EXPORT int custodes_scan_encode(uint8_t *blocks, int64_t first, const float *vectors, int64_t count, int dimension) {
    int groups = (dimension + 3) / 4;
    int64_t stride = 64 * (int64_t)groups + 8 * LANES;
    int8_t *codes = calloc((size_t)groups, 4);
    if (!codes) return -1;
    for (int64_t i = 0; i < count; i++) {
        int64_t lane = (first + i) % LANES;
        uint8_t *block = blocks + (first + i) / LANES * stride;
        float *scales = (float *)(block + 64 * groups);
        float scale;
        scales[LANES + lane] = coded(vectors + i * dimension, dimension, codes, &scale);
        scales[lane] = scale;
        for (int group = 0; group < groups; group++)
            for (int k = 0; k < 4; k++) block[64 * group + 4 * lane + k] = (uint8_t)(codes[4 * group + k] + 128);
    }
    free(codes);
    return 0;
}

/* Look at what was held in full, which leaves few. */
static void look_closer(Query *query, const float *exact, const float *vectors, int dimension, float slack) {
    compact(query);
    for (int64_t i = 0; i < query->found; i++) {
        const float *vector = vectors + (int64_t)query->held[i].place * dimension;
        double sum = 0.0;
        for (int j = 0; j < dimension; j++) sum += (double)vector[j] * (double)exact[j];
        query->held[i].low = (float)sum - slack;
        query->held[i].high = (float)sum + slack;
    }
    compact(query);
}

/* Candidates of several queries in one pass.

variant: one that the processor has. blocks: coded vectors. count: how many. dimension: components of a vector. coded_of:
(count, dimension) the vectors themselves. vectors: (asked, dimension) queries of length one, give or take a thousandth. limits: wanted of each, at least 1.
least: floors of each; raised to what the answer's last score is known to reach. slack: rounding of float32, here and in
the kernel. capacity: room of each in places. found: how many places each has, or -1 where the room did not do, and
those of the query are void. Returns 0, or -1 without memory. */
EXPORT int custodes_scan(
    int variant, const uint8_t *blocks, int64_t count, int dimension, const float *coded_of, const float *vectors,
    int asked, const int64_t *limits, float *least, float slack, int64_t capacity, int32_t *places, int64_t *found) {
    int groups = (dimension + 3) / 4, status = -1;
    Query *queries = calloc((size_t)asked, sizeof *queries);
    int8_t *codes = calloc((size_t)asked * (size_t)groups, 4);
    Candidate *held = malloc((size_t)asked * (size_t)capacity * sizeof *held);
    float *scratch = malloc((size_t)capacity * sizeof *scratch);
    if (!queries || !codes || !held || !scratch) goto end;
    for (int n = 0; n < asked; n++) {
        Query *query = queries + n;
        query->codes = codes + 4 * (int64_t)groups * n;
        float rest = coded(vectors + (int64_t)n * dimension, dimension, codes + 4 * (int64_t)groups * n, &query->scale);
        int64_t sum = 0, squares = 0;
        for (int i = 0; i < dimension; i++) {
            sum += query->codes[i];
            squares += query->codes[i] * query->codes[i];
        }
        query->offset = (int32_t)(-128 * sum);
        query->length = (float)(sqrt((double)squares) * query->scale * (1.0 + 1e-6));
        query->error = rest * 1.001001f + slack;
        query->limit = limits[n];
        query->least = least[n];
        query->capacity = capacity;
        query->mark = 4 * limits[n] < 256 ? 256 : 4 * limits[n];
        if (query->mark > capacity) query->mark = capacity;
        query->held = held + capacity * n;
        query->scratch = scratch;
    }
    switch (variant) {
#if defined(__x86_64__)
    case VNNI: scan_vnni(blocks, count, groups, queries, asked); break;
    case AVX2: scan_avx2(blocks, count, groups, queries, asked); break;
#elif defined(__aarch64__)
    case DOTPROD: scan_dotprod(blocks, count, groups, queries, asked); break;
#endif
    default: scan_plain(blocks, count, groups, queries, asked);
    }
    for (int n = 0; n < asked; n++) {
        if (!queries[n].overflow) look_closer(queries + n, vectors + (int64_t)n * dimension, coded_of, dimension, slack);
        least[n] = queries[n].least;
        found[n] = queries[n].overflow ? -1 : queries[n].found;
        for (int64_t i = 0; i < queries[n].found; i++) places[capacity * n + i] = queries[n].held[i].place;
    }
    status = 0;
end:
    free(scratch);
    free(held);
    free(codes);
    free(queries);
    return status;
}
