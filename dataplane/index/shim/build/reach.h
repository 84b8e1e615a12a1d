// Whether a walk can come to every node, and ways to those that it cannot come to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "build/draft.h"
#include "build/neighbours.h"

namespace vane {

// Links nodes that no way from the scouts leads to from what is near to them. Says how many nodes
// can be reached in the end.
size_t lead_ways(
        Draft& draft, const std::vector<int32_t>& scouts, const Neighbours& neighbours);

size_t count_reached(Draft& draft, const std::vector<int32_t>& scouts);

} // namespace vane
