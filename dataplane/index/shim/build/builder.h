// Links the nodes of a draft, batch by batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "build/adopt.h"
#include "build/draft.h"

namespace vane {

// A batch is connected to what was there before it: each of its nodes looks for its neighbours by
// itself, then each neighbour chooses among the links that it was offered. So several threads build
// the same graph, to the bit, as one does (Dobson et al., arXiv:2305.04359, section 3).
class Builder {
  public:
    // `rows` are those of the draft; `ef` candidates are kept while a node's links are sought.
    // What was adopted is there from the start.
    Builder(Draft draft, Adopted adopted, size_t ef);

    // Connects up to `count` further nodes.
    void insert(const float* rows, size_t count, size_t threads);

    // Nodes that are still missing.
    size_t left() const {
        return order_.size() - next_;
    }

    // To be called when no node is missing: leads ways to nodes that no walk could come to.
    void finish(const float* rows, size_t threads);

    const std::vector<int32_t>& scouts() const {
        return scouts_;
    }

    size_t reached() const {
        return reached_;
    }

    const Draft& draft() const {
        return draft_;
    }

  private:
    // A link that a node is offered.
    struct Offer {
        int32_t to, from;
    };

    void choose_scouts(size_t nodes);
    void connect(const float* rows, size_t end, size_t threads);
    void seek(const float* rows, int32_t node, int32_t* links);
    void mend(const float* rows, size_t threads);
    std::vector<Offer> offers(size_t end);
    void accept(const float* rows, const Offer* offers, size_t count);

    Draft draft_;
    size_t ef_;
    std::vector<int32_t> torn_;
    std::vector<int32_t> order_;
    size_t next_; // in `order_`
    std::vector<int32_t> scouts_;
    size_t reached_ = 0;
};

} // namespace vane
