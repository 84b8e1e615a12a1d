#include "codes/quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "codes/sample.h"
#include "codes/weigh.h"

namespace vane {
namespace {

// Values of them that are held at a time, 16 MB: rows of a file that finds no room in memory would
// be read anew for each dimension and each range.
constexpr size_t HELD_MAX = SAMPLE_MAX * 1024;
// A code is 128 more than a number of steps between these.
constexpr int STEPS_MIN = -128, STEPS_MAX = 127;
// Ranges tried, each half of the one before: of the largest value to 1/64 of it. Where few values
// are far out, they are better cut off than all others rounded coarsely.
constexpr int RANGES = 7;

// A lower half is as likely to be any of 0 to 15; the middle as a whole number, the other half of
// it is nothing beside the deviation.
constexpr int32_t HALF_MIDDLE = 8;
constexpr float HALF_DEVIATION = 4.61F;

float steps(float value, float centre, float step) {
    return step > 0 ? (value - centre) / step : 0;
}

float rounded(float steps) {
    return std::clamp(std::nearbyint(steps),
                      static_cast<float>(STEPS_MIN),
                      static_cast<float>(STEPS_MAX));
}

// One dimension of the sampled rows.
using Values = std::vector<float>;

// Some dimensions of the sampled rows, from `first` on.
std::vector<Values> columns(const std::vector<const float*>& sampled, size_t first, size_t count) {
    std::vector<Values> found(count, Values(sampled.size()));
    for (size_t i = 0; i < sampled.size(); i++) {
        for (size_t d = 0; d < count; d++) {
            found[d][i] = sampled[i][first + d];
        }
    }
    return found;
}

float mean_of(const Values& values) {
    double sum = 0;
    for (const float value : values) {
        sum += value;
    }
    const auto count = static_cast<double>(values.size());
    const float mean = values.empty() ? 0 : static_cast<float>(sum / count);
    return std::isfinite(mean) ? mean : 0;
}

// The step with which codes of the values are least off.
float best_step(const Values& values, float centre) {
    float largest = 0;
    for (const float value : values) {
        largest = std::max(largest, std::fabs(value - centre));
    }
    float best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < RANGES && largest > 0 && std::isfinite(largest); i++) {
        const float step = std::ldexp(largest, -i) / STEPS_MAX;
        double off = 0;
        for (const float value : values) {
            const float exact = steps(value, centre, step);
            const double error = static_cast<double>(exact - rounded(exact)) * step;
            off += error * error;
        }
        if (off < least) {
            least = off;
            best = step;
        }
    }
    return best;
}

} // namespace

Quantizer Quantizer::learn(const float* rows, size_t count, size_t dim) {
    Quantizer learned{std::vector<float>(dim), std::vector<float>(dim)};
    const std::vector<const float*> sampled = sample(rows, count, dim);
    const size_t at_once = std::max<size_t>(HELD_MAX / std::max<size_t>(sampled.size(), 1), 1);
    for (size_t first = 0; first < dim; first += at_once) {
        const auto held = columns(sampled, first, std::min(at_once, dim - first));
        for (size_t d = 0; d < held.size(); d++) {
            learned.centre[first + d] = mean_of(held[d]);
            learned.step[first + d] = best_step(held[d], learned.centre[first + d]);
        }
    }
    return learned;
}

RowFacts Quantizer::encode(const float* row, uint8_t* upper, uint8_t* lower) const {
    double norm = 0, error = 0, reach = 0;
    // The halves of dimensions that there are not weigh nothing.
    std::fill_n(upper, lines(dim()) * LINE, uint8_t{0});
    std::fill_n(lower, lines(dim()) * LINE, uint8_t{0});
    for (size_t d = 0; d < dim(); d++) {
        const float exact = steps(row[d], centre[d], step[d]);
        const float nearest = std::isnan(exact) ? 0 : rounded(exact);
        const int whole = static_cast<int>(nearest) - STEPS_MIN;
        const Place place(d, HALF_BITS);
        upper[place.byte] |= static_cast<uint8_t>((whole >> 4) << place.shift);
        lower[place.byte] |= static_cast<uint8_t>((whole & 15) << place.shift);
        const double coded = static_cast<double>(nearest) * step[d];
        const double off = static_cast<double>(row[d]) - centre[d] - coded;
        norm += coded * coded;
        error += off * off;
        reach += static_cast<double>(nearest) * nearest;
    }
    return {static_cast<float>(norm),
            static_cast<float>(std::sqrt(error)),
            static_cast<float>(std::sqrt(reach))};
}

