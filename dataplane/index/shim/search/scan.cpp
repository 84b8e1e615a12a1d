#include "search/scan.h"

#include <algorithm>

#include "require.h"
#include "search/counter.h"
#include "search/pool.h"

namespace vane {
namespace {

// Rows that are asked for together, and compared while the next ones are.
constexpr size_t PIECE = 32;
// Rows of which those that may be returned are noted at a time.
constexpr size_t RUN = 1024;

template <class Costs>
class Scanner {
  public:
    Scanner(const Task& task, const Costs& costs) : costs_(costs), pool_(task.ef) {}

    void compare(const int32_t* rows, size_t count) {
        for (size_t i = 0; i < count; i += PIECE) {
            const size_t piece = std::min(PIECE, count - i);
            fetch(rows + i, piece);
            turn();
            std::copy_n(rows + i, piece, coming_);
            coming_count_ = piece;
        }
    }

    const std::vector<Candidate>& found() {
        turn();
        return pool_.found();
    }

  private:
    void fetch(const int32_t* rows, size_t count) {
        for (size_t i = 0; i < count; i++) {
            costs_.fetch(rows[i]);
        }
    }

    void turn() {
        const float bound = pool_.worst() + costs_.margin();
        compared_here += coming_count_;
        costs_.each_about(coming_, coming_count_, [&](int32_t row, float about) {
            // Also where it is no number.
            if (!(about > bound)) {
                pool_.insert({costs_.cost(row, about), row});
            }
        });
        coming_count_ = 0;
    }

    const Costs& costs_;
    Pool pool_;
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
    size_t admitted = 0;
    for (size_t i = 0; i < count; i++) {
        require(rows[i] < task.columns.rows(), "a row to look at is none");
        out[admitted] = static_cast<int32_t>(rows[i]);
        admitted += task.admits(rows[i]) ? 1 : 0;
    }
    return admitted;
}

} // namespace

template <class Costs>
const std::vector<Candidate>& scan(
        const Task& task, const Costs& costs, const uint32_t* rows, size_t count) {
    Scanner<Costs> scanner(task, costs);
    int32_t run[RUN];
    const size_t end = rows ? count : task.columns.rows();
    for (size_t begin = 0; begin < end; begin += RUN) {
        const size_t length = std::min(RUN, end - begin);
        scanner.compare(
                run,
                rows ? admitted_of(task, rows + begin, length, run)
                     : admitted(task, begin, begin + length, run));
    }
    return scanner.found();
}

template const std::vector<Candidate>& scan(
        const Task&, const ByCodes&, const uint32_t*, size_t);
template const std::vector<Candidate>& scan(
        const Task&, const ByRows<InnerProduct>&, const uint32_t*, size_t);
template const std::vector<Candidate>& scan(
        const Task&, const ByRows<L2>&, const uint32_t*, size_t);

} // namespace vane
