// Refusals, as exceptions that guard.h turns into messages.
#pragma once

#include <stdexcept>
#include <string>

namespace vane {

[[noreturn]] inline void fail(const std::string& what) {
    throw std::runtime_error(what);
}

inline void require(bool holds, const char* what) {
    if (!holds) {
        fail(what);
    }
}

} // namespace vane
