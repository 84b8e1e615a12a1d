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

// What a search is made of: its parts refer to one another.
struct Search {
    const vane::Heading& heading;
    const vane::Columns columns;
    const vane::Equals equals;
    const vane::CodedQuery coded;
    const vane::Task task;

    Search(const vane_search& search, const float* within, bool with_equals)
            : heading(search.graph->heading),
              columns(heading, search.graph->image(search.file)),
              equals(with_equals ? vane::Equals(heading, search.graph->image(search.file))
                                 : vane::Equals(nullptr, heading.rows())),
              coded(heading.quantizer, search.query, heading.metric == VANE_INNER_PRODUCT),
              task{heading.scouts,
                   columns,
                   equals,
                   search.select,
                   search.ef,
                   {search.k, bound(heading, within)}} {}

  private:
    static float bound(const vane::Heading& heading, const float* within) {
        if (!within) {
            return std::numeric_limits<float>::infinity();
        }
        return heading.metric == VANE_INNER_PRODUCT ? -*within : *within;
    }
};

// The answer, from candidates.
template <class Metric>
void answer(
        const vane_search& search, const Search& parts, const std::vector<Candidate>& found) {
    Rescoring<Metric> rescoring(parts.task, parts.coded, search);
    rescoring.run(found);
    const std::vector<Found>& best = rescoring.best();
    for (size_t i = 0; i < search.k; i++) {
        const bool is_there = i < best.size();
        search.ids[i] = is_there ? static_cast<int64_t>(best[i].row) : -1;
        search.scores[i] = is_there ? Metric::score(best[i].cost) : 0;
    }
}

// Those that may be returned of what a walk over all rows finds; null where they are too few.
// Whether a row may be returned is asked of what was found, and not of each that is met.
const std::vector<Candidate>* walked_over(
        const vane_search& search, const Search& parts, size_t over) {
    static thread_local std::vector<Candidate> may_be;
    vane::Wanted wanted = parts.task.wanted;
    wanted.k = std::max(wanted.k, wanted.k * over / search.ef);
    wanted.least = std::max(search.k, search.ef / 4);
    const vane::Task task{
            parts.task.scouts, parts.columns, parts.equals, nullptr, over, wanted};
    const vane::Judge judge(parts.task, over);
    const auto& found = vane::walk(task, vane::ByCodes(parts.columns, parts.coded), &judge);
    if (!vane::Resolution(parts.coded, parts.columns).found_the_nearest(found, search.ef)) {
        return nullptr;
    }
    may_be.clear();
    vane::Seen seen(parts.task.wanted.k);
    for (const Candidate& candidate : found) {
        const bool may = parts.task.admits_node(candidate.node);
        seen.add(may);
        if (may) {
            may_be.push_back(candidate);
        }
    }
    return judge.is_enough(seen) ? &may_be : nullptr;
}

// By codes, or by the rows where codes cannot tell them apart.
template <class Metric>
const std::vector<Candidate>& walked(
        const vane_search& search, const Search& parts, size_t over, bool again) {
    if (parts.task.select && over >= search.ef) {
        if (const auto* found = walked_over(search, parts, over)) {
            return *found;
        }
        if (!again) {
            static const std::vector<Candidate> nothing;
            return nothing;
        }
    }
    const auto& found = vane::walk(parts.task, vane::ByCodes(parts.columns, parts.coded));
    if (vane::Resolution(parts.coded, parts.columns).found_the_nearest(found, search.ef)) {
        return found;
    }
    const size_t dim = parts.heading.layout.dim;
    return vane::walk(parts.task, vane::ByRows<Metric>(search.rows, dim, search.query));
}

} // namespace

uint64_t vane_compared_here(void) {
    return vane::compared_here;
}

int vane_graph_walk(const vane_search* search, size_t over, int again, const float* within) {
    return vane::guarded([&] {
        const Search parts(*search, within, true);
        vane::with_metric(parts.heading.metric, [&](auto metric) {
            using Metric = decltype(metric);
            answer<Metric>(*search, parts, walked<Metric>(*search, parts, over, again != 0));
        });
    });
}

int vane_graph_scan(const vane_search* search, const uint32_t* among, size_t count) {
    return vane::guarded([&] {
        // Each row is looked at itself.
        const Search parts(*search, nullptr, false);
        vane::with_metric(parts.heading.metric, [&](auto metric) {
            using Metric = decltype(metric);
            answer<Metric>(
                    *search, parts, vane::scan(parts.task, parts.coded, among, count));
        });
    });
}
