// Scores over rows in memory. Both the graph and the exact scans come through here.
#pragma once

#include <cfloat>
#include <cmath>

#include <faiss/utils/distances.h>

#include "short_rows.h"
#include "vane_faiss.h"

namespace vane {

// FAISS orders by a cost, lower first. A score beyond f32 counts as the worst cost:
// FAISS's candidate heap reads out of bounds when it meets a NaN.
inline float finite(float cost) {
    return std::isfinite(cost) ? cost : FLT_MAX;
}

struct InnerProduct {
    static float cost(const float* q, const float* y, size_t d) {
        return finite(-(d < SHORT_DIM_END ? short_inner_product(q, y, d)
                                          : faiss::fvec_inner_product(q, y, d)));
    }

    static void costs(const float* q, const float* const y[4], size_t d, float out[4]) {
        if (d < SHORT_DIM_END) {
            for (int i = 0; i < 4; i++) {
                out[i] = cost(q, y[i], d);
            }
            return;
        }
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
        return finite(d < SHORT_DIM_END ? short_l2(q, y, d) : faiss::fvec_L2sqr(q, y, d));
    }

    static void costs(const float* q, const float* const y[4], size_t d, float out[4]) {
        if (d < SHORT_DIM_END) {
            for (int i = 0; i < 4; i++) {
                out[i] = cost(q, y[i], d);
            }
            return;
        }
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

// Rows of so many values each.
struct Matrix {
    const float* rows;
    size_t count;
    size_t dim;
};

inline void fetch_row(const float* row, size_t dim) {
    constexpr size_t LINE_VALUES = 16;
    for (size_t d = 0; d < dim; d += LINE_VALUES) {
        __builtin_prefetch(row + d);
    }
}

// Calls `body` with a value of the metric's type.
template <class Body>
auto with_metric(int metric, Body&& body) {
    return metric == VANE_INNER_PRODUCT ? body(InnerProduct{}) : body(L2{});
}

} // namespace vane
