/* What a machine can do at most, for bench/search.py: a plain scan of int8 rows without any answer, and a plain read.
Not part of the product. Build: cc -O3 -shared -fPIC -o raw_scan.so raw_scan.c; needs a processor with AVX-512 VNNI. */

#include <immintrin.h>
#include <stdint.h>
#include <stddef.h>

/* 1 when this processor can run the rest. */
int raw_scan_there(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

/* Largest product of `query` (128) with `count` rows of 128 bytes, one after the other, 4 KiB asked for ahead. */
__attribute__((target("avx512f,avx512bw,avx512vnni")))
int32_t raw_scan(const uint8_t *rows, int64_t count, const int8_t *query) {
    __m512i low = _mm512_loadu_si512(query), high = _mm512_loadu_si512(query + 64);
    int32_t most = INT32_MIN;
    for (int64_t i = 0; i < count; i++, rows += 128) {
        _mm_prefetch((const char *)(rows + 4096), _MM_HINT_T0);
        _mm_prefetch((const char *)(rows + 4160), _MM_HINT_T0);
        __m512i a = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(rows), low);
        __m512i b = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(rows + 64), high);
        int32_t sum = _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
        most = sum > most ? sum : most;
    }
    return most;
}

/* Sum of `count` 64-byte words, which has to read all of them. */
__attribute__((target("avx512f")))
int64_t raw_read(const uint8_t *bytes, int64_t count) {
    __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int64_t i = 0; i + 4 <= count; i += 4)
        for (int k = 0; k < 4; k++)
            sums[k] = _mm512_add_epi64(sums[k], _mm512_loadu_si512(bytes + 64 * (i + k)));
    return _mm512_reduce_add_epi64(
        _mm512_add_epi64(_mm512_add_epi64(sums[0], sums[1]), _mm512_add_epi64(sums[2], sums[3])));
}
