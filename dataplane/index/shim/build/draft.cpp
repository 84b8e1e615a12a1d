#include "build/draft.h"

#include <algorithm>
#include <new>

#include "build/parallel.h"

namespace vane {
namespace {

// Rows that a thread encodes at a time; a fraction of a millisecond.
constexpr size_t ENCODED_PIECE = 256;

} // namespace

Draft::Draft(
        int metric, size_t dim, size_t links, const float* rows, Copies copies, size_t threads)
        : metric_(metric),
          layout_{dim, links, copies.next.empty() ? copies.originals.size() : copies.next.size()},
          copies_(std::move(copies)),
          quantizer_(Quantizer::learn(rows, layout_.rows, dim)),
          columns_(static_cast<char*>(
                  std::aligned_alloc(LINE, padded(std::max(layout_.bytes(), LINE))))) {
    if (!columns_) {
        throw std::bad_alloc();
    }
    unlink();
    parallel(threads, layout_.rows, ENCODED_PIECE, [&](size_t node) {
        encode(row(rows, static_cast<int32_t>(node)), node);
    });
}

void Draft::unlink() {
    // Up to where the codes begin: -1 in every place.
    std::memset(columns_.get(), 0xFF, layout_.upper_at());
}

void Draft::encode(const float* row, size_t node) {
    char* first = columns_.get();
    const auto half = [&](size_t at) {
        return reinterpret_cast<uint8_t*>(first + at + node * layout_.half_bytes());
    };
    const RowFacts facts =
            quantizer_.encode(row, half(layout_.upper_at()), half(layout_.lower_at()));
    std::memcpy(first + layout_.facts_at() + node * sizeof(facts), &facts, sizeof(facts));
}

void Draft::write(const std::vector<int32_t>& scouts, size_t reached, const Put& put) const {
    const Heading heading{
            metric_, nodes().size(), reached, layout_, quantizer_, scouts};
    heading.write(put);
    put(copies_.next.data(), copies_.next.size() * sizeof(int32_t));
    const std::vector<char> zeros(heading.columns_at() - heading.equals_end(), 0);
    put(zeros.data(), zeros.size());
    // Piece by piece: whoever writes them syncs between.
    constexpr size_t PIECE = 1 << 20;
    for (size_t at = 0; at < layout_.bytes(); at += PIECE) {
        put(columns_.get() + at, std::min(PIECE, layout_.bytes() - at));
    }
}

} // namespace vane
