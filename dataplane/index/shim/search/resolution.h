// Whether codes can tell the rows apart that lie around a query.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "codes/quantizer.h"
#include "format/image.h"
#include "search/task.h"

namespace vane {

// A code has the steps of all rows. Where many rows lie close together it says the same of all of
// them: then of two candidates far from each other in their order, the second is no farther from
// the query than codes are off.
class Resolution {
  public:
    Resolution(const CodedQuery& query, const Columns& columns)
            : query_(query), columns_(columns) {}

    // Whether the candidates are the nearest `ef` that there are, and not any of many like them.
    // Less of them are all that there are.
    bool found_the_nearest(const std::vector<Candidate>& sorted, size_t ef) const {
        return sorted.size() < ef || sorted.size() < 2 ||
                tells_apart(sorted[sorted.size() / 2], sorted.back());
    }

    // Whether the first of them come in their order.
    bool knows_the_first(const std::vector<Candidate>& sorted) const {
        return sorted.size() < 2 ||
                tells_apart(sorted[0], sorted[std::min(FIRST, sorted.size()) - 1]);
    }

  private:
    // Of these the links are chosen first, on which the way to all others depends: where the first
    // and the fourth are alike, any of what is near could be taken for the nearest.
    static constexpr size_t FIRST = 4;

    bool tells_apart(const Candidate& nearer, const Candidate& farther) const {
        // False where it is no number.
        return farther.cost - nearer.cost >
                query_.likely_off(columns_.facts(farther.node), farther.cost);
    }

    const CodedQuery& query_;
    const Columns& columns_;
};

} // namespace vane
