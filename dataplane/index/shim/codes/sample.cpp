#include "codes/sample.h"

#include <algorithm>
#include <cmath>

namespace vane {
namespace {

// Rows of so many times the middle length say nothing of the others.
constexpr double GIANT = 8;

bool is_finite(const float* row, size_t dim) {
    return std::all_of(row, row + dim, [](float value) { return std::isfinite(value); });
}

// Takes out rows that are far longer than most: a single one could leave no steps to the others.
void leave_out_giants(std::vector<const float*>& sampled, size_t dim) {
    std::vector<double> squares;
    for (const float* row : sampled) {
        double square = 0;
        for (size_t d = 0; d < dim; d++) {
            square += static_cast<double>(row[d]) * row[d];
        }
        squares.push_back(square);
    }
    if (squares.empty()) {
        return;
    }
    std::vector<double> sorted = squares;
    const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const double most = *middle * GIANT * GIANT;
    size_t kept = 0;
    for (size_t i = 0; i < sampled.size(); i++) {
        if (squares[i] <= most || *middle == 0) {
            sampled[kept++] = sampled[i];
        }
    }
    sampled.resize(kept);
}

} // namespace

std::vector<const float*> sample(const float* rows, size_t count, size_t dim) {
    std::vector<const float*> sampled;
    const size_t wanted = std::min(count, SAMPLE_MAX);
    for (size_t i = 0; i < wanted; i++) {
        // Spread over all: rows that lie together may be alike.
        const float* row = rows + i * count / wanted * dim;
        if (is_finite(row, dim)) {
            sampled.push_back(row);
        }
    }
    leave_out_giants(sampled, dim);
    return sampled;
}

} // namespace vane
