// Exact scores of what was found by codes.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "format/graph.h"
#include "rows.h"
#include "search/counter.h"
#include "search/task.h"

namespace vane {

// A row and its exact cost.
struct Found {
    float cost;
    uint32_t row;
};

inline bool is_nearer(const Found& a, const Found& b) {
    return a.cost < b.cost || (a.cost == b.cost && a.row < b.row);
}

// The k nearest of the rows that were found and of their equals, by exact cost. One is passed over
// only where its code proves that it is none of them, or makes it most unlikely where it has few
// bits.
template <class Metric, class Codes>
class Rescoring {
  public:
    Rescoring(const Task& task, const Codes& codes, const vane_search& search, size_t k)
            : task_(task),
              codes_(codes),
              rows_(search.rows),
              query_(search.query),
              dim_(search.graph->heading.layout.dim),
              k_(k) {
        best_.reserve(k_ + 1);
    }

    void run(const std::vector<Candidate>& found) {
        run(found, 0, found.size());
    }

    // The same with some of them.
    void run(const std::vector<Candidate>& found, size_t next, size_t end) {
        while (next < end) {
            int32_t batch[BATCH];
            const float* values[BATCH];
            size_t count = 0;
            for (; next < end && count < BATCH; next++) {
                const Candidate& candidate = found[next];
                // Also where either is no number.
                if (!(candidate.cost - codes_.slack(candidate) > worst())) {
                    batch[count] = candidate.node;
                    values[count] = rows_ + static_cast<size_t>(candidate.node) * dim_;
                    fetch_row(values[count++], dim_);
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
        compared_here += count;
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

    const Task& task_;
    const Codes& codes_;
    const float* rows_;
    const float* query_;
    size_t dim_, k_;
    std::vector<Found> best_;
};

} // namespace vane
