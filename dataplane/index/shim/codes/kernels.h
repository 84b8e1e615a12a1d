// Sums of parts of bytes times bytes, by the widest instructions there are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vane {

// A cache line, as they are nearly everywhere.
constexpr size_t LINE = 64;
// Half bytes in a line.
constexpr size_t LINE_HALVES = 2 * LINE;
constexpr size_t HALF_BITS = 4;

// Parts of so many bits in a line.
constexpr size_t line_parts(size_t bits) {
    return LINE * 8 / bits;
}

// Lines with a part for each dimension.
constexpr size_t code_lines(size_t dim, size_t bits) {
    return (dim + line_parts(bits) - 1) / line_parts(bits);
}

constexpr size_t padded(size_t bytes, size_t to = LINE) {
    return (bytes + to - 1) / to * to;
}

// Where the part of a dimension lies, among some of so many bits.
struct Place {
    size_t byte;
    size_t shift;

    Place(size_t d, size_t bits)
            : byte(d / line_parts(bits) * LINE + d % LINE),
              shift(d % line_parts(bits) / LINE * bits) {}
};

// Sum of parts[i] * weights[i] over the dimensions of some whole lines; a part has 1, 2 or 4 bits.
// The lowest bits of byte j of line l are those of dimension n l + j, where n is the number of
// dimensions in a line, the next ones those of dimension n l + 64 + j, and so on.
// |weights[i]| <= 127, so that a sum over 65,536 dimensions is within 32 bits.
using Dot = int32_t (*)(const uint8_t* parts, const int8_t* weights, size_t lines);

// The same of four codes: their weights are read once.
using Dots = void (*)(
        const uint8_t* const parts[4], const int8_t* weights, size_t lines, int32_t sums[4]);

struct Sums {
    Dot dot;
    Dots dots;
};

struct Kernel {
    const char* name;
    Sums sums[3];
    bool (*runs_here)();

    // Of parts of so many bits.
    const Sums& of(size_t bits) const {
        return sums[bits / 2];
    }
};

// The number-th that this machine can run, the fastest first; null past the last. All give the
// same sums.
const Kernel* kernel(size_t number);

const Kernel& best_kernel();

// The one that is written without a thought of any machine.
const Kernel& plain_kernel();

} // namespace vane
