#include "codes/few_bits.h"

#include <algorithm>
#include <cmath>

#include "codes/rotation.h"
#include "codes/sample.h"
#include "codes/weigh.h"

namespace vane {
namespace {

// A rotated row has numbers as if drawn from a normal distribution. With these steps, in its
// deviations, codes of 1, 2 and 4 bits are the least off of them (Max, 1960).
constexpr double STEPS[] = {1.596, 0.9957, 0.3352};

// Where a code and its row have so little of their direction in common (the square of the cosine),
// a scale with which products are right in the mean would be very large.
constexpr double COMMON_MIN = 0.25;

float finite_or_none(double value) {
    const auto number = static_cast<float>(value);
    return std::isfinite(number) ? number : 0;
}

// What a row and its code have in common.
struct Shared {
    double row = 0;  // square of the row's length
    double code = 0; // of the code's, by the steps of all
    double both = 0; // their product

    // What a step of the row is to one of all.
    double scale() const {
        if (!(both > 0)) {
            return 0;
        }
        return both * both < COMMON_MIN * row * code ? both / code : row / both;
    }
};

} // namespace

Quantizer learn_few(const float* rows, size_t count, size_t dim) {
    Quantizer learned{std::vector<float>(dim), std::vector<float>(dim)};
    const std::vector<const float*> sampled = sample(rows, count, dim);
    std::vector<double> sums(dim), squares(dim);
    std::vector<float> rotated(dim);
    for (const float* row : sampled) {
        rotate(row, dim, rotated.data());
        for (size_t d = 0; d < dim; d++) {
            sums[d] += rotated[d];
            squares[d] += static_cast<double>(rotated[d]) * rotated[d];
        }
    }
    const auto number = static_cast<double>(std::max<size_t>(sampled.size(), 1));
    for (size_t d = 0; d < dim; d++) {
        const double mean = sums[d] / number;
        learned.centre[d] = finite_or_none(mean);
        const double variance = squares[d] / number - mean * mean;
        learned.step[d] = finite_or_none(std::sqrt(std::max(0.0, variance)));
    }
    return learned;
}

FewFacts encode_few(const Quantizer& quantizer, size_t bits, const float* row, uint8_t* code) {
    const size_t dim = quantizer.dim();
    const std::vector<float>&centre = quantizer.centre, &step = quantizer.step;
    std::fill_n(code, code_lines(dim, bits) * LINE, uint8_t{0});
    std::vector<float> off(dim);
    rotate(row, dim, off.data());
    double spread = 0;
    for (size_t d = 0; d < dim; d++) {
        off[d] -= centre[d];
        const double steps = step[d] > 0 ? static_cast<double>(off[d]) / step[d] : 0;
        spread += steps * steps;
    }
    const double unit = std::sqrt(spread / static_cast<double>(dim)) * STEPS[bits / 2];
    const int most = (1 << bits) - 1;
    const double middle = most / 2.0;
    Shared sums;
    double reach = 0;
    for (size_t d = 0; d < dim; d++) {
        const double steps = step[d] > 0 ? off[d] / (step[d] * unit) : 0;
        // Where it is no number, any.
        const double bounded = steps < middle ? std::max(steps, -middle) : middle;
        const double up = std::isnan(bounded) ? 0 : std::floor(bounded + (most + 1) / 2);
        const int part = std::clamp(static_cast<int>(up), 0, most);
        const Place place(d, bits);
        code[place.byte] |= static_cast<uint8_t>(part << place.shift);
        const double coded = (part - middle) * step[d];
        sums.row += static_cast<double>(off[d]) * off[d];
        sums.code += coded * coded;
        sums.both += coded * off[d];
        reach += (part - middle) * (part - middle);
    }
    const double scale = sums.scale();
    const double error = sums.row - 2 * scale * sums.both + scale * scale * sums.code;
    return {static_cast<float>(sums.row),
            static_cast<float>(std::sqrt(std::max(0.0, error))),
            finite_or_none(scale * std::sqrt(reach)),
            finite_or_none(scale)};
}

FewQuery::FewQuery(
        const Quantizer& quantizer, size_t bits, const float* query, bool inner_product)
        : sums_(&best_kernel().of(bits)),
          inner_product_(inner_product),
          lines_(code_lines(quantizer.dim(), bits)),
          values_(lines_ * line_parts(bits), 0) {
    std::vector<float> rotated(quantizer.dim());
    rotate(query, quantizer.dim(), rotated.data());
    const QueryTerms terms(quantizer, rotated.data(), inner_product);
    const Weighed weighed = weigh(terms.worth, values_.data());
    half_scale_ = weighed.scale / 2;
    bias_ = ((1 << bits) - 1) * weighed.sum;
    constant_ = terms.constant;
    length_ = terms.length;
    floor_ = terms.floor;
    rounding_ = rounding_of(terms.worth, values_.data(), weighed.scale);
    direction_ = terms.direction;
}

} // namespace vane
