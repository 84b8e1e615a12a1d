// What a walk knows of each node.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vane {

enum class Mark : uint8_t {
    NEW,
    TAKEN,   // to be compared with the query, or already is
    REFUSED, // may not be returned
    PASSED   // may not be returned, and its neighbours were looked at
};

// A byte for each node. Marks of earlier walks count for nothing, without being cleared each time.
class Marks {
  public:
    // Those of a thread's walks one after the other: as many as the largest graph has that it has
    // walked.
    static Marks& cleared(size_t nodes) {
        static thread_local Marks marks;
        marks.begin(nodes);
        return marks;
    }

    Mark get(int32_t node) const {
        const uint8_t mark = marks_[static_cast<size_t>(node)];
        return mark > base_ ? static_cast<Mark>(mark - base_) : Mark::NEW;
    }

    void set(int32_t node, Mark mark) {
        marks_[static_cast<size_t>(node)] =
                static_cast<uint8_t>(base_ + static_cast<uint8_t>(mark));
    }

    // Marks a node that is new as taken, and says whether it was new. Without a branch. For walks
    // that mark none as anything else.
    size_t take(int32_t node) {
        uint8_t& mark = marks_[static_cast<size_t>(node)];
        const size_t is_new = mark <= base_ ? 1 : 0;
        mark = std::max(mark, static_cast<uint8_t>(base_ + static_cast<uint8_t>(Mark::TAKEN)));
        return is_new;
    }

  private:
    static constexpr uint8_t STEP = 3;

    void begin(size_t nodes) {
        if (marks_.size() < nodes) {
            marks_.assign(nodes, 0);
            base_ = 0;
        } else if (base_ > UINT8_MAX - 2 * STEP) {
            std::fill(marks_.begin(), marks_.end(), uint8_t{0});
            base_ = 0;
        } else {
            base_ = static_cast<uint8_t>(base_ + STEP);
        }
    }

    std::vector<uint8_t> marks_;
    uint8_t base_ = 0;
};

} // namespace vane
