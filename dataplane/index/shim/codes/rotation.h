// One fixed rotation of all rows of so many dimensions.
//
// What is told apart in few dimensions is so in all of them afterwards, by about as much in each:
// codes of few bits lose the least of such rows, and what one is off by has any direction.
#pragma once

#include <cstddef>

namespace vane {

// Writes the rotated row. Signs drawn by chance, Walsh-Hadamard transforms over as many dimensions
// as are a power of two, and sums and differences of the two halves, by turns: with each the
// length stays.
void rotate(const float* row, size_t dim, float* to);

} // namespace vane
