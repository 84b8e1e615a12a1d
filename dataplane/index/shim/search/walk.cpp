#include "search/counter.h"
#include "search/walk.h"

#include <algorithm>

#include "require.h"
#include "search/judge.h"
#include "search/marks.h"
#include "search/pool.h"

namespace vane {
namespace {

// A walk starts from this many places. From one alone it can end among rows that are
// near one another and far from the query, whatever its ef: 6 of 500 queries on 63,436
// package descriptions found none of their ten nearest, with four places none of the 500.
constexpr size_t STARTS = 4;
// Nodes whose neighbours are looked at together: one alone has a dozen that are new, too few to
// hide the wait for memory. The walk looks at a few nodes more by it, which are not for nothing:
// with 1, 2 and 3 of them 63,436 rows gave recall .973, .976 and .978, in 167, 151 and 150
// microseconds.
constexpr size_t TOGETHER = 3;
// Where less than so many of so many neighbours of a node may be returned, the walk looks at
// neighbours of the others.
constexpr size_t ENOUGH = 3, OF = 4;

template <class Costs>
class Walker {
  public:
    Walker(const Task& task, const Costs& costs, const Judge* judge)
            : task_(task),
              costs_(costs),
              judge_(judge),
              pool_(task.ef, task.wanted),
              marks_(Marks::cleared(task.columns.rows())) {}

    void run() {
        if (judge_) {
            const Course course = judge_->first();
            pool_.go_on(course.keep, course.until);
        }
        start();
        for (int32_t node = next(); node >= 0; node = next()) {
            look_around(node);
            for (size_t i = 1; i < TOGETHER && (node = next()) >= 0; i++) {
                look_around(node);
            }
            compare_all();
        }
    }

    const Pool& pool() const {
        return pool_;
    }

  private:
    // The nearest candidate that was not yet looked around, as far as the walk goes; else -1.
    int32_t next() {
        int32_t node = pool_.next();
        while (node < 0 && judge_ && pool_.has_come_there()) {
            const size_t count = pool_.until();
            const Course course = judge_->after(pool_, count);
            pool_.go_on(course.keep, course.until);
            if (course.until == count) {
                break;
            }
            node = pool_.next();
        }
        return node;
    }

    // What is known of a node. Each is asked about once: one may stand for any number of rows that
    // are equal.
    Mark marked(int32_t node) {
        const Mark mark = marks_.get(node);
        if (mark == Mark::NEW && task_.select && !task_.admits_node(node)) {
            marks_.set(node, Mark::REFUSED);
            return Mark::REFUSED;
        }
        return mark;
    }

    void start() {
        std::vector<Candidate> near, near_admitted;
        near_admitted.reserve(task_.scouts.size());
        for (const int32_t scout : task_.scouts) {
            costs_.fetch(scout);
        }
        const auto sort_out = [&](int32_t node, float cost) {
            (marked(node) == Mark::NEW ? near_admitted : near).push_back({cost, node});
        };
        compared_here += task_.scouts.size();
        costs_.each_about(task_.scouts.data(), task_.scouts.size(), sort_out);
        keep_best(near);
        keep_best(near_admitted);
        for (const Candidate& scout : near_admitted) {
            marks_.set(scout.node, Mark::TAKEN);
            pool_.insert({costs_.cost(scout.node, scout.cost), scout.node});
        }
        // The way to what may be returned leads over these where the query lies among them.
        for (const Candidate& scout : near) {
            marks_.set(scout.node, Mark::PASSED);
            look_around(scout.node);
            compare_all();
        }
    }

    static void keep_best(std::vector<Candidate>& scouts) {
        const size_t kept = std::min(STARTS, scouts.size());
        std::partial_sort(
                scouts.begin(),
                scouts.begin() + static_cast<ptrdiff_t>(kept),
                scouts.end(),
                is_before);
        scouts.resize(kept);
    }

