// How far a walk over all rows has to go for those of them that may be returned.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "search/pool.h"
#include "search/task.h"

namespace vane {

// What a walk does until the next look.
struct Course {
    // Candidates that are kept.
    size_t keep;
    // Candidates that are looked around.
    size_t until;
};

// What may be returned of some candidates, the nearest first.
class Seen {
  public:
    explicit Seen(size_t wanted) : wanted_(wanted) {}

    void add(bool may_be) {
        count_++;
        matching_ += may_be ? 1 : 0;
        if (may_be && matching_ == wanted_) {
            depth_ = count_;
        }
    }

    size_t count() const {
        return count_;
    }

    size_t matching() const {
        return matching_;
    }

    // Among how many of the nearest those lie that are wanted; about, where not all were seen.
    double depth() const {
        if (depth_ > 0) {
            return static_cast<double>(depth_);
        }
        const auto parts = static_cast<double>(std::max<size_t>(matching_, 1));
        return static_cast<double>(count_) * static_cast<double>(wanted_) / parts;
    }

    // Whether as many were seen as are wanted.
    bool has_all() const {
        return depth_ > 0;
    }

  private:
    size_t wanted_;
    size_t count_ = 0;
    size_t matching_ = 0;
    size_t depth_ = 0;
};

// A walk over all rows finds the k nearest that may be returned among n k of the nearest rows.
// For the recall that it has without a filter it looks around more candidates than then, but not n
// times as many, since most are found on the way to one another: an eighth of that is enough, and
// none more as long as every second may be returned. What n is, around the query, shows long before
// the end: no more is kept than is needed, as each that is kept costs a look at its whole code.
class Judge {
  public:
    // `task` says which rows may be returned, and how many candidates a walk looks around where
    // all may. At most `most` are.
    Judge(const Task& task, size_t most) : task_(task), most_(most) {}

    Course first() const {
        return {std::clamp(most_ / SPREAD, std::min(task_.ef, most_), most_), look(1)};
    }

    // After so many of the nearest were looked around. The same number again where these are
    // enough, or all that the walk may look at will not be.
    Course after(const Pool& pool, size_t count) const {
        Seen seen(task_.wanted.k);
        for (size_t i = 0; i < count; i++) {
            seen.add(task_.admits_node(pool.node(i)));
        }
        const double needed = this->needed(seen);
        const auto most = static_cast<double>(most_);
        const bool is_hopeless = count >= task_.ef && needed > HOPE * most;
        const auto wanted = static_cast<size_t>(std::min(needed, most));
        if (is_hopeless || count >= wanted) {
            return {count, count};
        }
        // What is left out cannot come back: not by an estimate.
        const size_t keep = seen.has_all() ? wanted : std::max(wanted, first().keep);
        return {keep, std::min(wanted, next_look(count))};
    }

    // Whether the best that may be returned are among those that a walk kept. If not, the query
    // lies where the filter leaves little.
    bool is_enough(const Seen& seen) const {
        return seen.matching() >= task_.wanted.k &&
                needed(seen) <= NEARLY * static_cast<double>(seen.count());
    }

  private:
    // Of what n times as many would be, this part is looked around.
    static constexpr double PART = 0.125;
    // So many times as many in any case as those lie among that are wanted; fewer where a walk
    // without a filter keeps few more than these, but for what an estimate of the depth is off by.
    static constexpr double DEEPER = 2.5;
    static constexpr double PER_RESULT = 0.75;
    static constexpr double SPARE = 4;
    // Where so many times as many are needed as were looked around, these are as good.
    static constexpr double NEARLY = 1.25;
    // Where so many times as many are needed as may be, the walk ends at once.
    static constexpr double HOPE = 2;
    // Most are so many times as many as the share of all rows that may be returned lets expect.
    static constexpr size_t SPREAD = 3;
    // Looks until as many were looked around as without a filter.
    static constexpr size_t LOOKS = 2;

    size_t look(size_t number) const {
        return std::min(most_, std::max<size_t>(task_.ef * number / LOOKS, 1));
    }

    size_t next_look(size_t count) const {
        for (size_t number = 1; number <= LOOKS; number++) {
            if (look(number) > count) {
                return look(number);
            }
        }
        return count + task_.ef / LOOKS + 1;
    }

    // How many are to be looked around.
    double needed(const Seen& seen) const {
        const auto ef = static_cast<double>(task_.ef), k = static_cast<double>(task_.wanted.k);
        const double depth = seen.depth();
        const double least = std::min(1 + SPARE / std::sqrt(k), DEEPER);
        const double deeper = std::clamp(PER_RESULT * ef / k, least, DEEPER);
        return std::max({ef, ef * (1 - 2 * PART + PART * depth / k), depth * deeper});
    }

    const Task& task_;
    size_t most_;
};

} // namespace vane
