#include "search/scan.h"

#include <algorithm>
#include <cfloat>
#include <limits>

#include "require.h"
#include "search/counter.h"
#include "search/pool.h"

namespace vane {
namespace {

// Rows that are asked for together, and compared while the next ones are.
constexpr size_t PIECE = 32;
// Rows of which those that may be returned are noted at a time.
constexpr size_t RUN = 1024;
// Rows that are kept before those are taken out that turned out to be too far.
constexpr size_t KEPT = 1024;

// A row by its whole code: what it costs, and what the row itself costs at least and at most, in
// nearly all cases.
struct Coded {
    Candidate candidate;
    float least;
    float most;
};

// Vectors that a thread keeps from search to search.
struct Own {
    std::vector<Candidate> kept;
    std::vector<Coded> coded;
    std::vector<float> most;
    std::vector<Candidate> found;
};

thread_local Own own_vectors;

// Looks at rows by the upper halves of their codes, at those that are near by these by the whole,
// and leaves those that may be among the k nearest.
template <class Costs>
class Sieve {
  public:
    Sieve(const Task& task, const Costs& costs)
            : task_(task), costs_(costs), nearest_(task.ef) {
        own_.kept.resize(std::max(own_.kept.size(), limit_ + PIECE));
    }

    void compare(const int32_t* rows, size_t count) {
        for (size_t i = 0; i < count; i += PIECE) {
            const size_t piece = std::min(PIECE, count - i);
            for (size_t j = i; j < i + piece; j++) {
                costs_.fetch(rows[j]);
            }
            turn();
            std::copy_n(rows + i, piece, coming_);
            coming_count_ = piece;
        }
    }

    const std::vector<Candidate>& found() {
        turn();
        own_.coded.clear();
        const std::vector<Candidate>& nearest = nearest_.found();
        look_closer(nearest.data(), nearest.size());
        if (nearest.size() == task_.ef) {
            // All others are in what is kept.
            const Candidate last = nearest.back();
            const float margin = costs_.margin() + shared_off(nearest);
            leave([&, bound = most() + off_ + margin](const Candidate& row) {
                return is_before(last, row) && !(row.cost > bound);
            });
            look_closer(own_.kept.data(), count_);
        }
        return sorted();
    }

  private:
    static constexpr float UNKNOWN = std::numeric_limits<float>::infinity();

    void turn() {
        compared_here += coming_count_;
        Candidate* const kept = own_.kept.data();
        size_t count = count_;
        const float worst = nearest_.worst();
        const float bound = worst + 2 * (costs_.margin() + off_);
        costs_.each_about(coming_, coming_count_, [&](int32_t row, float about) {
            // Without a branch: which are near cannot be foreseen. Also where one is no number.
            kept[count] = {about, row};
            count += !(about > bound);
        });
        coming_count_ = 0;
        for (size_t i = count_; i < count; i++) {
            if (kept[i].cost <= worst) {
                nearest_.insert(kept[i]);
            }
        }
        count_ = count;
        if (off_ == UNKNOWN && nearest_.worst() < UNKNOWN) {
            note_off();
        }
        if (count_ > limit_) {
            leave([&](const Candidate& row) { return !(row.cost > bound); });
            note_off();
            if (count_ > limit_ / 2) {
                limit_ *= 2;
                own_.kept.resize(std::max(own_.kept.size(), limit_ + PIECE));
            }
        }
    }

    // Not at each of their changes: it may be a wait for memory.
    void note_off() {
        off_ = costs_.likely_off(nearest_.last());
    }

    template <class Keep>
    void leave(const Keep& keep) {
        Candidate* const kept = own_.kept.data();
        count_ = static_cast<size_t>(
                std::remove_if(
                        kept, kept + count_, [&](const Candidate& row) { return !keep(row); }) -
                kept);
    }

    void look_closer(const Candidate* rows, size_t count) {
        for (size_t i = 0; i < count; i++) {
            costs_.fetch_rest(rows[i].node);
            costs_.fetch_facts(rows[i].node);
        }
        for (size_t i = 0; i < count; i++) {
            const int32_t node = rows[i].node;
            const float cost = costs_.cost(node, rows[i].cost);
            const float off = costs_.likely_off({cost, node});
            own_.coded.push_back({{cost, node}, cost - off, cost + off});
        }
    }

