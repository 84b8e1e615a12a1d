// What is near to a node of a draft: by codes, or by the rows where codes cannot tell them apart.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "build/draft.h"
#include "build/prune.h"
#include "rows.h"
#include "search/resolution.h"
#include "search/walk.h"

namespace vane {

class Neighbours {
  public:
    // `scouts` are where walks begin, which keep `ef` candidates.
    Neighbours(
            const Draft& draft,
            const float* rows,
            const std::vector<int32_t>& scouts,
            size_t ef)
            : draft_(draft), rows_(rows), scouts_(scouts), ef_(ef) {}

    // Calls `body` with the nodes that a walk finds near to a node, sorted, and with the pairs that
    // `prune` wants of them.
    template <class Body>
    void find(int32_t node, const Body& body) const {
        const Columns columns = draft_.columns();
        const Task task{scouts_, columns, draft_.equals(), nullptr, ef_};
        const auto by = [&](const auto& costs) {
            std::vector<Candidate> near = walk(task, costs);
            // One that is linked already finds itself.
            const auto is_itself = [&](const Candidate& one) { return one.node == node; };
            near.erase(std::remove_if(near.begin(), near.end(), is_itself), near.end());
            return near;
        };
        // Of a full list the node itself was one.
        judge(node, columns, ef_ - 1, by, body);
    }

    // The same with some nodes that are given.
    template <class Body>
    void sort(int32_t node, const std::vector<int32_t>& others, const Body& body) const {
        const Columns columns = draft_.columns();
        const auto by = [&](const auto& costs) {
            std::vector<Candidate> sorted;
            costs.each_about(others.data(), others.size(), [&](int32_t other, float about) {
                sorted.push_back({costs.cost(other, about), other});
            });
            std::sort(sorted.begin(), sorted.end(), is_before);
            return sorted;
        };
        judge(node, columns, others.size(), by, body);
    }

  private:
    template <class By, class Body>
    void judge(
            int32_t node,
            const Columns& columns,
            size_t full,
            const By& by,
            const Body& body) const {
        const float* row = draft_.row(rows_, node);
        const bool inner_product = draft_.metric() == VANE_INNER_PRODUCT;
        const CodedQuery query(draft_.quantizer(), row, inner_product);
        const std::vector<Candidate> near = by(ByCodes(columns, query));
        const Resolution resolution(query, columns);
        if (resolution.found_the_nearest(near, full) && resolution.knows_the_first(near)) {
            body(near, CodePairs(draft_.quantizer(), columns, inner_product));
            return;
        }
        with_metric(draft_.metric(), [&](auto metric) {
            using Metric = decltype(metric);
            const size_t dim = draft_.dim();
            body(by(ByRows<Metric>(rows_, dim, row)), RowPairs<Metric>(rows_, dim));
        });
    }

    const Draft& draft_;
    const float* rows_;
    const std::vector<int32_t>& scouts_;
    size_t ef_;
};

} // namespace vane
