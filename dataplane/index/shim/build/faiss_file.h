// Graphs as earlier versions kept them.
#pragma once

#include <cstddef>
#include <vector>

#include "rows.h"

namespace vane {

// An image of a file that only has links, in memory. Every number in it that is used as an offset
// is checked.
std::vector<char> image_of_faiss_file(
        const char* file, size_t bytes, int metric, const Matrix& matrix);

} // namespace vane
