// Searching a graph: by codes, and exact scores of what was found.

#include <algorithm>
#include <limits>

#include "format/graph.h"
#include "guard.h"
#include "require.h"
#include "search/counter.h"
#include "search/rescoring.h"
#include "search/resolution.h"
#include "search/scan.h"
#include "search/walk.h"

namespace {

using vane::Candidate;
using vane::Found;
using vane::Heading;

// What a search by whole codes differs in from one by codes of few bits.
struct Whole {
    using Columns = vane::Columns;
    using Query = vane::CodedQuery;
    using Costs = vane::ByCodes;

    static Query query(const Heading& heading, const float* query) {
        return {heading.quantizer, query, heading.metric == VANE_INNER_PRODUCT};
    }

    // Candidates by codes among which the k nearest are.
    static size_t candidates(const Heading& /*heading*/, size_t k) {
        return k;
    }

    // What costs no more than this is of use.
    static float bound(const Heading& heading, const float* within) {
        if (!within) {
            return std::numeric_limits<float>::infinity();
        }
        return heading.metric == VANE_INNER_PRODUCT ? -*within : *within;
    }
};

struct Few {
    using Columns = vane::FewColumns;
    using Query = vane::FewQuery;
    using Costs = vane::ByFew;

    static Query query(const Heading& heading, const float* query) {
        const bool inner_product = heading.metric == VANE_INNER_PRODUCT;
        return {heading.quantizer, heading.layout.bits, query, inner_product};
    }

    // In the order of few bits the k nearest are among some times as many.
    static size_t candidates(const Heading& heading, size_t k) {
        constexpr size_t TIMES_OF_ONE = 4, TIMES_OF_MORE = 2;
        const size_t times = heading.layout.bits == 1 ? TIMES_OF_ONE : TIMES_OF_MORE;
        return std::max(k, std::min(k * times, heading.rows()));
    }

    // By few bits what is near a bound cannot be counted.
    static float bound(const Heading& /*heading*/, const float* /*within*/) {
        return std::numeric_limits<float>::infinity();
    }
};

// What a search is made of: its parts refer to one another.
template <class Kind>
struct Search {
    const Heading& heading;
    const typename Kind::Columns columns;
    const vane::Equals equals;
    const typename Kind::Query coded;
    const typename Kind::Costs costs;
    const vane::Task task;

    // A walk.
    Search(const vane_search& search, const float* within)
            : Search(
                      search,
                      vane::Equals(search.graph->heading, search.graph->image(search.file)),
                      {Kind::candidates(search.graph->heading, search.k),
                       Kind::bound(search.graph->heading, within)}) {}

    // A look at codes: each row is looked at itself.
    explicit Search(const vane_search& search)
            : Search(
                      search,
                      vane::Equals(nullptr, search.graph->heading.rows()),
                      {search.k}) {}

