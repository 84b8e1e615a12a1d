// Numbers as the bytes that codes are compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vane {

// What a sum of many is beyond once or twice in a thousand cases, in its deviations.
constexpr float DEVIATIONS = 3;

// The largest byte that a number becomes.
constexpr int WEIGHT_MAX = 127;

// What a byte is worth, and the sums of the bytes and of their squares.
struct Weighed {
    float scale;
    int32_t sum;
    int32_t squares;
};

// Writes a byte for each number.
inline Weighed weigh(const std::vector<float>& worth, int8_t* to) {
    const size_t dim = worth.size();
    const float* from = worth.data();
    float largest = 0;
#pragma omp simd reduction(max : largest)
    for (size_t d = 0; d < dim; d++) {
        largest = std::max(largest, std::fabs(from[d]));
    }
    float scale = largest / WEIGHT_MAX;
    // A query beyond floats leads nowhere, but must not lead astray: all costs are equal.
    if (!(scale > 0) || !std::isfinite(scale)) {
        scale = 0;
    }
    const float inverse = scale > 0 ? 1 / scale : 0;
    int32_t sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (size_t d = 0; d < dim; d++) {
        const float exact = from[d] * inverse;
        // A comparison with what is no number is false.
        const float bounded = exact < WEIGHT_MAX ? (exact > -WEIGHT_MAX ? exact : -WEIGHT_MAX)
                                                 : WEIGHT_MAX;
        const auto value = static_cast<int32_t>(std::nearbyint(bounded));
        to[d] = static_cast<int8_t>(value);
        sum += value;
        squares += value * value;
    }
    return {scale, sum, squares};
}

// The length of what the bytes of some numbers are off by.
inline float rounding_of(const std::vector<float>& worth, const int8_t* bytes, float scale) {
    double squares = 0;
    for (size_t d = 0; d < worth.size(); d++) {
        const double off = worth[d] - static_cast<double>(bytes[d]) * scale;
        squares += off * off;
    }
    return static_cast<float>(std::sqrt(squares));
}

} // namespace vane
