// Rows of equal bytes: only the first of them is a node of the graph.
//
// As nodes they would only link to each other: a walk that comes among them finds no way out, and
// one from outside meets nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vane {

struct Copies {
    // Rows that no earlier one is equal to.
    std::vector<int32_t> originals;
    // For each row the next one that is equal to it, -1 for none; empty where there is no copy.
    std::vector<int32_t> next;

    // Takes all for originals.
    static Copies none(size_t rows);
    static Copies find(const float* rows, size_t count, size_t dim);
};

} // namespace vane
