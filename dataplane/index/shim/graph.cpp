// Building and searching a graph.
//
// Both drive faiss::HNSW directly instead of faiss::IndexHNSW. IndexHNSW runs inside
// OpenMP regions, where an exception ends the process and every calling thread grows
// a team of its own; it also allocates its visited table per query and its locks per
// added chunk, and wants to own the rows.

#include "graph.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <faiss/impl/IDSelector.h>
#include <faiss/impl/ResultHandler.h>
#include <faiss/utils/random.h>

#include "guard.h"
#include "rows.h"

namespace {

// Fixed: the same rows must always give the same graph.
constexpr int64_t ORDER_SEED = 789;

// Rows of high levels first, as later rows descend through them; random within a
// level, so that rows which arrive sorted do not make a lopsided graph. The order is one
// over all rows: ordered chunk by chunk, as repeated calls of IndexHNSW::add would be,
// several times as many rows end up with no link to them.
std::vector<int32_t> insertion_order(const std::vector<int>& levels) {
    std::vector<int32_t> order(levels.size());
    std::iota(order.begin(), order.end(), 0);
    faiss::RandomGenerator random(ORDER_SEED);
    for (size_t left = order.size(); left > 1; left--) {
        std::swap(order[left - 1], order[random.rand_int(static_cast<int>(left))]);
    }
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return levels[a] > levels[b];
    });
    return order;
}

struct Admitted final : faiss::IDSelector {
    const vane_select& select;

    explicit Admitted(const vane_select& select) : select(select) {}

    bool is_member(faiss::idx_t row) const override {
        if (select.slots) {
            const uint32_t slot = select.slots[row];
            const size_t word = slot / 64;
            if (word >= select.allow_words || !((select.allow[word] >> (slot % 64)) & 1)) {
                return false;
            }
        }
        return !select.died ||
                __atomic_load_n(&select.died[row], __ATOMIC_RELAXED) > select.at;
    }
};

// One table per thread, as large as the largest graph that thread has searched.
faiss::VisitedTable& visited_table(size_t rows) {
    static thread_local faiss::VisitedTable table(0);
    if (table.visited.size() < rows) {
        table = faiss::VisitedTable(static_cast<int>(rows));
    }
    // A search that ended in an exception has left its marks behind.
    table.advance();
    return table;
}

// A search starts from this many places. From one alone it can end among rows that are
// near one another and far from the query, whatever its ef: 6 of 500 queries on 63,436
// package descriptions found none of their ten nearest, with four places none of the 500.
constexpr size_t STARTS = 4;
// Rows compared to find them; a few microseconds.
constexpr size_t SCOUTS_MAX = 512;

struct Start {
    float distance;
    int32_t row;

    bool operator<(const Start& other) const {
        return distance < other.distance || (distance == other.distance && row < other.row);
    }
};

// The best scouts, each led down to level 1. None twice: FAISS would return it twice.
std::vector<Start> starts(const vane_graph& graph, faiss::DistanceComputer& computer) {
    std::vector<Start> best;
    best.reserve(graph.scouts.size());
    for (const int32_t row : graph.scouts) {
        best.push_back({computer(row), row});
    }
    const size_t kept = std::min(STARTS, best.size());
    std::partial_sort(best.begin(), best.begin() + kept, best.end());
    best.resize(kept);
    for (Start& start : best) {
        for (int level = graph.scout_level; level >= 1; level--) {
            faiss::greedy_update_nearest(
                    graph.index.hnsw, computer, level, start.row, start.distance);
        }
    }
    std::sort(best.begin(), best.end());
    const auto same = [](const Start& a, const Start& b) { return a.row == b.row; };
    best.erase(std::unique(best.begin(), best.end(), same), best.end());
    return best;
}

} // namespace

void vane_graph::choose_scouts() {
    const faiss::HNSW& hnsw = index.hnsw;
    scouts.clear();
    if (hnsw.entry_point < 0) {
        return;
    }
    std::vector<size_t> reaching(hnsw.max_level + 2, 0); // rows that reach above a level
    for (const int levels : hnsw.levels) {
        for (int level = 0; level < levels && level <= hnsw.max_level; level++) {
            reaching[level]++;
        }
    }
    scout_level = 0;
    while (scout_level < hnsw.max_level && reaching[scout_level] > SCOUTS_MAX) {
        scout_level++;
    }
    for (size_t row = 0; row < hnsw.levels.size(); row++) {
        if (hnsw.levels[row] > scout_level && scouts.size() < SCOUTS_MAX) {
            scouts.push_back(static_cast<int32_t>(row));
        }
    }
}

