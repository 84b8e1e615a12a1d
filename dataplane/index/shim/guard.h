// Keeps exceptions inside the shim and their messages for vane_last_error().
#pragma once

#include <cstdio>
#include <exception>

namespace vane {

inline constexpr size_t MESSAGE_BYTES = 512;

// A fixed buffer: remembering an out-of-memory error must not allocate.
inline char* message() {
    static thread_local char buffer[MESSAGE_BYTES] = "";
    return buffer;
}

template <class Body>
int guarded(Body&& body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception& e) {
        std::snprintf(message(), MESSAGE_BYTES, "%s", e.what());
        return 1;
    } catch (...) {
        std::snprintf(message(), MESSAGE_BYTES, "unknown C++ exception");
        return 1;
    }
}

} // namespace vane
