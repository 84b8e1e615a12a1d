// Sums of half bytes times bytes, by the widest instructions there are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vane {

// A cache line, as they are nearly everywhere.
constexpr size_t LINE = 64;
// Half bytes in a line.
constexpr size_t LINE_HALVES = 2 * LINE;

constexpr size_t padded(size_t bytes, size_t to = LINE) {
    return (bytes + to - 1) / to * to;
}

// Sum of halves[i] * weights[i] over the dimensions of some whole lines. Byte j of line l has the
// half of dimension 128 l + j in its lower four bits, and that of 128 l + 64 + j in its upper ones.
// |weights[i]| <= 127, so that a sum over 65,536 dimensions is within 32 bits.
using Dot = int32_t (*)(const uint8_t* halves, const int8_t* weights, size_t lines);

// The same of four codes: their weights are read once.
using Dots = void (*)(
        const uint8_t* const halves[4], const int8_t* weights, size_t lines, int32_t sums[4]);

struct Kernel {
    const char* name;
    Dot dot;
    Dots dots;
    bool (*runs_here)();
};

// The number-th that this machine can run, the fastest first; null past the last. All give the
// same sums.
const Kernel* kernel(size_t number);

const Kernel& best_kernel();

// The one that is written without a thought of any machine.
const Kernel& plain_kernel();

} // namespace vane