  private:
    Search(const vane_search& search, const vane::Equals& equals, const vane::Wanted& wanted)
            : heading(search.graph->heading),
              columns(heading, search.graph->image(search.file)),
              equals(equals),
              coded(Kind::query(heading, search.query)),
              costs(columns, coded),
              task{heading.scouts,
                   columns,
                   this->equals,
                   search.select,
                   std::max(search.ef, wanted.k),
                   wanted} {}
};

// Writes the answer.
template <class Metric>
void answer(const vane_search& search, const std::vector<Found>& best) {
    for (size_t i = 0; i < search.k; i++) {
        const bool is_there = i < best.size();
        search.ids[i] = is_there ? static_cast<int64_t>(best[i].row) : -1;
        search.scores[i] = is_there ? Metric::score(best[i].cost) : 0;
    }
}

// The answer, from candidates.
template <class Metric, class Kind>
void rescore(
        const vane_search& search,
        const Search<Kind>& parts,
        const std::vector<Candidate>& found) {
    vane::Rescoring<Metric, typename Kind::Costs> rescoring(
            parts.task, parts.costs, search, search.k);
    rescoring.run(found);
    answer<Metric>(search, rescoring.best());
}

// Whether a walk by codes found the nearest `ef` that there are, and not any of many like them. Of
// few bits that shows later, by the rows.
bool knows_the_nearest(
        const Search<Whole>& parts, const std::vector<Candidate>& found, size_t ef) {
    return vane::Resolution(parts.coded, parts.columns).found_the_nearest(found, ef);
}

bool knows_the_nearest(
        const Search<Few>& /*parts*/, const std::vector<Candidate>& /*found*/, size_t /*ef*/) {
    return true;
}

// Those that may be returned of what a walk over all rows finds; null where they are too few.
// Whether a row may be returned is asked of what was found, and not of each that is met.
template <class Kind>
const std::vector<Candidate>* walked_over(const Search<Kind>& parts, size_t over) {
    static thread_local std::vector<Candidate> may_be;
    vane::Wanted wanted = parts.task.wanted;
    const size_t ef = parts.task.ef;
    wanted.least = std::max(wanted.k, ef / 4);
    wanted.k = std::max(wanted.k, wanted.k * over / ef);
    const vane::Task task{
            parts.task.scouts, parts.columns, parts.equals, nullptr, over, wanted};
    const vane::Judge judge(parts.task, over);
    const auto& found = vane::walk(task, parts.costs, &judge);
    if (!knows_the_nearest(parts, found, ef)) {
        return nullptr;
    }
    may_be.clear();
    vane::Seen seen(parts.task.wanted.k);
    for (const Candidate& candidate : found) {
        const bool may = parts.task.admits_node(candidate.node);
        seen.add(may);
        if (may) {
            may_be.push_back(candidate);
        }
    }
    return judge.is_enough(seen) ? &may_be : nullptr;
}

template <class Metric, class Kind>
const std::vector<Candidate>& walked_by_rows(
        const vane_search& search, const Search<Kind>& parts) {
    const size_t dim = parts.heading.layout.dim;
    return vane::walk(parts.task, vane::ByRows<Metric>(search.rows, dim, search.query));
}

// By codes, or by the rows where whole codes cannot tell them apart.
template <class Metric, class Kind>
const std::vector<Candidate>& walked(
        const vane_search& search, const Search<Kind>& parts, size_t over, bool again) {
    if (parts.task.select && over >= search.ef) {
        const size_t most = std::max(over, parts.task.ef);
        if (const auto* found = walked_over(parts, most)) {
            return *found;
        }
        if (!again) {
            static const std::vector<Candidate> nothing;
            return nothing;
        }
    }
    const auto& found = vane::walk(parts.task, parts.costs);
    if (knows_the_nearest(parts, found, parts.task.ef)) {
        return found;
    }
    return walked_by_rows<Metric>(search, parts);
}

// The nearest are seldom found late in the order of codes. Where they are anywhere in it, codes do
// not tell rows apart, and others are as near that a walk did not keep.
bool came_early(
        const std::vector<Found>& best_of_first_half,
        const std::vector<Found>& best,
        size_t found) {
    // Of so large a part of what was found they tell nothing.
    constexpr size_t ROOM = 4;
    // So many of so many are in the first half: by chance one time in twenty.
    constexpr size_t EARLY = 4, OF = 5;
    if (found < best.size() * ROOM) {
        return true;
    }
    // Both are in one order, and the nearest of all that are in the first half lead there, too.
    size_t early = 0;
    for (const Found& one : best) {
        early += early < best_of_first_half.size() &&
                        best_of_first_half[early].row == one.row
                ? 1
                : 0;
    }
    return early * OF >= best.size() * EARLY;
}

// By codes of few bits. Whether they tell rows apart shows by the rows themselves, which are
// compared anyway.
template <class Metric>
void walk_by_few(const vane_search& search, const Search<Few>& parts, size_t over, bool again) {
    // Less than so many tell nothing.
    constexpr size_t SEEN_MIN = 10;
    const auto& found = walked<Metric>(search, parts, over, again);
    vane::Rescoring<Metric, vane::ByFew> rescoring(
            parts.task, parts.costs, search, std::max(search.k, SEEN_MIN));
    rescoring.run(found, 0, found.size() / 2);
    const std::vector<Found> best_of_first_half = rescoring.best();
    rescoring.run(found, found.size() / 2, found.size());
    const std::vector<Found>& best = rescoring.best();
    if (best.size() < SEEN_MIN || came_early(best_of_first_half, best, found.size())) {
        answer<Metric>(search, best);
    } else if (again || !parts.task.select) {
        rescore<Metric>(search, parts, walked_by_rows<Metric>(search, parts));
    } else {
        answer<Metric>(search, {});
    }
}

} // namespace

uint64_t vane_compared_here(void) {
    return vane::compared_here;
}

int vane_graph_walk(const vane_search* search, size_t over, int again, const float* within) {
    return vane::guarded([&] {
        const Heading& heading = search->graph->heading;
        vane::with_metric(heading.metric, [&](auto metric) {
            using Metric = decltype(metric);
            if (heading.layout.is_whole()) {
                const Search<Whole> parts(*search, within);
                rescore<Metric>(
                        *search, parts, walked<Metric>(*search, parts, over, again != 0));
                return;
            }
            const Search<Few> parts(*search, within);
            if (search->by_rows) {
                rescore<Metric>(*search, parts, walked_by_rows<Metric>(*search, parts));
            } else {
                walk_by_few<Metric>(*search, parts, over, again != 0);
            }
        });
    });
}

int vane_graph_scan(const vane_search* search, const uint32_t* among, size_t count) {
    return vane::guarded([&] {
        const auto look = [&](const auto& parts) {
            vane::with_metric(parts.heading.metric, [&](auto metric) {
                using Metric = decltype(metric);
                rescore<Metric>(
                        *search, parts, vane::scan(parts.task, parts.costs, among, count));
            });
        };
        if (search->graph->heading.layout.is_whole()) {
            look(Search<Whole>(*search));
        } else {
            look(Search<Few>(*search));
        }
    });
}
