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

int32_t dot_plain(const uint8_t* halves, const int8_t* weights, size_t lines) {
    int32_t sum = 0;
    for (; lines > 0; lines--, halves += LINE, weights += LINE_HALVES) {
        for (size_t j = 0; j < LINE; j++) {
            sum += (halves[j] & 15) * weights[j] + (halves[j] >> 4) * weights[LINE + j];
        }
    }
    return sum;
}

void dots_plain(
        const uint8_t* const halves[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    for (size_t i = 0; i < 4; i++) {
        sums[i] = dot_plain(halves[i], weights, lines);
    }
}

bool always() {
    return true;
}

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw,avx512vnni"))) int32_t dot_vnni(
        const uint8_t* halves,
        const int8_t* weights,
        size_t lines) {
    const __m512i mask = _mm512_set1_epi8(15);
    // Two sums: an instruction waits several cycles for the one before on the same.
    __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512();
    for (; lines > 0; lines--, halves += LINE, weights += LINE_HALVES) {
        const __m512i both = _mm512_loadu_si512(halves);
        const __m512i lower = _mm512_and_si512(both, mask);
        const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
        a = _mm512_dpbusd_epi32(a, lower, _mm512_loadu_si512(weights));
        b = _mm512_dpbusd_epi32(b, upper, _mm512_loadu_si512(weights + LINE));
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void dots_vnni(
        const uint8_t* const halves[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    const __m512i mask = _mm512_set1_epi8(15);
    __m512i all[4] = {
            _mm512_setzero_si512(),
            _mm512_setzero_si512(),
            _mm512_setzero_si512(),
            _mm512_setzero_si512()};
    for (size_t line = 0; line < lines; line++, weights += LINE_HALVES) {
        const __m512i first = _mm512_loadu_si512(weights);
        const __m512i second = _mm512_loadu_si512(weights + LINE);
        for (size_t i = 0; i < 4; i++) {
            const __m512i both = _mm512_loadu_si512(halves[i] + line * LINE);
            const __m512i lower = _mm512_and_si512(both, mask);
            const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
            all[i] = _mm512_dpbusd_epi32(all[i], lower, first);
            all[i] = _mm512_dpbusd_epi32(all[i], upper, second);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        sums[i] = _mm512_reduce_add_epi32(all[i]);
    }
}

bool has_vnni() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vnni");
}

// 32 bytes of halves with their weights, as 16 sums of 16 bits: four products of at most 15 * 127
// in each, so that four of these can be added.
__attribute__((target("avx2"))) inline __m256i half_line_avx2(
        const uint8_t* halves, const int8_t* weights) {
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves));
    const __m256i lower = _mm256_and_si256(both, mask);
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
    const auto* w = reinterpret_cast<const __m256i*>(weights);
    return _mm256_add_epi16(
            _mm256_maddubs_epi16(lower, _mm256_loadu_si256(w)),
            _mm256_maddubs_epi16(upper, _mm256_loadu_si256(w + LINE / sizeof(__m256i))));
}

__attribute__((target("avx2"))) inline __m256i line_avx2(
        const uint8_t* halves, const int8_t* weights) {
    return _mm256_add_epi16(
            half_line_avx2(halves, weights), half_line_avx2(halves + 32, weights + 32));
}

__attribute__((target("avx2"))) int32_t dot_avx2(
        const uint8_t* halves,
        const int8_t* weights,
        size_t lines) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums = _mm256_setzero_si256();
    for (; lines >= 2; lines -= 2, halves += 2 * LINE, weights += 2 * LINE_HALVES) {
        const __m256i two = _mm256_add_epi16(
                line_avx2(halves, weights), line_avx2(halves + LINE, weights + LINE_HALVES));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(two, ones));
    }
    if (lines > 0) {
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(line_avx2(halves, weights), ones));
    }
    __m128i sum =
            _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    sum = _mm_hadd_epi32(sum, sum);
    sum = _mm_hadd_epi32(sum, sum);
    return _mm_cvtsi128_si32(sum);
}

