// The graph on disk: FAISS's own HNSW format with the storage left out.
//
// Written by FAISS, read by the code below. faiss::read_index would accept any kind of
// index, allocates whatever length a file claims, and checks none of the numbers that
// search later uses as offsets.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include "graph.h"
#include "guard.h"

namespace {

// A graph of M = 2, the thinnest allowed, has 29 levels.
constexpr uint64_t LEVELS_MAX = 64;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what);
}

void require(bool holds, const char* what) {
    if (!holds) {
        fail(what);
    }
}

struct Close {
    void operator()(std::FILE* file) const {
        std::fclose(file);
    }
};
using File = std::unique_ptr<std::FILE, Close>;

File open_file(const char* path, const char* mode) {
    File file(std::fopen(path, mode));
    if (!file) {
        fail(std::string("cannot open it: ") + std::strerror(errno));
    }
    return file;
}

// Reads in order and never asks for memory that the file could not fill.
class Reader {
  public:
    explicit Reader(const char* path) : file_(open_file(path, "rb")) {
        struct stat status;
        require(fstat(fileno(file_.get()), &status) == 0, "cannot tell its length");
        left_ = static_cast<uint64_t>(status.st_size);
    }

    template <class T>
    T value() {
        T value;
        bytes(&value, sizeof(T));
        return value;
    }

    template <class T>
    std::vector<T> vector(uint64_t least, uint64_t most, const char* name) {
        const uint64_t length = value<uint64_t>();
        if (length < least || length > most || length > left_ / sizeof(T)) {
            fail(std::string(name) + " have the wrong length");
        }
        std::vector<T> values(length);
        bytes(values.data(), length * sizeof(T));
        return values;
    }

    void end() const {
        require(left_ == 0, "it has bytes after its end");
    }

  private:
    void bytes(void* to, uint64_t count) {
        require(count <= left_, "it ends early");
        require(count == 0 || std::fread(to, count, 1, file_.get()) == 1,
                "cannot read it");
        left_ -= count;
    }

    File file_;
    uint64_t left_ = 0;
};

void read_header(Reader& reader, const faiss::Index& expected) {
    require(reader.value<uint32_t>() == faiss::fourcc("IHNf"), "it is no graph file");
    require(reader.value<int>() == expected.d, "it is for another dimension");
    require(reader.value<faiss::idx_t>() == expected.ntotal,
            "it is for another number of rows");
    reader.value<faiss::idx_t>();
    reader.value<faiss::idx_t>();
    // Not as a bool: only 0 and 1 are valid ones.
    require(reader.value<uint8_t>() == 1, "it is no finished graph");
    require(reader.value<int>() == static_cast<int>(expected.metric_type),
            "it is for another metric");
}

void read_links(Reader& reader, faiss::HNSW& hnsw, uint64_t rows) {
    hnsw.assign_probas = reader.vector<double>(1, LEVELS_MAX, "level probabilities");
    const uint64_t levels = hnsw.assign_probas.size();
    hnsw.cum_nneighbor_per_level =
            reader.vector<int>(levels + 1, levels + 1, "link counts");
    hnsw.levels = reader.vector<int>(rows, rows, "levels");
    hnsw.offsets = reader.vector<size_t>(rows + 1, rows + 1, "offsets");
    const uint64_t links = hnsw.offsets.back();
    hnsw.neighbors = reader.vector<int32_t>(links, links, "links");
    hnsw.entry_point = reader.value<int32_t>();
    hnsw.max_level = reader.value<int>();
    hnsw.efConstruction = reader.value<int>();
    hnsw.efSearch = reader.value<int>();
    reader.value<int>();
    require(reader.value<uint32_t>() == faiss::fourcc("null"), "it holds rows");
}

