#include "codes/rotation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vane {
namespace {

// After two of them a row of one number is spread over nearly all; dimensions beyond a power of two
// are in every second only.
constexpr size_t ROUNDS = 4;
// Signs that one draw gives.
constexpr size_t DRAWN = 64;

// SplitMix64: the same for the same place, everywhere and always, as codes in files depend on it.
uint64_t drawn(uint64_t place) {
    uint64_t z = (place + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

void change_signs(float* values, size_t dim, size_t round) {
    for (size_t first = 0; first < dim; first += DRAWN) {
        const uint64_t signs = drawn(round << 32 | first / DRAWN);
        const size_t count = std::min(DRAWN, dim - first);
        for (size_t i = 0; i < count; i++) {
            values[first + i] = signs >> i & 1 ? -values[first + i] : values[first + i];
        }
    }
}

// Of `count` values, which is a power of two.
void transform(float* values, size_t count) {
    for (size_t half = 1; half < count; half *= 2) {
        for (size_t first = 0; first < count; first += 2 * half) {
            float *near = values + first, *far = near + half;
            for (size_t i = 0; i < half; i++) {
                const float a = near[i], b = far[i];
                near[i] = a + b;
                far[i] = a - b;
            }
        }
    }
    const float scale = 1 / std::sqrt(static_cast<float>(count));
    for (size_t i = 0; i < count; i++) {
        values[i] *= scale;
    }
}

// The first half with the second; of an odd number the middle one stays.
void mix_halves(float* values, size_t dim) {
    const float scale = std::sqrt(0.5F);
    float* far = values + (dim - dim / 2);
    for (size_t i = 0; i < dim / 2; i++) {
        const float a = values[i], b = far[i];
        values[i] = (a + b) * scale;
        far[i] = (a - b) * scale;
    }
}

} // namespace

void rotate(const float* row, size_t dim, float* to) {
    std::copy_n(row, dim, to);
    size_t power = 1;
    while (power * 2 <= dim) {
        power *= 2;
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        change_signs(to, dim, round);
        transform(round % 2 == 0 ? to : to + (dim - power), power);
        if (power < dim) {
            mix_halves(to, dim);
        }
    }
}

} // namespace vane
