// Which of the nodes near to a node it is linked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codes/quantizer.h"
#include "format/image.h"
#include "search/task.h"

namespace vane {

class Pruning {
  public:
    Pruning(const Quantizer& quantizer, const Columns& columns, bool inner_product)
            : quantizer_(quantizer), columns_(columns), inner_product_(inner_product) {}

    // Writes up to `most` of the candidates, which are sorted, to `links`, and says how many.
    // One is left out where another that was taken is nearer to it than the node itself is: the
    // way to it leads over that other one. Links of all directions remain (Malkov and Yashunin,
    // arXiv:1603.09320, algorithm 4).
    size_t choose(const std::vector<Candidate>& sorted, size_t most, int32_t* links);

  private:
    bool is_behind_another(const Candidate& candidate, size_t taken) const;

    const Quantizer& quantizer_;
    const Columns& columns_;
    bool inner_product_;
    // Those taken, as queries; more than there are now, so that their memory is used again.
    std::vector<CodeQuery> taken_;
};

} // namespace vane
