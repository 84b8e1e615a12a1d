// Writes a file, and syncs it as it grows.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>

namespace vane {

class SteadyWriter {
  public:
    explicit SteadyWriter(const char* path);

    void put(const void* bytes, size_t count);

    // By hand: a full disk may show only now.
    void close();

  private:
    struct Close {
        void operator()(std::FILE* file) const {
            std::fclose(file);
        }
    };

    void sync();

    std::unique_ptr<std::FILE, Close> file_;
    size_t unsynced_ = 0;
};

} // namespace vane
