#include "build/copies.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>

namespace vane {
namespace {

std::string_view bytes(const float* rows, int32_t row, size_t dim) {
    const float* values = rows + static_cast<size_t>(row) * dim;
    return {reinterpret_cast<const char*>(values), dim * sizeof(float)};
}

} // namespace

Copies Copies::none(size_t rows) {
    Copies copies;
    copies.originals.resize(rows);
    std::iota(copies.originals.begin(), copies.originals.end(), 0);
    return copies;
}

Copies Copies::find(const float* rows, size_t count, size_t dim) {
    std::vector<std::pair<size_t, int32_t>> by_hash(count);
    for (size_t i = 0; i < count; i++) {
        const auto row = static_cast<int32_t>(i);
        by_hash[i] = {std::hash<std::string_view>{}(bytes(rows, row, dim)), row};
    }
    std::sort(by_hash.begin(), by_hash.end());
    std::vector<int32_t> next(count, -1);
    std::vector<bool> is_copy(count, false);
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = begin + 1;
        // Unlike rows of one hash are as good as never: each is looked for among the last ones of
        // those that came before it and are unlike each other.
        std::vector<int32_t> last{by_hash[begin].second};
        for (; end < count && by_hash[end].first == by_hash[begin].first; end++) {
            const int32_t row = by_hash[end].second;
            const auto same = std::find_if(last.begin(), last.end(), [&](int32_t other) {
                return bytes(rows, other, dim) == bytes(rows, row, dim);
            });
            if (same == last.end()) {
                last.push_back(row);
            } else {
                next[static_cast<size_t>(*same)] = row;
                is_copy[static_cast<size_t>(row)] = true;
                *same = row;
            }
        }
    }
    Copies copies;
    for (size_t i = 0; i < count; i++) {
        if (!is_copy[i]) {
            copies.originals.push_back(static_cast<int32_t>(i));
        }
    }
    if (copies.originals.size() < count) {
        copies.next = std::move(next);
    }
    return copies;
}

} // namespace vane
