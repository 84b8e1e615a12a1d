// Which of the nodes near to a node it is linked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codes/quantizer.h"
#include "format/image.h"
#include "search/task.h"

namespace vane {

// What nodes that were taken cost each other, by their codes.
class CodePairs {
  public:
    CodePairs(const Quantizer& quantizer, const Columns& columns, bool inner_product)
            : quantizer_(quantizer), columns_(columns), inner_product_(inner_product) {}

    void take(int32_t node) {
        taken_.emplace_back(quantizer_, inner_product_);
        taken_.back().set(columns_.code(node));
    }

    // Whether one that was taken is nearer to the candidate than what that is a candidate of.
    bool is_behind_another(const Candidate& candidate) const {
        const Code code = columns_.code(candidate.node);
        const auto facts = [&] { return columns_.facts(candidate.node); };
        for (const CodeQuery& other : taken_) {
            const bool may_be = other.rough_cost(code.upper, facts) - other.roughness() <
                    candidate.cost;
            if (may_be && other.cost(code, facts) < candidate.cost) {
                return true;
            }
        }
        return false;
    }

  private:
    const Quantizer& quantizer_;
    const Columns& columns_;
    bool inner_product_;
    std::vector<CodeQuery> taken_;
};

// The same by the rows themselves.
template <class Metric>
class RowPairs {
  public:
    RowPairs(const float* rows, size_t dim) : rows_(rows), dim_(dim) {}

    void take(int32_t node) {
        taken_.push_back(row(node));
    }

    bool is_behind_another(const Candidate& candidate) const {
        for (const float* other : taken_) {
            if (Metric::cost(other, row(candidate.node), dim_) < candidate.cost) {
                return true;
            }
        }
        return false;
    }

  private:
    const float* row(int32_t node) const {
        return rows_ + static_cast<size_t>(node) * dim_;
    }

    const float* rows_;
    size_t dim_;
    std::vector<const float*> taken_;
};

// Writes up to `most` of the candidates, which are sorted, to `links`, and says how many. One is
// left out where another that was taken is nearer to it than the node itself is: the way to it
// leads over that other one. Links of all directions remain (Malkov and Yashunin,
// arXiv:1603.09320, algorithm 4).
template <class Pairs>
size_t prune(
        const std::vector<Candidate>& sorted, Pairs&& pairs, size_t most, int32_t* links) {
    size_t taken = 0;
    for (const Candidate& candidate : sorted) {
        if (taken == most) {
            break;
        }
        if (!pairs.is_behind_another(candidate)) {
            pairs.take(candidate.node);
            links[taken++] = candidate.node;
        }
    }
    return taken;
}

} // namespace vane