void check_offsets(const faiss::HNSW& hnsw) {
    const std::vector<int>& counts = hnsw.cum_nneighbor_per_level;
    require(counts[0] == 0, "link counts do not start at zero");
    for (size_t level = 1; level < counts.size(); level++) {
        require(counts[level] > counts[level - 1], "link counts do not grow");
    }
    require(hnsw.offsets[0] == 0, "offsets do not start at zero");
    for (size_t row = 0; row < hnsw.levels.size(); row++) {
        const int levels = hnsw.levels[row];
        require(levels >= 1 && static_cast<size_t>(levels) < counts.size(),
                "a row has an impossible level");
        // As a difference: a sum of two wild numbers could wrap around.
        require(hnsw.offsets[row + 1] >= hnsw.offsets[row] &&
                        hnsw.offsets[row + 1] - hnsw.offsets[row] ==
                                static_cast<size_t>(counts[levels]),
                "an offset does not fit the levels");
    }
}

// A link on some level leads to a row that exists on that level; elsewhere search
// would read the links of the next row, or past the last one.
void check_links(const faiss::HNSW& hnsw) {
    const int32_t rows = static_cast<int32_t>(hnsw.levels.size());
    for (int32_t row = 0; row < rows; row++) {
        for (int level = 0; level < hnsw.levels[row]; level++) {
            size_t begin, end;
            hnsw.neighbor_range(row, level, &begin, &end);
            for (size_t i = begin; i < end; i++) {
                const int32_t to = hnsw.neighbors[i];
                require(to >= -1 && to < rows, "a link leads outside");
                require(to == -1 || hnsw.levels[to] > level,
                        "a link leads to a row of a lower level");
            }
        }
    }
}

void check_entry(const faiss::HNSW& hnsw) {
    const int32_t rows = static_cast<int32_t>(hnsw.levels.size());
    if (rows == 0) {
        require(hnsw.entry_point == -1, "an empty graph has an entry point");
        return;
    }
    require(hnsw.entry_point >= 0 && hnsw.entry_point < rows,
            "the entry point is no row");
    require(hnsw.max_level >= 0 && hnsw.max_level < hnsw.levels[hnsw.entry_point],
            "the entry point is not on the top level");
}

// Bytes between two syncs: whoever else syncs on the disk waits for no more than these.
constexpr size_t SYNC_BYTES = 8 << 20;

// Writes a file, and syncs it as it grows.
class SteadyWriter final : public faiss::IOWriter {
  public:
    explicit SteadyWriter(const char* path) : file_(open_file(path, "wb")) {}

    size_t operator()(const void* from, size_t size, size_t count) override {
        // In pieces: FAISS hands all links over at once.
        const char* bytes = static_cast<const char*>(from);
        size_t left = size * count;
        while (left > 0) {
            const size_t now = std::min(left, SYNC_BYTES - unsynced_);
            if (std::fwrite(bytes, 1, now, file_.get()) != now) {
                return 0;
            }
            bytes += now;
            left -= now;
            unsynced_ += now;
            if (unsynced_ == SYNC_BYTES) {
                sync();
            }
        }
        return count;
    }

    // By hand: a full disk may show only now.
    void close() {
        if (std::fclose(file_.release()) != 0) {
            cannot_write();
        }
    }

  private:
    void sync() {
        if (std::fflush(file_.get()) != 0 || fdatasync(fileno(file_.get())) != 0) {
            cannot_write();
        }
        unsynced_ = 0;
    }

    [[noreturn]] static void cannot_write() {
        fail(std::string("cannot write it: ") + std::strerror(errno));
    }

    File file_;
    size_t unsynced_ = 0;
};

} // namespace

int vane_graph_save(const vane_graph* graph, const char* path) {
    return vane::guarded([&] {
        require(!graph->insertion, "the graph is not built yet");
        SteadyWriter writer(path);
        faiss::write_index(&graph->index, &writer, faiss::IO_FLAG_SKIP_STORAGE);
        writer.close();
    });
}

int vane_graph_open(
        const char* path,
        int metric,
        size_t dim,
        size_t rows,
        vane_graph** out) {
    return vane::guarded([&] {
        auto graph = std::make_unique<vane_graph>(metric, dim, rows);
        Reader reader(path);
        read_header(reader, graph->index);
        faiss::HNSW& hnsw = graph->index.hnsw;
        read_links(reader, hnsw, rows);
        reader.end();
        check_offsets(hnsw);
        check_links(hnsw);
        check_entry(hnsw);
        graph->choose_scouts();
        *out = graph.release();
    });
}
