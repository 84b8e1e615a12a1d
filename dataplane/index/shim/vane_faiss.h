// The C face of FAISS as Rust sees it.
//
// Every function that can fail returns 0 on success and otherwise leaves a message
// for the calling thread in vane_last_error(). No C++ exception leaves the shim, and
// no function starts an OpenMP team. The shim never keeps a pointer to rows: they are
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

struct vane_graph;

// Prepares a graph of exactly `rows` rows with none inserted.
int vane_graph_begin(
        int metric,
        size_t dim,
        size_t rows,
        size_t m,
        size_t ef_construct,
        vane_graph** out);

// Inserts up to `count` further rows, in an order of the graph's own; `rows` is the
// same whole matrix every time. `left` tells how many are still missing.
int vane_graph_insert(
        vane_graph* graph,
        const float* rows,
        size_t count,
        size_t* left);

// Writes the links, without the rows. Only for a graph with no row missing.
int vane_graph_save(const vane_graph* graph, const char* path);

// Reads what vane_graph_save wrote and checks every number that search relies on.
int vane_graph_open(
        const char* path,
        int metric,
        size_t dim,
        size_t rows,
        vane_graph** out);

// Memory the links take.
size_t vane_graph_bytes(const vane_graph* graph);

// Fills `scores` and `ids` (k each), best first; unused places have id -1.
// 1 <= k <= ef; `select` may be null. Safe to call from many threads at once.
int vane_graph_search(
        const vane_graph* graph,
        const float* rows,
        const float* query,
        size_t k,
        size_t ef,
        const vane_select* select,
        float* scores,
        int64_t* ids);

void vane_graph_free(vane_graph* graph);

// Scores of rows[which[0..count]], in that order. The caller has checked the bounds.
void vane_scores_of(
        int metric,
        size_t dim,
        const float* rows,
        const uint32_t* which,
        size_t count,
        const float* query,
        float* out);

// Name of a CPU feature the shim was compiled for and this machine lacks, or null.
const char* vane_missing_cpu_feature(void);

// From here on the calling thread runs FAISS's OpenMP regions alone.
void vane_single_threaded(void);

// Message of the calling thread's last failure.
const char* vane_last_error(void);
}