__attribute__((target("avx2"))) void dots_avx2(
        const uint8_t* const halves[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    const __m256i mask = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    __m256i all[4] = {
            _mm256_setzero_si256(),
            _mm256_setzero_si256(),
            _mm256_setzero_si256(),
            _mm256_setzero_si256()};
    for (size_t line = 0; line < lines; line++) {
        __m256i parts[4];
        for (size_t half = 0; half < 2; half++) {
            const auto* w = reinterpret_cast<const __m256i*>(weights + line * LINE_HALVES) + half;
            const __m256i first = _mm256_loadu_si256(w);
            const __m256i second = _mm256_loadu_si256(w + LINE / sizeof(__m256i));
            for (size_t i = 0; i < 4; i++) {
                const __m256i both = _mm256_loadu_si256(
                        reinterpret_cast<const __m256i*>(halves[i] + line * LINE) + half);
                const __m256i lower = _mm256_and_si256(both, mask);
                const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
                const __m256i part = _mm256_add_epi16(
                        _mm256_maddubs_epi16(lower, first), _mm256_maddubs_epi16(upper, second));
                parts[i] = half == 0 ? part : _mm256_add_epi16(parts[i], part);
            }
        }
        for (size_t i = 0; i < 4; i++) {
            all[i] = _mm256_add_epi32(all[i], _mm256_madd_epi16(parts[i], ones));
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
        {"vnni", dot_vnni, dots_vnni, has_vnni},
        {"avx2", dot_avx2, dots_avx2, has_avx2},
        {"plain", dot_plain, dots_plain, always},
};

#elif defined(__aarch64__)

// 16 halves times their weights, added to sums of 32 bits.
inline int32x4_t add_neon(int32x4_t sums, uint8x16_t halves, const int8_t* weights) {
    const int8x16_t h = vreinterpretq_s8_u8(halves), w = vld1q_s8(weights);
    const int16x8_t low = vmull_s8(vget_low_s8(h), vget_low_s8(w));
    const int16x8_t high = vmull_high_s8(h, w);
    return vpadalq_s16(vpadalq_s16(sums, low), high);
}

int32_t dot_neon(const uint8_t* halves, const int8_t* weights, size_t lines) {
    const uint8x16_t mask = vdupq_n_u8(15);
    int32x4_t a = vdupq_n_s32(0), b = vdupq_n_s32(0);
    for (; lines > 0; lines--, halves += LINE, weights += LINE_HALVES) {
        for (size_t j = 0; j < LINE; j += sizeof(uint8x16_t)) {
            const uint8x16_t both = vld1q_u8(halves + j);
            a = add_neon(a, vandq_u8(both, mask), weights + j);
            b = add_neon(b, vshrq_n_u8(both, 4), weights + LINE + j);
        }
    }
    return vaddvq_s32(vaddq_s32(a, b));
}

void dots_neon(
        const uint8_t* const halves[4], const int8_t* weights, size_t lines, int32_t sums[4]) {
    for (size_t i = 0; i < 4; i++) {
        sums[i] = dot_neon(halves[i], weights, lines);
    }
}

constexpr Kernel KERNELS[] = {
        {"neon", dot_neon, dots_neon, always},
        {"plain", dot_plain, dots_plain, always},
};

#else

constexpr Kernel KERNELS[] = {{"plain", dot_plain, dots_plain, always}};

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
        const uint8_t* halves,
        const int8_t* weights,
        size_t count,
        size_t lines,
        const char** name) {
    const vane::Kernel& plain = vane::plain_kernel();
    for (size_t number = 0; const vane::Kernel* kernel = vane::kernel(number); number++) {
        *name = kernel->name;
        for (size_t i = 0; i < count; i++) {
            // With the three that follow, from the first again after the last.
            const uint8_t* four[4];
            int32_t sums[4];
            const int8_t* w = weights + i * lines * vane::LINE_HALVES;
            for (size_t j = 0; j < 4; j++) {
                four[j] = halves + (i + j) % count * lines * vane::LINE;
            }
            kernel->dots(four, w, lines, sums);
            for (size_t j = 0; j < 4; j++) {
                const int32_t sum = plain.dot(four[j], w, lines);
                if (sums[j] != sum || kernel->dot(four[j], w, lines) != sum) {
                    return 0;
                }
            }
        }
    }
    return 1;
}
