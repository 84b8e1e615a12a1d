#include "build/steady_writer.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <unistd.h>

#include "require.h"

namespace vane {
namespace {

// Bytes between two syncs: whoever else syncs on the disk waits for no more than these.
constexpr size_t SYNC_BYTES = 8 << 20;

[[noreturn]] void cannot(const char* action) {
    fail(std::string("cannot ") + action + " it: " + std::strerror(errno));
}

} // namespace

SteadyWriter::SteadyWriter(const char* path) : file_(std::fopen(path, "wb")) {
    if (!file_) {
        cannot("open");
    }
}

void SteadyWriter::put(const void* bytes, size_t count) {
    if (count > 0 && std::fwrite(bytes, count, 1, file_.get()) != 1) {
        cannot("write");
    }
    unsynced_ += count;
    if (unsynced_ >= SYNC_BYTES) {
        sync();
    }
}

void SteadyWriter::close() {
    if (std::fclose(file_.release()) != 0) {
        cannot("write");
    }
}

void SteadyWriter::sync() {
    if (std::fflush(file_.get()) != 0 || fdatasync(fileno(file_.get())) != 0) {
        cannot("write");
    }
    unsynced_ = 0;
}

} // namespace vane
