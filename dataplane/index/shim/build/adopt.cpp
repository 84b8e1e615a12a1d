#include "build/adopt.h"

#include <algorithm>

#include "require.h"

namespace vane {
namespace {

// A base with less than one in so many of the nodes saves little, and shapes the whole.
constexpr size_t NODES_SHARE = 4;
// A node that lost more than one in so many of its links seeks new ones, and where all of them
// together lost as many, a graph is built from nothing.
constexpr size_t LOST_SHARE = 4;

// For each row of the base its number in the draft, if it is a node of both.
std::vector<int32_t> numbers(const Draft& draft, const Columns& base, const int32_t* from) {
    std::vector<int32_t> number(base.rows(), -1);
    for (const int32_t node : draft.nodes()) {
        const int32_t old = from[node];
        if (old == -1) {
            continue;
        }
        require(base.is_row(old), "a row is of no row of the base");
        // One that stood for nothing has no links, and is inserted as any other.
        if (base.links(old)[0] != -1) {
            number[old] = node;
        }
    }
    return number;
}

} // namespace

Adopted adopt(Draft& draft, const Columns& base, const int32_t* from) {
    if (base.links_max() != draft.links_max()) {
        return {};
    }
    const std::vector<int32_t> number = numbers(draft, base, from);
    Adopted adopted;
    size_t links = 0, lost = 0;
    for (size_t row = 0; row < number.size(); row++) {
        if (number[row] == -1) {
            continue;
        }
        const int32_t* old = base.links(static_cast<int32_t>(row));
        int32_t* to = draft.links(number[row]);
        size_t had = 0, kept = 0;
        for (; had < base.links_max() && old[had] != -1; had++) {
            require(base.is_row(old[had]), "a link leads outside");
            if (number[old[had]] != -1) {
                to[kept++] = number[old[had]];
            }
        }
        adopted.nodes.push_back(number[row]);
        if ((had - kept) * LOST_SHARE > had) {
            adopted.torn.push_back(number[row]);
        }
        links += had;
        lost += had - kept;
    }
    if (adopted.nodes.size() * NODES_SHARE < draft.nodes().size() || lost * LOST_SHARE > links) {
        draft.unlink();
        return {};
    }
    // In the order of the draft: which row of the base is which must not matter.
    std::sort(adopted.nodes.begin(), adopted.nodes.end());
    std::sort(adopted.torn.begin(), adopted.torn.end());
    return adopted;
}

} // namespace vane
