// Codes of less than a byte per dimension, and what a comparison of them is worth.
//
// They are codes of the rotated row. The value of a dimension is
// centre[d] + scale * step[d] * (code[d] - middle): each row has a scale of its own, with which its
// product with a query is right in the mean, whatever the query (Gao and Long, arXiv:2405.12497).
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codes/kernels.h"
#include "codes/quantizer.h"

namespace vane {

// What is kept of a row beside its code. Codes are off by any direction: with their own norm in
// place of that of the row, costs would be too large by what they are off.
struct FewFacts {
    float norm;  // squared distance of the row from the centre
    float error; // distance between it and what its code says
    float reach; // length of its code, in steps of all, times its scale
    float scale; // what a step of its code is to one of all
};

// Learns the ranges of `count` rows. Rows with values that are not finite are passed over.
Quantizer learn_few(const float* rows, size_t count, size_t dim);

// Writes the lines of a code of 1, 2 or 4 bits of a dimension.
FewFacts encode_few(const Quantizer& quantizer, size_t bits, const float* row, uint8_t* code);

// A query as it is compared with codes of few bits.
class FewQuery {
  public:
    static constexpr bool IS_WHOLE = false;

    FewQuery(const Quantizer& quantizer, size_t bits, const float* query, bool inner_product);

    // FAISS's order: lower is nearer. There is nothing but this: no closer look.
    template <class Facts>
    float rough_cost(const uint8_t* code, Facts&& facts) const {
        return cost_of(sums_->dot(code, values_.data(), lines_), facts());
    }

    // The same for four.
    template <class Facts>
    void rough_costs(const uint8_t* const codes[4], Facts&& facts, float costs[4]) const {
        int32_t sums[4];
        sums_->dots(codes, values_.data(), lines_, sums);
        for (size_t i = 0; i < 4; i++) {
            costs[i] = cost_of(sums[i], facts(i));
        }
    }

    static float roughness() {
        return 0;
    }

    // How much less than its code's cost that of a row can be, in nearly all cases.
    float slack(const FewFacts& facts, float /*cost*/) const {
        const float off = (facts.error * length_ + facts.reach * rounding_) * direction_;
        return (inner_product_ ? off : 2 * off) + floor_;
    }

    // The same in most cases: where two are compared both are off, seldom both by as much.
    float likely_off(const FewFacts& facts, float cost) const {
        return slack(facts, cost) * 0.5F;
    }

  private:
    float cost_of(int32_t sum, const FewFacts& facts) const {
        // Taken twice: the middle between two steps is no whole number.
        const float product = half_scale_ * static_cast<float>(2 * sum - bias_) * facts.scale;
        const float cost = inner_product_ ? constant_ - product
                                          : constant_ + facts.norm - 2 * product;
        // The worst where it is beyond floats or no number: candidates are kept in order.
        return cost < FLT_MAX ? cost : FLT_MAX;
    }

    const Sums* sums_;
    bool inner_product_;
    size_t lines_;
    std::vector<int8_t> values_;
    int32_t bias_ = 0;
    float half_scale_ = 0;
    float constant_ = 0;
    float length_ = 0;
    float rounding_ = 0;
    float floor_ = 0;
    float direction_ = 0;
};

} // namespace vane
