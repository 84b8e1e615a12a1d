// What is searched, and for what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "format/image.h"
#include "vane_faiss.h"

namespace vane {

// A node and how far it is.
struct Candidate {
    float cost;
    int32_t node;
};

// By node where costs are equal: an answer must not depend on the order of looking.
inline bool is_before(const Candidate& a, const Candidate& b) {
    return a.cost < b.cost || (a.cost == b.cost && a.node < b.node);
}

// What a walk is for: so many results, of which those are of use that cost no more than `within`.
struct Wanted {
    size_t k = 1;
    float within = std::numeric_limits<float>::infinity();
    // Candidates that are looked around however little can be found: the way there needs some. One
    // in four where it is 0.
    size_t least = 0;
};

struct Task {
    // Where a walk may begin.
    const std::vector<int32_t>& scouts;
    const Columns& columns;
    const Equals& equals;
    // Null: all rows may be returned.
    const vane_select* select;
    // Candidates kept on the way.
    size_t ef;
    Wanted wanted = {};

    // Whether a row may be returned.
    bool admits(uint32_t row) const;

    // Whether the row of a node or one that is equal to it may be returned.
    bool admits_node(int32_t node) const {
        if (!select) {
            return true;
        }
        bool may_be = false;
        equals.each_from(node, [&](uint32_t row) {
            may_be = admits(row);
            return !may_be;
        });
        return may_be;
    }
};

inline bool Task::admits(uint32_t row) const {
    if (!select) {
        return true;
    }
    bool may_be = true;
    if (select->slots) {
        const uint32_t slot = select->slots[row];
        const size_t word = slot / 64;
        may_be = word < select->allow_words && ((select->allow[word] >> (slot % 64)) & 1);
    }
    if (select->died) {
        may_be &= __atomic_load_n(&select->died[row], __ATOMIC_RELAXED) > select->at;
    }
    return may_be;
}

} // namespace vane
