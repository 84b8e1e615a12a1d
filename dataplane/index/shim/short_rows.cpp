// Compiled without contraction to fused operations (build.rs), which round otherwise.
#include "short_rows.h"

namespace vane {

float short_inner_product(const float* q, const float* y, size_t d) {
    float sum = 0;
    for (size_t i = 0; i < d; i++) {
        sum += q[i] * y[i];
    }
    return sum;
}

float short_l2(const float* q, const float* y, size_t d) {
    float sum = 0;
    for (size_t i = 0; i < d; i++) {
        const float off = q[i] - y[i];
        sum += off * off;
    }
    return sum;
}

} // namespace vane
