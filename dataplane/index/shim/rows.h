// Scores over rows in memory. Both the graph and the exact scans come through here.
#pragma once

#include <cfloat>
#include <cmath>

#include <faiss/impl/DistanceComputer.h>
#include <faiss/utils/distances.h>

#include "vane_faiss.h"

namespace vane {

// FAISS orders by a cost, lower first. A score beyond f32 counts as the worst cost:
// FAISS's candidate heap reads out of bounds when it meets a NaN.
inline float finite(float cost) {
    return std::isfinite(cost) ? cost : FLT_MAX;
}

struct InnerProduct {
    static float cost(const float* q, const float* y, size_t d) {
        return finite(-faiss::fvec_inner_product(q, y, d));
    }

    static void costs(const float* q, const float* const y[4], size_t d, float out[4]) {
        faiss::fvec_inner_product_batch_4(
                q, y[0], y[1], y[2], y[3], d, out[0], out[1], out[2], out[3]);
        for (int i = 0; i < 4; i++) {
            out[i] = finite(-out[i]);
        }
    }

    static float score(float cost) {
        return -cost;
    }
};

struct L2 {
    static float cost(const float* q, const float* y, size_t d) {
        return finite(faiss::fvec_L2sqr(q, y, d));
    }

    static void costs(const float* q, const float* const y[4], size_t d, float out[4]) {
        faiss::fvec_L2sqr_batch_4(
                q, y[0], y[1], y[2], y[3], d, out[0], out[1], out[2], out[3]);
        for (int i = 0; i < 4; i++) {
            out[i] = finite(out[i]);
        }
    }

    static float score(float cost) {
        return cost;
    }
};

template <class Metric>
struct Computer final : faiss::DistanceComputer {
    const float* rows;
    size_t dim;
    const float* query = nullptr;

    Computer(const float* rows, size_t dim) : rows(rows), dim(dim) {}

    const float* row(faiss::idx_t i) const {
        return rows + static_cast<size_t>(i) * dim;
    }

    void set_query(const float* x) override {
        query = x;
    }

    float operator()(faiss::idx_t i) override {
        return Metric::cost(query, row(i), dim);
    }

    void distances_batch_4(
            const faiss::idx_t i0,
            const faiss::idx_t i1,
            const faiss::idx_t i2,
            const faiss::idx_t i3,
            float& d0,
            float& d1,
            float& d2,
            float& d3) override {
        const float* y[4] = {row(i0), row(i1), row(i2), row(i3)};
        float out[4];
        Metric::costs(query, y, dim, out);
        d0 = out[0];
        d1 = out[1];
        d2 = out[2];
        d3 = out[3];
    }

    float symmetric_dis(faiss::idx_t i, faiss::idx_t j) override {
        return Metric::cost(row(i), row(j), dim);
    }
};

// Calls `body` with a value of the metric's type.
template <class Body>
auto with_metric(int metric, Body&& body) {
    return metric == VANE_INNER_PRODUCT ? body(InnerProduct{}) : body(L2{});
}

} // namespace vane
