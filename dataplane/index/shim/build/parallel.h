// Work on several threads that are started for it. They inherit the priority of the caller.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace vane {

// Calls `body(i)` for each i below `count`, in pieces of `piece`, on up to `threads` threads, the
// caller's own among them. Which thread has which piece is left to chance: a body writes to
// what is of its own i only. The first exception ends it and is thrown here.
template <class Body>
void parallel(size_t threads, size_t count, size_t piece, const Body& body) {
    std::atomic<size_t> next{0};
    std::exception_ptr failure;
    std::mutex failed;
    const auto work = [&]() noexcept {
        try {
            for (size_t begin; (begin = next.fetch_add(piece)) < count;) {
                for (size_t i = begin; i < std::min(begin + piece, count); i++) {
                    body(i);
                }
            }
        } catch (...) {
            const std::lock_guard<std::mutex> only(failed);
            failure = std::current_exception();
            next = count;
        }
    };
    const size_t wanted = std::min(threads, (count + piece - 1) / piece);
    std::vector<std::thread> helpers;
    helpers.reserve(wanted);
    try {
        while (helpers.size() + 1 < wanted) {
            helpers.emplace_back(work);
        }
    } catch (const std::system_error&) {
        // There are no more threads to be had: those that are do all of it.
    }
    work();
    for (std::thread& helper : helpers) {
        helper.join();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace vane
