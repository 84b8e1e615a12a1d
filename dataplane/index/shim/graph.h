// What a vane_graph is.
#pragma once

#include <memory>
#include <vector>

#include <omp.h>

#include <faiss/IndexHNSW.h>
#include <faiss/impl/AuxIndexStructures.h>

#include "vane_faiss.h"

namespace vane {

// What inserting needs and a finished graph does not.
struct Insertion {
    std::vector<int32_t> order; // rows as they will be inserted
    size_t next = 0;            // position in `order`
    std::vector<omp_lock_t> locks;
    faiss::VisitedTable visited;

    explicit Insertion(std::vector<int32_t> order_in);
    ~Insertion();
    Insertion(const Insertion&) = delete;
    Insertion& operator=(const Insertion&) = delete;
};

} // namespace vane

struct vane_graph {
    // Its storage stays null: only the links, the metric and the sizes are used.
    faiss::IndexHNSWFlat index;
    // Null once every row is in.
    std::unique_ptr<vane::Insertion> insertion;
    // Rows that a search compares with its query to find where to begin: all that reach
    // above `scout_level`. Chosen by `choose_scouts` once every row is in.
    std::vector<int32_t> scouts;
    int scout_level = 0;

    void choose_scouts();

    vane_graph(int metric, size_t dim, size_t rows) {
        index.d = static_cast<int>(dim);
        index.ntotal = static_cast<faiss::idx_t>(rows);
        index.metric_type = metric == VANE_INNER_PRODUCT
                ? faiss::METRIC_INNER_PRODUCT
                : faiss::METRIC_L2;
    }

    size_t rows() const {
        return static_cast<size_t>(index.ntotal);
    }

    int metric() const {
        return index.metric_type == faiss::METRIC_INNER_PRODUCT
                ? VANE_INNER_PRODUCT
                : VANE_L2;
    }
};
