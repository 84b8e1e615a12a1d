#include "codes/kernels.h"

#include <iterator>

#include "vane_faiss.h"

#if defined(__x86_64__)
// GCC 12 warns of its own header (bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace vane {
namespace {

// Parts in a byte, and the lowest of them.
template <int BITS>
constexpr int PARTS = 8 / BITS;
template <int BITS>
constexpr uint8_t LOWEST = (1 << BITS) - 1;

template <int BITS>
int32_t dot_plain(const uint8_t* parts, const int8_t* weights, size_t lines) {
    int32_t sum = 0;
    for (; lines > 0; lines--, parts += LINE) {
        for (int part = 0; part < PARTS<BITS>; part++, weights += LINE) {
            for (size_t j = 0; j < LINE; j++) {
                sum += (parts[j] >> (part * BITS) & LOWEST<BITS>) * weights[j];
            }
        }
    }
    return sum;
}

template <int BITS>
void dots_plain(
        const uint8_t* const parts[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    for (size_t i = 0; i < 4; i++) {
        sums[i] = dot_plain<BITS>(parts[i], weights, lines);
    }
}

bool always() {
    return true;
}

// Of parts of 1, 2 and 4 bits.
#define SUMS(kind)                                                                              \
    {                                                                                           \
        {dot_##kind<1>, dots_##kind<1>}, {dot_##kind<2>, dots_##kind<2>},                       \
        {dot_##kind<4>, dots_##kind<4>},                                                        \
    }

#if defined(__x86_64__)

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni"), always_inline)) inline

// A part of each of 64 bytes.
template <int BITS, int PART>
VNNI __m512i part_vnni(__m512i all) {
    const __m512i mask = _mm512_set1_epi8(LOWEST<BITS>);
    if constexpr (PART == 0) {
        return _mm512_and_si512(all, mask);
    } else {
        return _mm512_and_si512(_mm512_srli_epi16(all, PART * BITS), mask);
    }
}

// Adds the products of a line, from a part on. To two sums: an instruction waits several cycles for
// the one before on the same.
template <int BITS, int PART = 0>
VNNI void add_vnni(__m512i all, const int8_t* weights, __m512i& near, __m512i& far) {
    if constexpr (PART < PARTS<BITS>) {
        near = _mm512_dpbusd_epi32(
                near, part_vnni<BITS, PART>(all), _mm512_loadu_si512(weights));
        add_vnni<BITS, PART + 1>(all, weights + LINE, far, near);
    }
}

template <int BITS>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) int32_t dot_vnni(
        const uint8_t* parts,
        const int8_t* weights,
        size_t lines) {
    __m512i near = _mm512_setzero_si512(), far = _mm512_setzero_si512();
    for (; lines > 0; lines--, parts += LINE, weights += line_parts(BITS)) {
        add_vnni<BITS>(_mm512_loadu_si512(parts), weights, near, far);
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(near, far));
}

// The same to the sums of four lines: weights are read once.
template <int BITS, int PART = 0>
VNNI void add_four_vnni(const __m512i all[4], const int8_t* weights, __m512i sums[4]) {
    if constexpr (PART < PARTS<BITS>) {
        const __m512i w = _mm512_loadu_si512(weights);
        for (size_t i = 0; i < 4; i++) {
            sums[i] = _mm512_dpbusd_epi32(sums[i], part_vnni<BITS, PART>(all[i]), w);
        }
        add_four_vnni<BITS, PART + 1>(all, weights + LINE, sums);
    }
}

template <int BITS>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void dots_vnni(
        const uint8_t* const parts[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    __m512i all[4] = {
            _mm512_setzero_si512(),
            _mm512_setzero_si512(),
            _mm512_setzero_si512(),
            _mm512_setzero_si512()};
    for (size_t line = 0; line < lines; line++, weights += line_parts(BITS)) {
        const __m512i four[4] = {
                _mm512_loadu_si512(parts[0] + line * LINE),
                _mm512_loadu_si512(parts[1] + line * LINE),
                _mm512_loadu_si512(parts[2] + line * LINE),
                _mm512_loadu_si512(parts[3] + line * LINE)};
        add_four_vnni<BITS>(four, weights, all);
    }
    for (size_t i = 0; i < 4; i++) {
        sums[i] = _mm512_reduce_add_epi32(all[i]);
    }
}

bool has_vnni() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vnni");
}

#define AVX2 __attribute__((target("avx2"), always_inline)) inline

// A part of each of 32 bytes.
template <int BITS, int PART>
AVX2 __m256i part_avx2(__m256i all) {
    const __m256i mask = _mm256_set1_epi8(LOWEST<BITS>);
    if constexpr (PART == 0) {
        return _mm256_and_si256(all, mask);
    } else {
        return _mm256_and_si256(_mm256_srli_epi16(all, PART * BITS), mask);
    }
}

AVX2 __m256i load_avx2(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// 32 bytes of parts with their weights, from a part on, as 16 sums of 16 bits. In each are products
// of two bytes, whose parts come to 30 at most in either, so that four of these can be added.
template <int BITS, int PART = 0>
AVX2 __m256i half_line_avx2(__m256i all, const int8_t* weights) {
    const __m256i sums =
            _mm256_maddubs_epi16(part_avx2<BITS, PART>(all), load_avx2(weights));
    if constexpr (PART + 1 == PARTS<BITS>) {
        return sums;
    } else {
        return _mm256_add_epi16(sums, half_line_avx2<BITS, PART + 1>(all, weights + LINE));
    }
}

template <int BITS>
AVX2 __m256i line_avx2(const uint8_t* parts, const int8_t* weights) {
    return _mm256_add_epi16(
            half_line_avx2<BITS>(load_avx2(parts), weights),
            half_line_avx2<BITS>(load_avx2(parts + LINE / 2), weights + LINE / 2));
}

template <int BITS>
__attribute__((target("avx2"))) int32_t dot_avx2(
        const uint8_t* parts,
        const int8_t* weights,
        size_t lines) {
    constexpr size_t STRIDE = line_parts(BITS);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums = _mm256_setzero_si256();
    for (; lines >= 2; lines -= 2, parts += 2 * LINE, weights += 2 * STRIDE) {
        const __m256i two = _mm256_add_epi16(
                line_avx2<BITS>(parts, weights),
                line_avx2<BITS>(parts + LINE, weights + STRIDE));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(two, ones));
    }
    if (lines > 0) {
        const __m256i last = line_avx2<BITS>(parts, weights);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(last, ones));
    }
    __m128i sum =
            _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    sum = _mm_hadd_epi32(sum, sum);
    sum = _mm_hadd_epi32(sum, sum);
    return _mm_cvtsi128_si32(sum);
}

template <int BITS>
__attribute__((target("avx2"))) void dots_avx2(
        const uint8_t* const parts[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i all[4] = {
            _mm256_setzero_si256(),
            _mm256_setzero_si256(),
            _mm256_setzero_si256(),
            _mm256_setzero_si256()};
    for (size_t line = 0; line < lines; line++, weights += line_parts(BITS)) {
        __m256i four[4];
        for (size_t half = 0; half < 2; half++) {
            const int8_t* w = weights + half * LINE / 2;
            for (size_t i = 0; i < 4; i++) {
                const uint8_t* bytes = parts[i] + line * LINE + half * LINE / 2;
                const __m256i sums_of = half_line_avx2<BITS>(load_avx2(bytes), w);
                four[i] = half == 0 ? sums_of : _mm256_add_epi16(four[i], sums_of);
            }
        }
        for (size_t i = 0; i < 4; i++) {
            all[i] = _mm256_add_epi32(all[i], _mm256_madd_epi16(four[i], ones));
        }
    }
    const __m256i eight = _mm256_hadd_epi32(
            _mm256_hadd_epi32(all[0], all[1]), _mm256_hadd_epi32(all[2], all[3]));
    _mm_storeu_si128(
            reinterpret_cast<__m128i*>(sums),
            _mm_add_epi32(
                    _mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1)));
}

bool has_avx2() {
    return __builtin_cpu_supports("avx2");
}

constexpr Kernel KERNELS[] = {
        {"vnni", SUMS(vnni), has_vnni},
        {"avx2", SUMS(avx2), has_avx2},
        {"plain", SUMS(plain), always},
};

#elif defined(__aarch64__)

// 16 parts times their weights, added to sums of 32 bits.
inline int32x4_t add_neon(int32x4_t sums, uint8x16_t parts, const int8_t* weights) {
    const int8x16_t p = vreinterpretq_s8_u8(parts), w = vld1q_s8(weights);
    const int16x8_t low = vmull_s8(vget_low_s8(p), vget_low_s8(w));
    const int16x8_t high = vmull_high_s8(p, w);
    return vpadalq_s16(vpadalq_s16(sums, low), high);
}

template <int BITS>
int32_t dot_neon(const uint8_t* parts, const int8_t* weights, size_t lines) {
    const uint8x16_t mask = vdupq_n_u8(LOWEST<BITS>);
    int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (; lines > 0; lines--, parts += LINE) {
        for (int part = 0; part < PARTS<BITS>; part++, weights += LINE) {
            // To the left by less than nothing.
            const int8x16_t by = vdupq_n_s8(static_cast<int8_t>(-part * BITS));
            for (size_t j = 0; j < LINE; j += sizeof(uint8x16_t)) {
                const uint8x16_t moved = vshlq_u8(vld1q_u8(parts + j), by);
                sums[part % 2] = add_neon(sums[part % 2], vandq_u8(moved, mask), weights + j);
            }
        }
    }
    return vaddvq_s32(vaddq_s32(sums[0], sums[1]));
}

template <int BITS>
void dots_neon(
        const uint8_t* const parts[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    for (size_t i = 0; i < 4; i++) {
        sums[i] = dot_neon<BITS>(parts[i], weights, lines);
    }
}

constexpr Kernel KERNELS[] = {
        {"neon", SUMS(neon), always},
        {"plain", SUMS(plain), always},
};

#else

constexpr Kernel KERNELS[] = {{"plain", SUMS(plain), always}};

#endif

} // namespace

const Kernel& best_kernel() {
    static const Kernel* best = kernel(0);
    return *best;
}

const Kernel& plain_kernel() {
    return *(std::end(KERNELS) - 1);
}

const Kernel* kernel(size_t number) {
    for (const Kernel& kernel : KERNELS) {
        if (kernel.runs_here() && number-- == 0) {
            return &kernel;
        }
    }
    return nullptr;
}

} // namespace vane

int vane_kernels_agree(
        size_t bits,
        const uint8_t* parts,
        const int8_t* weights,
        size_t count,
        size_t lines,
        const char** name) {
    const vane::Sums& plain = vane::plain_kernel().of(bits);
    for (size_t number = 0; const vane::Kernel* kernel = vane::kernel(number); number++) {
        const vane::Sums& sums_of = kernel->of(bits);
        *name = kernel->name;
        for (size_t i = 0; i < count; i++) {
            // With the three that follow, from the first again after the last.
            const uint8_t* four[4];
            int32_t sums[4];
            const int8_t* w = weights + i * lines * vane::line_parts(bits);
            for (size_t j = 0; j < 4; j++) {
                four[j] = parts + (i + j) % count * lines * vane::LINE;
            }
            sums_of.dots(four, w, lines, sums);
            for (size_t j = 0; j < 4; j++) {
                const int32_t sum = plain.dot(four[j], w, lines);
                if (sums[j] != sum || sums_of.dot(four[j], w, lines) != sum) {
                    return 0;
                }
            }
        }
    }
    return 1;
}
