// A graph in the making: what will be the columns of its image, in memory.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "build/copies.h"
#include "codes/quantizer.h"
#include "format/image.h"

namespace vane {

// What codes of few bits are made of.
struct Few {
    size_t bits;
    // Those of the draft.
    const float* rows;
    // Threads that make them, at most.
    size_t threads;
};

class Draft {
  public:
    // Rows without links, and the codes of their rows, which are made on up to `threads` threads.
    Draft(int metric, size_t dim, size_t links, const float* rows, Copies copies, size_t threads);

    size_t rows() const {
        return layout_.rows;
    }

    const std::vector<int32_t>& nodes() const {
        return copies_.originals;
    }

    size_t dim() const {
        return layout_.dim;
    }

    size_t links_max() const {
        return layout_.links;
    }

    const Quantizer& quantizer() const {
        return quantizer_;
    }

    int metric() const {
        return metric_;
    }

    // The row of a node.
    const float* row(const float* rows, int32_t node) const {
        return rows + static_cast<size_t>(node) * layout_.dim;
    }

    // links_max() places; -1 from the first empty one on.
    int32_t* links(int32_t node) {
        return reinterpret_cast<int32_t*>(
                columns_.get() + static_cast<size_t>(node) * layout_.links_bytes());
    }

    // Takes all links away.
    void unlink();

    Columns columns() const {
        return {layout_, metric_, columns_.get()};
    }

    Equals equals() const {
        return {copies_.next.empty() ? nullptr : copies_.next.data(), layout_.rows};
    }

    // Writes the image. `scouts` are where searches begin.
    void write(const std::vector<int32_t>& scouts, size_t reached, const Put& put) const;

    // The same with codes of few bits in place of those that it was linked by.
    void write_few(
            const Few& few,
            const std::vector<int32_t>& scouts,
            size_t reached,
            const Put& put) const;

  private:
    struct Free {
        void operator()(char* memory) const {
            std::free(memory);
        }
    };

    void encode(const float* row, size_t node);

    void write_head(
            const Layout& layout,
            const Quantizer& quantizer,
            const std::vector<int32_t>& scouts,
            size_t reached,
            const Put& put) const;

    int metric_;
    Layout layout_;
    Copies copies_;
    Quantizer quantizer_;
    std::unique_ptr<char, Free> columns_;
};

} // namespace vane
