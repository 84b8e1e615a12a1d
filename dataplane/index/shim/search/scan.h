// A look at all rows that may be returned, or at some of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "search/costs.h"
#include "search/task.h"

namespace vane {

// Rows that may be returned, the nearest first; where `rows` are given, of those. All that are
// among the `k` nearest are there in nearly all cases, and what their codes cannot tell from these.
// At least `ef` are looked at by their whole codes, which lets fewer of the others pass. The list
// is the thread's own, and good until its next search. For `ByCodes` and `ByFew`.
template <class Costs>
const std::vector<Candidate>& scan(
        const Task& task, const Costs& costs, const uint32_t* rows, size_t count);

} // namespace vane
