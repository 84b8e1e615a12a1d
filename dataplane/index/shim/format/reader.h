// Takes numbers off the front of a file in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "require.h"

namespace vane {

// Reads in order, never past the end, and never asks for memory that the file could not fill.
class Reader {
  public:
    Reader(const char* from, size_t left) : from_(from), left_(left) {}

    template <class T>
    void take(T* to, uint64_t count) {
        require(count <= left_ / sizeof(T), "it ends early");
        if (count > 0) {
            std::memcpy(to, from_, count * sizeof(T));
        }
        from_ += count * sizeof(T);
        left_ -= count * sizeof(T);
    }

    template <class T>
    T value() {
        T value;
        take(&value, 1);
        return value;
    }

    template <class T>
    std::vector<T> values(uint64_t count) {
        require(count <= left_ / sizeof(T), "it ends early");
        std::vector<T> values(count);
        take(values.data(), count);
        return values;
    }

    // As FAISS writes them: the length first.
    template <class T>
    std::vector<T> vector(uint64_t least, uint64_t most, const char* name) {
        const auto length = value<uint64_t>();
        if (length < least || length > most || length > left_ / sizeof(T)) {
            fail(std::string(name) + " have the wrong length");
        }
        return values<T>(length);
    }

    void end() const {
        require(left_ == 0, "it has bytes after its end");
    }

  private:
    const char* from_;
    size_t left_;
};

} // namespace vane