    // Notes the neighbours of a node that are to be compared. Where few may be returned, those
    // beyond the others are looked at, too: else the walk would end at the border of what may.
    void look_around(int32_t node) {
        if (!task_.select) {
            note_new(node);
            return;
        }
        const size_t most = todo_.size() + task_.columns.links_max();
        size_t links = 0, of_use = 0;
        passed_.clear();
        each_link(node, [&](int32_t to) {
            const Mark mark = marked(to);
            if (mark == Mark::NEW) {
                note(to);
            } else if (mark == Mark::REFUSED) {
                passed_.push_back(to);
            }
            of_use += mark == Mark::NEW || mark == Mark::TAKEN ? 1 : 0;
            links++;
            return true;
        });
        if (passed_.empty() || of_use * OF >= links * ENOUGH) {
            return;
        }
        for (const int32_t over : passed_) {
            marks_.set(over, Mark::PASSED);
            task_.columns.fetch_links(over);
        }
        for (const int32_t over : passed_) {
            if (todo_.size() >= most) {
                break;
            }
            each_link(over, [&](int32_t to) {
                if (marked(to) == Mark::NEW) {
                    note(to);
                }
                return todo_.size() < most;
            });
        }
    }

    // The same where all may be returned.
    void note_new(int32_t node) {
        const size_t before = todo_.size();
        todo_.resize(before + task_.columns.links_max());
        size_t count = before;
        each_link(node, [&](int32_t to) {
            todo_[count] = to;
            count += marks_.take(to);
            return true;
        });
        todo_.resize(count);
        for (size_t i = before; i < count; i++) {
            costs_.fetch(todo_[i]);
        }
    }

    void note(int32_t node) {
        marks_.set(node, Mark::TAKEN);
        costs_.fetch(node);
        todo_.push_back(node);
    }

    template <class Body>
    void each_link(int32_t node, Body&& body) const {
        const int32_t* links = task_.columns.links(node);
        for (size_t i = 0; i < task_.columns.links_max() && links[i] != -1; i++) {
            // Asked here and not at the start, which would read the whole file.
            require(task_.columns.is_row(links[i]), "a link leads outside");
            if (!body(links[i])) {
                return;
            }
        }
    }

    // What the undecided ones lack is asked for while the others are looked at.
    void compare_all() {
        const float bound = pool_.worst() + costs_.margin();
        undecided_.clear();
        compared_here += todo_.size();
        costs_.each_about(todo_.data(), todo_.size(), [&](int32_t node, float about) {
            // Also where it is no number.
            if (!(about > bound)) {
                costs_.fetch_rest(node);
                undecided_.push_back({about, node});
            }
        });
        for (const Candidate& candidate : undecided_) {
            if (pool_.insert({costs_.cost(candidate.node, candidate.cost), candidate.node})) {
                task_.columns.fetch_links(candidate.node);
            }
        }
        todo_.clear();
        pool_.each_coming(
                TOGETHER, [&](int32_t node) { task_.columns.fetch_links(node); });
    }

    const Task& task_;
    const Costs& costs_;
    // Null: all candidates are looked around.
    const Judge* judge_;
    Pool pool_;
    Marks& marks_;
    std::vector<int32_t> todo_, passed_;
    std::vector<Candidate> undecided_;
};

} // namespace

template <class Costs>
const std::vector<Candidate>& walk(const Task& task, const Costs& costs, const Judge* judge) {
    Walker<Costs> walker(task, costs, judge);
    walker.run();
    return walker.pool().found();
}

template const std::vector<Candidate>& walk(const Task&, const ByCodes&, const Judge*);
template const std::vector<Candidate>& walk(const Task&, const ByFew&, const Judge*);
template const std::vector<Candidate>& walk(const Task&, const ByRows<InnerProduct>&, const Judge*);
template const std::vector<Candidate>& walk(const Task&, const ByRows<L2>&, const Judge*);

} // namespace vane
