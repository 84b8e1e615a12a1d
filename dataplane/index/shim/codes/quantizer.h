// One byte per dimension in place of a float, and what a comparison of codes is worth.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codes/kernels.h"

namespace vane {

// What is kept of a row beside its code.
struct RowFacts {
    // Squared distance from the centre of what the code says. With that of the row itself a cost
    // would be off by what the code is off times the whole length of the query, however near both
    // are: on a line all order would be lost. So it is off by that times their distance.
    float norm;
    float error; // an upper bound of the distance between it and what its code says
    float reach; // length of its code, in steps
};

// Where the halves of a code lie, each in whole lines as the kernels want them.
struct Code {
    const uint8_t* upper;
    const uint8_t* lower;
};

// Codes of the rows of one graph. The value of dimension d is
// centre[d] + step[d] * (code[d] - 128); what lies beyond the range of a code is cut off.
//
// The upper halves of all dimensions lie by themselves: most comparisons are decided by them, and
// read no more.
struct Quantizer {
    std::vector<float> centre;
    std::vector<float> step;

    size_t dim() const {
        return centre.size();
    }

    // Learns the ranges of `count` rows. Rows with values that are not finite are passed over.
    static Quantizer learn(const float* rows, size_t count, size_t dim);

    // Lines of the halves of a code, either of them.
    static size_t lines(size_t dim) {
        return code_lines(dim, HALF_BITS);
    }

    // Writes lines(dim()) lines to each.
    RowFacts encode(const float* row, uint8_t* upper, uint8_t* lower) const;
};

// A query in the terms of a quantizer, before its numbers become bytes.
struct QueryTerms {
    QueryTerms(const Quantizer& quantizer, const float* query, bool inner_product);

    std::vector<float> worth; // of a step of each dimension
    float constant;           // what a cost is without any step
    float length;             // of the query, or of its way from the centre
    float floor;              // what the scores of rows are off by themselves, as sums of floats
    float direction;          // how much of what a code is off by lies along the query at most
};

// The bytes that codes are compared with, and what their sums are worth.
class Weights {
  public:
    Weights(size_t dim, bool inner_product);

    // FAISS's order: lower is nearer. `facts` is asked for where they matter only: it may be a wait
    // for memory.
    template <class Facts>
    float cost(Code code, Facts&& facts) const {
        return cost_of(16 * sum(code.upper) + sum(code.lower), facts);
    }

    // By the upper half alone, the lower one being as likely to be above its middle as below.
    template <class Facts>
    float rough_cost(const uint8_t* upper, Facts&& facts) const {
        return cost_of(16 * sum(upper) + middle_, facts);
    }

    // The same for four.
    template <class Facts>
    void rough_costs(const uint8_t* const uppers[4], Facts&& facts, float costs[4]) const {
        int32_t sums[4];
        sums_->dots(uppers, values_.data(), lines_, sums);
        for (size_t i = 0; i < 4; i++) {
            costs[i] = cost_of(16 * sums[i] + middle_, [&] { return facts(i); });
        }
    }

    // How far `cost` is from `rough_cost` in all but one or two of a thousand cases.
    float roughness() const {
        return roughness_;
    }

  protected:
    // From what a step of each dimension is worth.
    void set(const std::vector<float>& worth, float constant);

    template <class Facts>
    float cost_of(int32_t dot, Facts&& facts) const {
        const float product = scale_ * static_cast<float>(dot - bias_);
        const float cost = inner_product_ ? constant_ - product
                                          : constant_ + facts().norm - 2 * product;
        // The worst where it is beyond floats or no number: candidates are kept in order.
        return cost < FLT_MAX ? cost : FLT_MAX;
    }

    int32_t sum(const uint8_t* halves) const {
        return sums_->dot(halves, values_.data(), lines_);
    }

    const Sums* sums_;
    bool inner_product_;
    size_t lines_;
    std::vector<int8_t> values_;
    int32_t bias_ = 0;
    int32_t middle_ = 0;
    float scale_ = 0;
    float constant_ = 0;
    float roughness_ = 0;
};

// A query as it is compared with codes.
class CodedQuery : public Weights {
  public:
    static constexpr bool IS_WHOLE = true;

    CodedQuery(const Quantizer& quantizer, const float* query, bool inner_product);

    // How much less than `cost` the cost of the row itself can be, at most.
    float slack(const RowFacts& facts, float cost) const {
        const float rounding = facts.reach * rounding_;
        if (inner_product_) {
            return (facts.error * length_ + rounding) * ROUNDING + floor_;
        }
        // The row is nearer than its code by the error at most.
        const float distance = std::sqrt(std::max(0.0F, cost + 2 * rounding));
        return 2 * (facts.error * distance + rounding) * ROUNDING + floor_;
    }

    // The same in nearly all cases: what the code is off by has any direction.
    float likely_off(const RowFacts& facts, float cost) const {
        return slack(facts, cost) * direction_;
    }

  private:
    // Sums of floats are themselves a little off.
    static constexpr float ROUNDING = 1.001F;

    float length_ = 0;
    float rounding_ = 0;
    float floor_ = 0;
    float direction_ = 0;
};

// A row, by its code, as the query. It knows no slack, and is made in a fraction of the time.
class CodeQuery : public Weights {
  public:
    CodeQuery(const Quantizer& quantizer, bool inner_product)
            : Weights(quantizer.dim(), inner_product),
              quantizer_(&quantizer),
              steps_(padded(quantizer.dim(), LINE_HALVES)),
              worth_(quantizer.dim()) {}

    void set(Code code);

  private:
    const Quantizer* quantizer_;
    std::vector<float> steps_;
    std::vector<float> worth_;
};

} // namespace vane
