// How much the calling thread has compared with queries since it began: codes and rows. For
// whoever explains a search by the difference.
#pragma once

#include <cstdint>

namespace vane {

inline thread_local uint64_t compared_here = 0;

} // namespace vane
