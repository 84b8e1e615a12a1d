#include "format/image.h"

#include <limits>

#include "format/reader.h"

namespace vane {
namespace {

constexpr char MAGIC[8] = {'V', 'A', 'N', 'E', 'G', 'R', 'F', '2'};
// The first form differs in the norms alone, which were those of rows in place of codes.
constexpr char FIRST_MAGIC[8] = {'V', 'A', 'N', 'E', 'G', 'R', 'F', '1'};
// Of codes of few bits, which the other forms do not have.
constexpr char FEW_MAGIC[8] = {'V', 'A', 'N', 'E', 'G', 'R', 'F', '3'};
// Places for links on the lowest level: twice the largest M.
constexpr size_t LINKS_MAX = 1024;

struct Head {
    char magic[8];
    uint32_t metric;
    uint32_t dim;
    uint64_t rows;
    uint64_t nodes;
    uint64_t reached;
    uint32_t links;
    uint32_t scouts;
    uint32_t bits;
    char zeros[12];
};
static_assert(sizeof(Head) == LINE);

bool is(const char* magic, const char (&known)[8]) {
    return std::memcmp(magic, known, sizeof(known)) == 0;
}

bool has_norms_of_rows(const char* magic) {
    return is(magic, FIRST_MAGIC);
}

size_t bits_of(const Head& head) {
    if (!is(head.magic, FEW_MAGIC)) {
        return WHOLE_BITS;
    }
    require(head.bits == 1 || head.bits == 2 || head.bits == 4,
            "its codes have an impossible number of bits");
    return head.bits;
}

} // namespace

bool is_image(const char* bytes, size_t count) {
    return count >= sizeof(MAGIC) &&
            (is(bytes, MAGIC) || is(bytes, FEW_MAGIC) || has_norms_of_rows(bytes));
}

Heading Heading::read(const char* image, size_t bytes) {
    Reader reader(image, bytes);
    Head head;
    reader.take(&head, 1);
    require(is_image(head.magic, sizeof(head.magic)), "it is no graph file");
    require(head.metric == VANE_INNER_PRODUCT || head.metric == VANE_L2,
            "it is for no metric");
    // Inner products need no norms.
    require(head.metric == VANE_INNER_PRODUCT || !has_norms_of_rows(head.magic),
            "its norms are of an earlier form");
    require(head.dim > 0 && head.links > 0 && head.links <= LINKS_MAX,
            "it has an impossible shape");
    require(head.rows <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max()) &&
                    head.nodes <= head.rows && (head.rows == 0) == (head.nodes == 0) &&
                    head.reached <= head.nodes,
            "it has an impossible number of rows");
    require(head.scouts <= SCOUTS_MAX && (head.nodes == 0) == (head.scouts == 0),
            "it has an impossible number of scouts");
    Heading heading{
            static_cast<int>(head.metric),
            head.nodes,
            head.reached,
            {head.dim, head.links, head.rows, bits_of(head)},
            {},
            {}};
    // As long as it says, before memory is asked for.
    std::vector<float> centre = reader.values<float>(head.dim);
    std::vector<float> step = reader.values<float>(head.dim);
    heading.quantizer = {std::move(centre), std::move(step)};
    heading.scouts = reader.values<int32_t>(head.scouts);
    require(bytes == heading.bytes(), "it has the wrong length");
    for (const int32_t scout : heading.scouts) {
        require(scout >= 0 && static_cast<uint64_t>(scout) < head.rows,
                "a scout is no row");
    }
    return heading;
}

void Heading::write(const Put& put) const {
    Head head{};
    const bool is_whole = layout.is_whole();
    std::memcpy(head.magic, is_whole ? MAGIC : FEW_MAGIC, sizeof(MAGIC));
    head.bits = is_whole ? 0 : static_cast<uint32_t>(layout.bits);
    head.metric = static_cast<uint32_t>(metric);
    head.dim = static_cast<uint32_t>(layout.dim);
    head.rows = rows();
    head.nodes = nodes;
    head.reached = reached;
    head.links = static_cast<uint32_t>(layout.links);
    head.scouts = static_cast<uint32_t>(scouts.size());
    put(&head, sizeof(head));
    put(quantizer.centre.data(), layout.dim * sizeof(float));
    put(quantizer.step.data(), layout.dim * sizeof(float));
    put(scouts.data(), scouts.size() * sizeof(int32_t));
}

size_t Heading::equals_at() const {
    return sizeof(Head) + layout.dim * 2 * sizeof(float) + scouts.size() * sizeof(int32_t);
}

size_t Heading::equals_end() const {
    return equals_at() + (nodes == rows() ? 0 : rows()) * sizeof(int32_t);
}

size_t Heading::columns_at() const {
    return padded(equals_end());
}

} // namespace vane