namespace vane {

Insertion::Insertion(std::vector<int32_t> order_in)
        : order(std::move(order_in)),
          locks(order.size()),
          visited(static_cast<int>(order.size())) {
    // HNSW::add_with_locks takes them although only one thread inserts.
    for (omp_lock_t& lock : locks) {
        omp_init_lock(&lock);
    }
}

Insertion::~Insertion() {
    for (omp_lock_t& lock : locks) {
        omp_destroy_lock(&lock);
    }
}

} // namespace vane

int vane_graph_begin(
        int metric,
        size_t dim,
        size_t rows,
        size_t m,
        size_t ef_construct,
        vane_graph** out) {
    return vane::guarded([&] {
        auto graph = std::make_unique<vane_graph>(metric, dim, rows);
        faiss::HNSW& hnsw = graph->index.hnsw;
        hnsw = faiss::HNSW(static_cast<int>(m));
        hnsw.efConstruction = static_cast<int>(ef_construct);
        hnsw.levels.reserve(rows);
        hnsw.offsets.reserve(rows + 1);
        hnsw.prepare_level_tab(rows);
        if (rows > 0) {
            graph->insertion =
                    std::make_unique<vane::Insertion>(insertion_order(hnsw.levels));
        }
        *out = graph.release();
    });
}

int vane_graph_insert(
        vane_graph* graph,
        const float* rows,
        size_t count,
        size_t* left) {
    return vane::guarded([&] {
        *left = 0;
        vane::Insertion* insertion = graph->insertion.get();
        if (!insertion) {
            return;
        }
        faiss::HNSW& hnsw = graph->index.hnsw;
        const size_t dim = static_cast<size_t>(graph->index.d);
        const size_t end = std::min(insertion->next + count, insertion->order.size());
        vane::with_metric(graph->metric(), [&](auto metric) {
            vane::Computer<decltype(metric)> computer(rows, dim);
            for (; insertion->next < end; insertion->next++) {
                const int32_t row = insertion->order[insertion->next];
                computer.set_query(computer.row(row));
                hnsw.add_with_locks(
                        computer,
                        hnsw.levels[row] - 1,
                        row,
                        insertion->locks,
                        insertion->visited);
            }
        });
        *left = insertion->order.size() - insertion->next;
        if (*left == 0) {
            graph->insertion.reset();
            graph->choose_scouts();
        }
    });
}

size_t vane_graph_bytes(const vane_graph* graph) {
    const faiss::HNSW& hnsw = graph->index.hnsw;
    return sizeof(vane_graph) + hnsw.levels.capacity() * sizeof(int) +
            hnsw.offsets.capacity() * sizeof(size_t) + hnsw.neighbors.byte_size();
}

int vane_graph_search(
        const vane_graph* graph,
        const float* rows,
        const float* query,
        size_t k,
        size_t ef,
        const vane_select* select,
        float* scores,
        int64_t* ids) {
    return vane::guarded([&] {
        if (graph->insertion) {
            throw std::logic_error("the graph is not built yet");
        }
        using Results = faiss::HeapBlockResultHandler<faiss::HNSW::C>;
        Results results(1, scores, ids, k);
        Results::SingleResultHandler result(results);
        result.begin(0);

        faiss::SearchParametersHNSW parameters;
        parameters.efSearch = static_cast<int>(ef);
        std::unique_ptr<Admitted> admitted;
        if (select) {
            admitted = std::make_unique<Admitted>(*select);
            parameters.sel = admitted.get();
        }
        vane::with_metric(graph->metric(), [&](auto metric) {
            using Metric = decltype(metric);
            vane::Computer<Metric> computer(rows, static_cast<size_t>(graph->index.d));
            computer.set_query(query);
            std::vector<faiss::HNSW::storage_idx_t> rows_to_start;
            std::vector<float> distances;
            for (const Start& start : starts(*graph, computer)) {
                rows_to_start.push_back(start.row);
                distances.push_back(start.distance);
            }
            faiss::HNSWStats stats;
            constexpr int SHARED_QUEUE = 2; // FAISS's search type: all starts in one queue
            graph->index.hnsw.search_level_0(
                    computer,
                    result,
                    static_cast<faiss::idx_t>(rows_to_start.size()),
                    rows_to_start.data(),
                    distances.data(),
                    SHARED_QUEUE,
                    stats,
                    visited_table(graph->rows()),
                    &parameters);
            result.end();
            for (size_t i = 0; i < k; i++) {
                scores[i] = Metric::score(scores[i]);
            }
        });
    });
}

void vane_graph_free(vane_graph* graph) {
    delete graph;
}
