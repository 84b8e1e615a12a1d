// FAISS as it comes: what our own graph is measured against.

#include <faiss/IndexHNSW.h>

#include "guard.h"
#include "vane_faiss.h"

struct vane_stock {
    faiss::IndexHNSWFlat index;

    vane_stock(int metric, size_t dim, size_t m)
            : index(static_cast<int>(dim),
                    static_cast<int>(m),
                    metric == VANE_INNER_PRODUCT ? faiss::METRIC_INNER_PRODUCT
                                                 : faiss::METRIC_L2) {}
};

int vane_stock_build(
        int metric,
        size_t dim,
        const float* rows,
        size_t count,
        size_t m,
        size_t ef_construct,
        vane_stock** out) {
    return vane::guarded([&] {
        auto stock = std::make_unique<vane_stock>(metric, dim, m);
        stock->index.hnsw.efConstruction = static_cast<int>(ef_construct);
        stock->index.add(static_cast<faiss::idx_t>(count), rows);
        *out = stock.release();
    });
}

int vane_stock_search(
        const vane_stock* stock,
        const float* query,
        size_t k,
        size_t ef,
        float* scores,
        int64_t* ids) {
    return vane::guarded([&] {
        faiss::SearchParametersHNSW parameters;
        parameters.efSearch = static_cast<int>(ef);
        stock->index.search(
                1, query, static_cast<faiss::idx_t>(k), scores, ids, &parameters);
    });
}

void vane_stock_free(vane_stock* stock) {
    delete stock;
}
