// What a graph that is built can take over from one that was.
#pragma once

#include <cstdint>
#include <vector>

#include "build/draft.h"
#include "format/image.h"

namespace vane {

struct Adopted {
    // Nodes whose links were taken over.
    std::vector<int32_t> nodes;
    // Those of them that lost so many links that theirs are to be sought again.
    std::vector<int32_t> torn;
};

// Copies to a draft the links between rows that both graphs have; `from` has for each row of the
// draft that of the base, or -1. Nothing is taken over where too little would be left of it.
Adopted adopt(Draft& draft, const Columns& base, const int32_t* from);

} // namespace vane