    // By how much upper halves put the nearest farther than whole codes do, on the average. Rows of
    // a tight cluster have nearly the same code, so that they are off by the same, which can be
    // more than what is seldom for each of them; others, found by upper halves, are not.
    float shared_off(const std::vector<Candidate>& nearest) const {
        double sum = 0;
        for (size_t i = 0; i < nearest.size(); i++) {
            sum += static_cast<double>(nearest[i].cost) - own_.coded[i].candidate.cost;
        }
        return static_cast<float>(std::max(0.0, sum / static_cast<double>(nearest.size())));
    }

    // No more than this cost the k nearest.
    float most() const {
        const size_t k = task_.wanted.k;
        if (own_.coded.size() < k) {
            return std::numeric_limits<float>::infinity();
        }
        own_.most.clear();
        for (const Coded& row : own_.coded) {
            // What is no number has no place in an order.
            own_.most.push_back(row.most < FLT_MAX ? row.most : FLT_MAX);
        }
        const auto last = own_.most.begin() + static_cast<ptrdiff_t>(k - 1);
        std::nth_element(own_.most.begin(), last, own_.most.end());
        return *last;
    }

    const std::vector<Candidate>& sorted() const {
        const float bound = most();
        own_.found.clear();
        for (const Coded& row : own_.coded) {
            if (!(row.least > bound)) {
                own_.found.push_back(row.candidate);
            }
        }
        std::sort(own_.found.begin(), own_.found.end(), is_before);
        return own_.found;
    }

    const Task& task_;
    const Costs& costs_;
    Own& own_ = own_vectors;
    // By upper halves.
    Pool nearest_;
    // Of those that are kept the first so many are in use.
    size_t count_ = 0;
    size_t limit_ = KEPT;
    // What the code of the last of the nearest is off by, one day.
    float off_ = UNKNOWN;
    int32_t coming_[PIECE];
    size_t coming_count_ = 0;
};

// Notes the rows of a run that a bitmap allows; without a branch, as which do cannot be foreseen.
size_t allowed(const vane_select& select, size_t begin, size_t end, int32_t* out) {
    const uint64_t* allow = select.allow;
    const uint32_t* slots = select.slots;
    // Slots beyond the bitmap are looked for in its last word, and not allowed all the same.
    const size_t last = select.allow_words - 1;
    size_t count = 0;
    for (size_t row = begin; row < end; row++) {
        const size_t word = slots[row] / 64;
        const uint64_t bit = allow[std::min(word, last)] >> (slots[row] % 64) & 1;
        out[count] = static_cast<int32_t>(row);
        count += bit & static_cast<uint64_t>(word <= last);
    }
    return count;
}

// Notes the rows of a run that may be returned.
size_t admitted(const Task& task, size_t begin, size_t end, int32_t* out) {
    const vane_select* select = task.select;
    size_t count = 0;
    if (select && select->slots && select->allow_words > 0) {
        count = allowed(*select, begin, end, out);
    } else {
        for (size_t row = begin; row < end; row++) {
            out[count++] = static_cast<int32_t>(row);
        }
    }
    const auto is_not = [&](int32_t row) { return !task.admits(static_cast<uint32_t>(row)); };
    return static_cast<size_t>(std::remove_if(out, out + count, is_not) - out);
}

size_t admitted_of(const Task& task, const uint32_t* rows, size_t count, int32_t* out) {
    const uint32_t last = *std::max_element(rows, rows + count);
    require(last < task.columns.rows(), "a row to look at is none");
    if (!task.select) {
        std::copy_n(rows, count, out);
        return count;
    }
    size_t admitted = 0;
    for (size_t i = 0; i < count; i++) {
        out[admitted] = static_cast<int32_t>(rows[i]);
        admitted += task.admits(rows[i]) ? 1 : 0;
    }
    return admitted;
}

} // namespace

template <class Costs>
const std::vector<Candidate>& scan(
        const Task& task, const Costs& costs, const uint32_t* rows, size_t count) {
    Sieve<Costs> sieve(task, costs);
    int32_t run[RUN];
    const size_t end = rows ? count : task.columns.rows();
    for (size_t begin = 0; begin < end; begin += RUN) {
        const size_t length = std::min(RUN, end - begin);
        sieve.compare(
                run,
                rows ? admitted_of(task, rows + begin, length, run)
                     : admitted(task, begin, begin + length, run));
    }
    return sieve.found();
}

template const std::vector<Candidate>& scan(
        const Task&, const ByCodes&, const uint32_t*, size_t);
template const std::vector<Candidate>& scan(const Task&, const ByFew&, const uint32_t*, size_t);

} // namespace vane
