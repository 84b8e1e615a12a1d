// Rows that what codes are made by is learnt from.
#pragma once

#include <cstddef>
#include <vector>

namespace vane {

// Some of the rows, spread over all. Those with values that are not finite are not among them, nor
// those that are far longer than most.
std::vector<const float*> sample(const float* rows, size_t count, size_t dim);

// Rows of a sample, at most; looked at in a few milliseconds.
constexpr size_t SAMPLE_MAX = 4096;

} // namespace vane
