// How far rows are from a query: by their codes, or by themselves.
//
// Both are asked in two steps. The first says of each of some nodes what it costs about, the second
// of those that may be among the best what it costs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codes/few_bits.h"
#include "codes/quantizer.h"
#include "format/image.h"
#include "rows.h"
#include "search/task.h"

namespace vane {

// Rows that are compared together.
constexpr size_t GROUP = 4;

// By whole codes a first look at the upper halves decides most; the lower ones are waited for by
// few. Of codes of few bits there is nothing else.
template <class Columns, class Query>
class ByCodesOf {
  public:
    ByCodesOf(const Columns& columns, const Query& query) : columns_(columns), query_(query) {}

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

    float cost(int32_t node, [[maybe_unused]] float about) const {
        if constexpr (Query::IS_WHOLE) {
            return query_.cost(columns_.code(node), [&] { return columns_.facts(node); });
        } else {
            return about;
        }
    }

    // Asks for what the two below need, soon.
    void fetch_facts(int32_t node) const {
        columns_.fetch_facts(node);
    }

    // How much less than its code's cost that of a row can be.
    float slack(const Candidate& row) const {
        return query_.slack(columns_.facts(row.node), row.cost);
    }

    // The same in nearly all cases.
    float likely_off(const Candidate& row) const {
        return query_.likely_off(columns_.facts(row.node), row.cost);
    }

  private:
    const Columns& columns_;
    const Query& query_;
};

using ByCodes = ByCodesOf<Columns, CodedQuery>;
using ByFew = ByCodesOf<FewColumns, FewQuery>;

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
