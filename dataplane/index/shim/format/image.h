// A graph as it lies in its file, and as it is searched there.
//
//     0    magic 8 │ metric u32 │ dim u32 │ rows u64 │ nodes u64 │ reached u64 │ links u32 │
//          scouts u32 │ bits of a dimension u32, 0 of whole codes │ zeros
//     64   centre of each dimension, f32 │ step of each, f32 │ scouts, u32
//     …    where rows are equal: the next one that is equal to each row, i32, -1 for none
//     …    zeros to 64, and so before each of what follows
//     …    links of each row, i32, -1 for none, padded to 64
//     …    upper halves of the code of each row, or its code of few bits
//     …    lower halves of the code of each row; none of few bits
//     …    norm, error and reach of each row, f32; of few bits its scale, too
//
// Numbers are little-endian. A node of the graph is a row that no earlier one is equal to; it
// stands for those that are. Nearly all that a search looks at are upper halves: they lie by
// themselves, so that they are dense in caches and in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "codes/few_bits.h"
#include "codes/quantizer.h"
#include "require.h"
#include "vane_faiss.h"

namespace vane {

// Nodes that a search begins with a look at. With 32 to 512 of them recall was the same within its
// error; each costs as much as a comparison.
constexpr size_t SCOUTS_MAX = 128;

// Where an image goes, piece by piece.
using Put = std::function<void(const void* bytes, size_t count)>;

// Bits of a dimension of whole codes.
constexpr size_t WHOLE_BITS = 2 * HALF_BITS;

// What is where in the columns of an image, from their start on.
struct Layout {
    size_t dim;
    size_t links; // places for links of a node
    size_t rows;
    size_t bits = WHOLE_BITS; // of a dimension's code

    bool is_whole() const {
        return bits == WHOLE_BITS;
    }

    size_t links_bytes() const {
        return padded(links * sizeof(int32_t));
    }

    // Of the upper or the lower halves of a code, or of one of few bits; whole lines.
    size_t half_bytes() const {
        return code_lines(dim, is_whole() ? HALF_BITS : bits) * LINE;
    }

    size_t facts_bytes() const {
        return is_whole() ? sizeof(RowFacts) : sizeof(FewFacts);
    }

    size_t upper_at() const {
        return rows * links_bytes();
    }

    size_t lower_at() const {
        return upper_at() + rows * half_bytes();
    }

    size_t facts_at() const {
        return lower_at() + (is_whole() ? rows * half_bytes() : 0);
    }

    size_t bytes() const {
        return facts_at() + rows * facts_bytes();
    }
};

// The parts of an image that are kept beside it. It holds no pointer into it.
struct Heading {
    int metric;
    size_t nodes;
    // Nodes that a walk from the scouts can come to.
    size_t reached;
    Layout layout;
    Quantizer quantizer;
    // Nodes that a search compares with its query to find where to begin.
    std::vector<int32_t> scouts;

    // Checks everything but links and equal rows, which a search checks as it goes.
    static Heading read(const char* image, size_t bytes);

    // Writes what an image begins with, up to equal rows.
    void write(const Put& put) const;

    size_t equals_at() const;
    size_t equals_end() const;
    size_t columns_at() const;

    size_t rows() const {
        return layout.rows;
    }

    size_t bytes() const {
        return columns_at() + layout.bytes();
    }
};

// What an image has of each row, with whole codes.
class Columns {
  public:
    // `first` is where they begin.
    Columns(const Layout& layout, int metric, const char* first)
            : links_(first),
              upper_(first + layout.upper_at()),
              lower_(first + layout.lower_at()),
              facts_(first + layout.facts_at()),
              links_max_(layout.links),
              links_bytes_(layout.links_bytes()),
              half_bytes_(layout.half_bytes()),
              rows_(layout.rows),
              has_norm_(metric == VANE_L2) {}

    Columns(const Heading& heading, const char* image)
            : Columns(heading.layout, heading.metric, image + heading.columns_at()) {}

    size_t rows() const {
        return rows_;
    }

    bool is_row(int32_t row) const {
        return row >= 0 && static_cast<size_t>(row) < rows_;
    }

    size_t links_max() const {
        return links_max_;
    }

    const int32_t* links(int32_t node) const {
        return reinterpret_cast<const int32_t*>(links_ + of(node, links_bytes_));
    }

    Code code(int32_t node) const {
        return {reinterpret_cast<const uint8_t*>(upper_ + of(node, half_bytes_)),
                reinterpret_cast<const uint8_t*>(lower_ + of(node, half_bytes_))};
    }

    RowFacts facts(int32_t node) const {
        RowFacts facts;
        std::memcpy(&facts, facts_ + of(node, sizeof(facts)), sizeof(facts));
        return facts;
    }

    // Asks for what a rough cost is made of, soon.
    void fetch_upper(int32_t node) const {
        fetch(upper_ + of(node, half_bytes_), half_bytes_);
        if (has_norm_) {
            fetch_facts(node);
        }
    }

    // Asks for what a cost needs beyond that.
    void fetch_lower(int32_t node) const {
        fetch(lower_ + of(node, half_bytes_), half_bytes_);
    }

    void fetch_facts(int32_t node) const {
        fetch(facts_ + of(node, sizeof(RowFacts)), sizeof(RowFacts));
    }

    void fetch_links(int32_t node) const {
        fetch(links_ + of(node, links_bytes_), links_max_ * sizeof(int32_t));
    }

  protected:
    static size_t of(int32_t node, size_t bytes) {
        return static_cast<size_t>(node) * bytes;
    }

    static void fetch(const char* from, size_t bytes) {
        for (size_t at = 0; at < bytes; at += LINE) {
            __builtin_prefetch(from + at);
        }
    }

    const char *links_, *upper_, *lower_, *facts_;
    size_t links_max_, links_bytes_, half_bytes_, rows_;
    bool has_norm_;
};

// The same with codes of few bits: a cost is never made without facts.
class FewColumns : public Columns {
  public:
    using Columns::Columns;

    FewFacts facts(int32_t node) const {
        FewFacts facts;
        std::memcpy(&facts, facts_ + of(node, sizeof(facts)), sizeof(facts));
        return facts;
    }

    void fetch_upper(int32_t node) const {
        fetch(upper_ + of(node, half_bytes_), half_bytes_);
        fetch_facts(node);
    }

    void fetch_lower(int32_t /*node*/) const {}

    void fetch_facts(int32_t node) const {
        fetch(facts_ + of(node, sizeof(FewFacts)), sizeof(FewFacts));
    }
};

// The rows that are equal to others.
class Equals {
  public:
    // Null where no two are.
    Equals(const int32_t* next, size_t rows) : next_(next), rows_(rows) {}

    Equals(const Heading& heading, const char* image)
            : Equals(
                      heading.nodes == heading.rows()
                              ? nullptr
                              : reinterpret_cast<const int32_t*>(image + heading.equals_at()),
                      heading.rows()) {}

    // Calls `body` with a row and those after it that are equal to it, until it says false.
    template <class Body>
    void each_from(int32_t row, Body&& body) const {
        while (body(static_cast<uint32_t>(row)) && next_ && next_[row] != -1) {
            // So it ends, whatever the file says.
            require(next_[row] > row && static_cast<size_t>(next_[row]) < rows_,
                    "a row has an impossible equal");
            row = next_[row];
        }
    }

  private:
    const int32_t* next_;
    size_t rows_;
};

// Whether the bytes begin as an image does.
bool is_image(const char* bytes, size_t count);

} // namespace vane
