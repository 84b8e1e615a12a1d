// Scores of rows that are too short for vector instructions to gain anything: value after value,
// so that they are those of any program that adds up from left to right, to the last bit.
#pragma once

#include <cstddef>

namespace vane {

// Dimensions from which on rows are not short.
constexpr size_t SHORT_DIM_END = 16;

float short_inner_product(const float* q, const float* y, size_t d);

// The square of the distance.
float short_l2(const float* q, const float* y, size_t d);

} // namespace vane
