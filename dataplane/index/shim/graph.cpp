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

} // namespace

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
            graph->index.hnsw.search(
                    computer, result, visited_table(graph->rows()), &parameters);
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