Weights::Weights(size_t dim, bool inner_product)
        : sums_(&best_kernel().of(HALF_BITS)),
          inner_product_(inner_product),
          lines_(Quantizer::lines(dim)),
          values_(lines_ * LINE_HALVES, 0) {}

void Weights::set(const std::vector<float>& worth, float constant) {
    const Weighed weighed = weigh(worth, values_.data());
    constant_ = constant;
    scale_ = weighed.scale;
    bias_ = -STEPS_MIN * weighed.sum;
    middle_ = HALF_MIDDLE * weighed.sum;
    const auto squares = static_cast<float>(weighed.squares);
    const float off = scale_ * HALF_DEVIATION * std::sqrt(squares);
    roughness_ = (inner_product_ ? off : 2 * off) * DEVIATIONS;
}

QueryTerms::QueryTerms(const Quantizer& quantizer, const float* query, bool inner_product)
        : worth(quantizer.dim()) {
    const size_t dim = quantizer.dim();
    double cost = 0, squares = 0, magnitude = 0;
    for (size_t d = 0; d < dim; d++) {
        const float centre = quantizer.centre[d];
        const float value = inner_product ? query[d] : query[d] - centre;
        cost += inner_product ? -static_cast<double>(query[d]) * centre
                              : static_cast<double>(value) * value;
        magnitude += std::fabs(static_cast<double>(query[d]) * centre);
        squares += static_cast<double>(value) * value;
        worth[d] = value * quantizer.step[d];
    }
    constant = static_cast<float>(cost);
    length = static_cast<float>(std::sqrt(squares));
    floor = static_cast<float>((std::fabs(cost) + magnitude) * 1e-6);
    direction = std::min(1.0F, DEVIATIONS / std::sqrt(static_cast<float>(dim)));
}

CodedQuery::CodedQuery(const Quantizer& quantizer, const float* query, bool inner_product)
        : Weights(quantizer.dim(), inner_product) {
    const QueryTerms terms(quantizer, query, inner_product);
    set(terms.worth, terms.constant);
    length_ = terms.length;
    floor_ = terms.floor;
    rounding_ = rounding_of(terms.worth, values_.data(), scale_);
    direction_ = terms.direction;
}

void CodeQuery::set(Code code) {
    float* steps = steps_.data();
    for (size_t line = 0; line < lines_; line++) {
        const uint8_t* upper = code.upper + line * LINE;
        const uint8_t* lower = code.lower + line * LINE;
        float* first = steps + line * LINE_HALVES;
#pragma omp simd
        for (size_t j = 0; j < LINE; j++) {
            const int near = 16 * (upper[j] & 15) + (lower[j] & 15);
            const int far = 16 * (upper[j] >> 4) + (lower[j] >> 4);
            first[j] = static_cast<float>(near + STEPS_MIN);
            first[LINE + j] = static_cast<float>(far + STEPS_MIN);
        }
    }
    const size_t dim = worth_.size();
    const float* centre = quantizer_->centre.data();
    const float* step = quantizer_->step.data();
    float* worth = worth_.data();
    const float from = inner_product_ ? 1 : 0;
    float constant = 0;
#pragma omp simd reduction(+ : constant)
    for (size_t d = 0; d < dim; d++) {
        const float origin = from * centre[d];
        const float value = origin + step[d] * steps[d];
        worth[d] = value * step[d];
        constant += inner_product_ ? -origin * value : value * value;
    }
    Weights::set(worth_, constant);
}

} // namespace vane
