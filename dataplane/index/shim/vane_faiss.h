// The C face of FAISS as Rust sees it.
//
// Every function that can fail returns 0 on success and otherwise leaves a message
// for the calling thread in vane_last_error(). No C++ exception leaves the shim, and
// no function starts an OpenMP team. The shim never keeps a pointer to rows or files: they are
// handed in with each call.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// As in faiss::MetricType, which is also what the graph file holds.
enum vane_metric { VANE_INNER_PRODUCT = 0, VANE_L2 = 1 };

// Rows that may be returned. A null `slots` or `died` means: no such condition.
struct vane_select {
    const uint64_t* allow; // bitmap over slots
    size_t allow_words;
    const uint32_t* slots; // slot of each row
    const uint64_t* died;  // per row; read as relaxed atomics
    uint64_t at;           // a row is dead when died[row] <= at
};

struct vane_build;
struct vane_graph;

// Prepares a graph of exactly `count` rows with none inserted. Of rows of equal bytes only the
// first becomes a node. `base` may be null; else links between rows that it has too are taken over,
// and their nodes are not missing any more: `base_rows` has for each row its number there, or -1.
int vane_build_begin(
        int metric,
        size_t dim,
        const float* rows,
        size_t count,
        size_t m,
        size_t ef_construct,
        size_t threads,
        const vane_graph* base,
        const char* base_file,
        const int32_t* base_rows,
        vane_build** out);

// Inserts up to `count` further nodes, in an order of the graph's own; `rows` is the
// same whole matrix every time. `left` tells how many are still missing. The graph is the same
// whatever the number of threads.
int vane_build_insert(
        vane_build* build, const float* rows, size_t count, size_t threads, size_t* left);

// Writes links and codes to a file; it is synced but for its end. Only for a graph with no node
// missing. Codes have 8 bits of each dimension, or 1, 2 or 4 and are then made of the rows now.
int vane_build_save(
        const vane_build* build,
        const float* rows,
        size_t bits,
        size_t threads,
        const char* path);

void vane_build_free(vane_build* build);

// Checks a file that vane_build_save wrote, or one of an earlier version, which takes a while:
// codes of all rows are made. The graph keeps no pointer to the file or the rows.
int vane_graph_open(
        const char* file,
        size_t bytes,
        const float* rows,
        int metric,
        size_t dim,
        size_t count,
        vane_graph** out);

// Bits that its codes have of each dimension.
size_t vane_graph_bits(const vane_graph* graph);

// Whether its file is of an earlier version: an image of it is held in memory.
int vane_graph_is_converted(const vane_graph* graph);

// Nodes that no walk can come to.
size_t vane_graph_unreached(const vane_graph* graph);

// Memory of its own: what is in the file is not counted.
size_t vane_graph_bytes(const vane_graph* graph);

struct vane_search {
    const vane_graph* graph;
    // Those that it was opened with.
    const char* file;
    const float* rows;
    const float* query;
    size_t k; // 1 <= k <= ef
    size_t ef;
    const vane_select* select; // may be null
    // A walk compares rows themselves where codes have less than 8 bits of a dimension.
    int by_rows;
    // Filled, k each, best first; unused places have id -1.
    float* scores;
    int64_t* ids;
};

// Along the links. Where `over` is not 0 the walk goes over all rows, and keeps as many candidates
// as are needed for those of them that may be returned, a third of `over` being likely and `over`
// the most; where too few of them may be it is done again over rows that may, or nothing is found
// where `again` is 0. Where only rows are of use that score no worse than `within`, which is else
// null, fewer candidates are looked around if few are. Safe to call from many threads at once, as
// the next one is.
int vane_graph_walk(const vane_search* search, size_t over, int again, const float* within);

// By a look at the code of every row that may be returned, or where `among` is not null of those
// `count` rows. At least `ef` are looked at by their whole codes. One of the best is missed only
// where its code is off by more than codes are in nearly all cases.
int vane_graph_scan(const vane_search* search, const uint32_t* among, size_t count);

void vane_graph_free(vane_graph* graph);

// Codes and rows that searches of the calling thread have compared since it began.
uint64_t vane_compared_here(void);

struct vane_stock;

// FAISS's own index over a copy of the rows, and its own search. Only for measurements.
int vane_stock_build(
        int metric,
        size_t dim,
        const float* rows,
        size_t count,
        size_t m,
        size_t ef_construct,
        vane_stock** out);

int vane_stock_search(
        const vane_stock* stock,
        const float* query,
        size_t k,
        size_t ef,
        float* scores,
        int64_t* ids);

void vane_stock_free(vane_stock* stock);

// Scores of rows[which[0..count]], in that order. The caller has checked the bounds.
void vane_scores_of(
        int metric,
        size_t dim,
        const float* rows,
        const uint32_t* which,
        size_t count,
        const float* query,
        float* out);

// Whether every kernel that this machine can run sums the same for `count` times `lines` lines of
// parts of so many bits (1, 2 or 4), with a weight for each of them; if not, `name` is that of one
// that does not.
int vane_kernels_agree(
        size_t bits,
        const uint8_t* parts,
        const int8_t* weights,
        size_t count,
        size_t lines,
        const char** name);

// Name of a CPU feature the shim was compiled for and this machine lacks, or null.
const char* vane_missing_cpu_feature(void);

// From here on the calling thread runs FAISS's OpenMP regions alone.
void vane_single_threaded(void);

// Gives memory back to the system that C++ code has freed and its allocator has kept.
void vane_trim_memory(void);
void vane_trim_thread(void);

// Message of the calling thread's last failure.
const char* vane_last_error(void);
}
