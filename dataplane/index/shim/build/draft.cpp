#include "build/draft.h"

#include <algorithm>
#include <new>

#include "build/parallel.h"

namespace vane {
namespace {

// Rows that a thread encodes at a time; a fraction of a millisecond.
constexpr size_t ENCODED_PIECE = 256;
// Rows whose codes of few bits are held at a time.
constexpr size_t FEW_PIECE = 8 * ENCODED_PIECE;

// Piece by piece: whoever writes them syncs between.
void put_pieces(const void* from, size_t bytes, const Put& put) {
    constexpr size_t PIECE = 1 << 20;
    for (size_t at = 0; at < bytes; at += PIECE) {
        put(static_cast<const char*>(from) + at, std::min(PIECE, bytes - at));
    }
}

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
    write_head(layout_, quantizer_, scouts, reached, put);
    put_pieces(columns_.get(), layout_.bytes(), put);
}

void Draft::write_few(
        const Few& few,
        const std::vector<int32_t>& scouts,
        size_t reached,
        const Put& put) const {
    Layout layout = layout_;
    layout.bits = few.bits;
    const Quantizer quantizer = learn_few(few.rows, layout.rows, layout.dim);
    write_head(layout, quantizer, scouts, reached, put);
    put_pieces(columns_.get(), layout.upper_at(), put);
    std::vector<FewFacts> facts(layout.rows);
    std::vector<uint8_t> codes(std::min(layout.rows, FEW_PIECE) * layout.half_bytes());
    for (size_t first = 0; first < layout.rows; first += FEW_PIECE) {
        const size_t count = std::min(FEW_PIECE, layout.rows - first);
        parallel(few.threads, count, ENCODED_PIECE, [&](size_t i) {
            const float* row = this->row(few.rows, static_cast<int32_t>(first + i));
            uint8_t* code = &codes[i * layout.half_bytes()];
            facts[first + i] = encode_few(quantizer, few.bits, row, code);
        });
        put(codes.data(), count * layout.half_bytes());
    }
    put_pieces(facts.data(), facts.size() * sizeof(FewFacts), put);
}

void Draft::write_head(
        const Layout& layout,
        const Quantizer& quantizer,
        const std::vector<int32_t>& scouts,
        size_t reached,
        const Put& put) const {
    const Heading heading{metric_, nodes().size(), reached, layout, quantizer, scouts};
    heading.write(put);
    put(copies_.next.data(), copies_.next.size() * sizeof(int32_t));
    const std::vector<char> zeros(heading.columns_at() - heading.equals_end(), 0);
    put(zeros.data(), zeros.size());
}

} // namespace vane
