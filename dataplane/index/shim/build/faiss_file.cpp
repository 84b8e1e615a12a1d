// Graphs as earlier versions kept them: FAISS's own HNSW format with the storage left out.
//
// faiss::read_index would accept any kind of index, allocates whatever length a file claims, and
// checks none of the numbers that are used as offsets later.

#include "build/faiss_file.h"

#include <faiss/IndexHNSW.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include "build/draft.h"
#include "build/reach.h"
#include "format/reader.h"

namespace vane {
namespace {

// A graph of M = 2, the thinnest allowed, has 29 levels.
constexpr uint64_t LEVELS_MAX = 64;

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

// An index whose storage stays null: only the links, the metric and the sizes are used.
void read(const char* bytes, size_t count, faiss::IndexHNSWFlat& index) {
    Reader reader(bytes, count);
    read_header(reader, index);
    read_links(reader, index.hnsw, static_cast<uint64_t>(index.ntotal));
    reader.end();
    check_offsets(index.hnsw);
    check_links(index.hnsw);
    check_entry(index.hnsw);
}

// All nodes that reach above the lowest level on which they are not too many.
std::vector<int32_t> choose_scouts(const faiss::HNSW& hnsw) {
    std::vector<int32_t> scouts;
    std::vector<size_t> reaching(LEVELS_MAX + 1, 0);
    for (const int levels : hnsw.levels) {
        for (int level = 0; level < levels; level++) {
            reaching[level]++;
        }
    }
    int level = 0;
    while (level < hnsw.max_level && reaching[level] > SCOUTS_MAX) {
        level++;
    }
    for (size_t node = 0; node < hnsw.levels.size() && scouts.size() < SCOUTS_MAX; node++) {
        if (hnsw.levels[node] > level) {
            scouts.push_back(static_cast<int32_t>(node));
        }
    }
    return scouts;
}

void copy_links(const faiss::HNSW& hnsw, Draft& draft) {
    for (const int32_t node : draft.nodes()) {
        int32_t* links = draft.links(node);
        size_t begin, end;
        hnsw.neighbor_range(node, 0, &begin, &end);
        for (size_t i = begin; i < end && hnsw.neighbors[i] >= 0; i++) {
            *links++ = hnsw.neighbors[i];
        }
    }
}

} // namespace

std::vector<char> image_of_faiss_file(
        const char* file, size_t bytes, int metric, const Matrix& matrix) {
    faiss::IndexHNSWFlat index;
    index.d = static_cast<int>(matrix.dim);
    index.ntotal = static_cast<faiss::idx_t>(matrix.count);
    index.metric_type = metric == VANE_INNER_PRODUCT ? faiss::METRIC_INNER_PRODUCT
                                                     : faiss::METRIC_L2;
    read(file, bytes, index);
    const auto links = static_cast<size_t>(index.hnsw.nb_neighbors(0));
    Draft draft(metric, matrix.dim, links, matrix.rows, Copies::none(matrix.count), 1);
    copy_links(index.hnsw, draft);
    const std::vector<int32_t> scouts = choose_scouts(index.hnsw);
    const size_t reached = count_reached(draft, scouts);
    std::vector<char> image;
    draft.write(scouts, reached, [&](const void* part, size_t length) {
        const char* from = static_cast<const char*>(part);
        image.insert(image.end(), from, from + length);
    });
    return image;
}

} // namespace vane
