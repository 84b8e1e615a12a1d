// Exact scores, one query against given rows or a whole block.

#include "rows.h"

namespace {

// `row(i)` is the address of the i-th row to score.
template <class Metric, class Row>
void score_all(size_t count, Row row, const float* query, size_t dim, float* out) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const float* y[4] = {row(i), row(i + 1), row(i + 2), row(i + 3)};
        float costs[4];
        Metric::costs(query, y, dim, costs);
        for (size_t j = 0; j < 4; j++) {
            out[i + j] = Metric::score(costs[j]);
        }
    }
    for (; i < count; i++) {
        out[i] = Metric::score(Metric::cost(query, row(i), dim));
    }
}

} // namespace

void vane_scores_of(
        int metric,
        size_t dim,
        const float* rows,
        const uint32_t* which,
        size_t count,
        const float* query,
        float* out) {
    vane::with_metric(metric, [&](auto m) {
        auto row = [&](size_t i) { return rows + static_cast<size_t>(which[i]) * dim; };
        score_all<decltype(m)>(count, row, query, dim, out);
    });
}
