// What is searched, and for what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/image.h"
#include "vane_faiss.h"

namespace vane {

// A node and how far it is, by its code.
struct Candidate {
    float cost;
    int32_t node;
};

// By node where costs are equal: an answer must not depend on the order of looking.
inline bool is_before(const Candidate& a, const Candidate& b) {
    return a.cost < b.cost || (a.cost == b.cost && a.node < b.node);
}

struct Task {
    // Where a walk may begin.
    const std::vector<int32_t>& scouts;
    const Columns& columns;
    const Equals& equals;
    const CodedQuery& query;
    // Null: all rows may be returned.
    const vane_select* select;
    // Candidates kept on the way.
    size_t ef;

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

    // Calls `body` with each node of a list and its rough cost, in their order.
    template <class Body>
    void each_rough_cost(const int32_t* nodes, size_t count, Body&& body) const {
        size_t i = 0;
        for (; i + GROUP <= count; i += GROUP) {
            const uint8_t* uppers[GROUP];
            float costs[GROUP];
            for (size_t j = 0; j < GROUP; j++) {
                uppers[j] = columns.code(nodes[i + j]).upper;
            }
            query.rough_costs(
                    uppers, [&](size_t j) { return columns.facts(nodes[i + j]); }, costs);
            for (size_t j = 0; j < GROUP; j++) {
                body(nodes[i + j], costs[j]);
            }
        }
        for (; i < count; i++) {
            const auto facts = [&] { return columns.facts(nodes[i]); };
            body(nodes[i], query.rough_cost(columns.code(nodes[i]).upper, facts));
        }
    }

    float cost(int32_t node) const {
        return query.cost(columns.code(node), [&] { return columns.facts(node); });
    }

  private:
    // Codes that are compared together.
    static constexpr size_t GROUP = 4;
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
