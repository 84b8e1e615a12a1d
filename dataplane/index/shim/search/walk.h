// A walk from node to node along the links of a graph, towards a query.
#pragma once

#include <vector>

#include "search/costs.h"
#include "search/judge.h"
#include "search/task.h"

namespace vane {

// Up to `ef` of the nearest nodes that may be returned or have an equal that may, the nearest
// first; others cost no comparison and take no place. The list is the thread's own, and good until
// its next search. Where there is a judge it says how many are looked around. For `ByCodes`,
// `ByFew` and `ByRows`.
template <class Costs>
const std::vector<Candidate>& walk(
        const Task& task, const Costs& costs, const Judge* judge = nullptr);

} // namespace vane
