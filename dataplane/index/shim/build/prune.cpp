#include "build/prune.h"

namespace vane {

size_t Pruning::choose(const std::vector<Candidate>& sorted, size_t most, int32_t* links) {
    size_t taken = 0;
    for (const Candidate& candidate : sorted) {
        if (taken == most) {
            break;
        }
        if (is_behind_another(candidate, taken)) {
            continue;
        }
        if (taken_.size() == taken) {
            taken_.emplace_back(quantizer_, inner_product_);
        }
        taken_[taken].set(columns_.code(candidate.node));
        links[taken++] = candidate.node;
    }
    return taken;
}

bool Pruning::is_behind_another(const Candidate& candidate, size_t taken) const {
    const Code code = columns_.code(candidate.node);
    const auto facts = [&] { return columns_.facts(candidate.node); };
    for (size_t i = 0; i < taken; i++) {
        const float rough = taken_[i].rough_cost(code.upper, facts);
        if (rough - taken_[i].roughness() >= candidate.cost) {
            continue;
        }
        if (taken_[i].cost(code, facts) < candidate.cost) {
            return true;
        }
    }
    return false;
}

} // namespace vane
