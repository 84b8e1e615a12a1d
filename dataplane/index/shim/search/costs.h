// How far rows are from a query: by their codes, or by themselves.
//
// Both are asked in two steps. The first says of each of some nodes what it costs about, the second
// of those that may be among the best what it costs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codes/quantizer.h"
#include "format/image.h"
#include "rows.h"

namespace vane {

// Rows that are compared together.
constexpr size_t GROUP = 4;

// A first look at the upper halves decides most; the lower ones are waited for by few.
class ByCodes {
  public:
    ByCodes(const Columns& columns, const CodedQuery& query) : columns_(columns), query_(query) {}

    void fetch(int32_t node) const {
        columns_.fetch_upper(node);
    }

    // Calls `body` with each node of a list and what it costs about, in their order.
    template <class Body>
    void each_about(const int32_t* nodes, size_t count, const Body& body) const {
        size_t i = 0;
        for (; i + GROUP <= count; i += GROUP) {
            const uint8_t* uppers[GROUP];
            float costs[GROUP];
            for (size_t j = 0; j < GROUP; j++) {
                uppers[j] = columns_.code(nodes[i + j]).upper;
            }
            query_.rough_costs(
                    uppers, [&](size_t j) { return columns_.facts(nodes[i + j]); }, costs);
            for (size_t j = 0; j < GROUP; j++) {
                body(nodes[i + j], costs[j]);
            }
        }
        for (; i < count; i++) {
            const auto facts = [&] { return columns_.facts(nodes[i]); };
            body(nodes[i], query_.rough_cost(columns_.code(nodes[i]).upper, facts));
        }
    }

    // How far what a node costs is from what it costs about.
    float margin() const {
        return query_.roughness();
    }

    void fetch_rest(int32_t node) const {
        columns_.fetch_lower(node);
    }

    float cost(int32_t node, float /*about*/) const {
        return query_.cost(columns_.code(node), [&] { return columns_.facts(node); });
    }

  private:
    const Columns& columns_;
    const CodedQuery& query_;
};

template <class Metric>
class ByRows {
  public:
    ByRows(const float* rows, size_t dim, const float* query)
            : rows_(rows), dim_(dim), query_(query) {}

    void fetch(int32_t node) const {
        fetch_row(row(node), dim_);
    }

    template <class Body>
    void each_about(const int32_t* nodes, size_t count, const Body& body) const {
        size_t i = 0;
        for (; i + GROUP <= count; i += GROUP) {
            const float* const four[GROUP] = {
                    row(nodes[i]), row(nodes[i + 1]), row(nodes[i + 2]), row(nodes[i + 3])};
            float costs[GROUP];
            Metric::costs(query_, four, dim_, costs);
            for (size_t j = 0; j < GROUP; j++) {
                body(nodes[i + j], costs[j]);
            }
        }
        for (; i < count; i++) {
            body(nodes[i], Metric::cost(query_, row(nodes[i]), dim_));
        }
    }

    float margin() const {
        return 0;
    }

    void fetch_rest(int32_t /*node*/) const {}

    float cost(int32_t /*node*/, float about) const {
        return about;
    }

  private:
    const float* row(int32_t node) const {
        return rows_ + static_cast<size_t>(node) * dim_;
    }

    const float* rows_;
    size_t dim_;
    const float* query_;
};

} // namespace vane
