// Searching a graph: by codes, and exact scores of what was found.

#include <algorithm>
#include <cfloat>
#include <limits>

#include "format/graph.h"
#include "guard.h"
#include "require.h"
#include "rows.h"
#include "search/counter.h"
#include "search/resolution.h"
#include "search/scan.h"
#include "search/walk.h"

namespace {

using vane::Candidate;

// A row and its exact cost.
struct Found {
    float cost;
    uint32_t row;
};

bool is_nearer(const Found& a, const Found& b) {
    return a.cost < b.cost || (a.cost == b.cost && a.row < b.row);
}

// The k nearest of the rows that were found and of their equals, by exact cost. One is passed over
// only where its code proves that it is none of them.
template <class Metric>
class Rescoring {
  public:
    Rescoring(
            const vane::Task& task, const vane::CodedQuery& coded, const vane_search& search)
            : task_(task),
              coded_(coded),
              rows_(search.rows),
              query_(search.query),
              dim_(search.graph->heading.layout.dim),
              k_(search.k) {
        best_.reserve(k_ + 1);
    }

    void run(const std::vector<Candidate>& found) {
        size_t next = 0;
        while (next < found.size()) {
            int32_t batch[BATCH];
            const float* values[BATCH];
            size_t count = 0;
            for (; next < found.size() && count < BATCH; next++) {
                const Candidate& candidate = found[next];
                const float slack = coded_.slack(
                        task_.columns.facts(candidate.node), candidate.cost);
                // Also where either is no number.
                if (!(candidate.cost - slack > worst())) {
                    batch[count] = candidate.node;
                    values[count] = rows_ + static_cast<size_t>(candidate.node) * dim_;
                    vane::fetch_row(values[count++], dim_);
                }
            }
            score(batch, values, count);
        }
    }

    const std::vector<Found>& best() const {
        return best_;
    }

  private:
    // As many as FAISS's kernels take at once; they are asked for together.
    static constexpr size_t BATCH = 4;

    // A row is of use only if it is nearer than this.
    float worst() const {
        return best_.size() < k_ ? std::numeric_limits<float>::infinity() : best_.back().cost;
    }

    void score(const int32_t* batch, const float* const* values, size_t count) {
        vane::compared_here += count;
        float costs[BATCH];
        if (count == BATCH) {
            Metric::costs(query_, values, dim_, costs);
        } else {
            for (size_t i = 0; i < count; i++) {
                costs[i] = Metric::cost(query_, values[i], dim_);
            }
        }
        for (size_t i = 0; i < count; i++) {
            keep_all(costs[i], batch[i]);
        }
    }

    // Equal rows have one cost.
    void keep_all(float cost, int32_t node) {
        // A score beyond f32 is never returned.
        if (cost == FLT_MAX) {
            return;
        }
        size_t kept = 0;
        task_.equals.each_from(node, [&](uint32_t row) {
            if (task_.admits(row)) {
                keep({cost, row});
                kept++;
            }
            return kept < k_;
        });
    }

    void keep(Found found) {
        if (best_.size() == k_ && !is_nearer(found, best_.back())) {
            return;
        }
        best_.insert(std::upper_bound(best_.begin(), best_.end(), found, is_nearer), found);
        if (best_.size() > k_) {
            best_.pop_back();
        }
    }

    const vane::Task& task_;
    const vane::CodedQuery& coded_;
    const float* rows_;
    const float* query_;
    size_t dim_, k_;
    std::vector<Found> best_;
};

// Candidates by `find` from codes, or from the rows where codes cannot tell them apart, and from
// them the answer; their equals too where they stand for those.
template <class Find>
void answer(
        const vane_search& search, const float* within, bool with_equals, const Find& find) {
    const vane::Heading& heading = search.graph->heading;
    const char* image = search.graph->image(search.file);
    const vane::Columns columns(heading, image);
    const vane::Equals equals = with_equals ? vane::Equals(heading, image)
                                            : vane::Equals(nullptr, heading.rows());
    const bool inner_product = heading.metric == VANE_INNER_PRODUCT;
    const vane::CodedQuery coded(heading.quantizer, search.query, inner_product);
    const float bound = !within        ? std::numeric_limits<float>::infinity()
                        : inner_product ? -*within
                                        : *within;
    const vane::Task task{
            heading.scouts, columns, equals, search.select, search.ef, {search.k, bound}};
    const std::vector<Candidate>* found = &find(task, vane::ByCodes(columns, coded));
    vane::with_metric(heading.metric, [&](auto metric) {
        using Metric = decltype(metric);
        if (!vane::Resolution(coded, columns).found_the_nearest(*found, search.ef)) {
            found = &find(
                    task,
                    vane::ByRows<Metric>(search.rows, heading.layout.dim, search.query));
        }
        Rescoring<Metric> rescoring(task, coded, search);
        rescoring.run(*found);
        const std::vector<Found>& best = rescoring.best();
        for (size_t i = 0; i < search.k; i++) {
            const bool is_there = i < best.size();
            search.ids[i] = is_there ? static_cast<int64_t>(best[i].row) : -1;
            search.scores[i] = is_there ? Metric::score(best[i].cost) : 0;
        }
    });
}

} // namespace

uint64_t vane_compared_here(void) {
    return vane::compared_here;
}

int vane_graph_walk(const vane_search* search, const float* within) {
    return vane::guarded([&] {
        const auto find = [](const vane::Task& task, const auto& costs) -> const auto& {
            return vane::walk(task, costs);
        };
        answer(*search, within, true, find);
    });
}

int vane_graph_scan(const vane_search* search, const uint32_t* among, size_t count) {
    return vane::guarded([&] {
        const auto find = [&](const vane::Task& task, const auto& costs) -> const auto& {
            return vane::scan(task, costs, among, count);
        };
        answer(*search, nullptr, false, find);
    });
}
