// Opening the file of a graph.

#include <memory>

#include "build/faiss_file.h"
#include "format/graph.h"
#include "format/image.h"
#include "guard.h"
#include "require.h"

using vane::require;

int vane_graph_open(
        const char* file,
        size_t bytes,
        const float* rows,
        int metric,
        size_t dim,
        size_t count,
        vane_graph** out) {
    return vane::guarded([&] {
        auto graph = std::make_unique<vane_graph>();
        if (!vane::is_image(file, bytes)) {
            graph->converted = vane::image_of_faiss_file(
                    file, bytes, metric, {rows, count, dim});
            file = graph->converted.data();
            bytes = graph->converted.size();
        }
        graph->heading = vane::Heading::read(file, bytes);
        require(graph->heading.metric == metric, "it is for another metric");
        require(graph->heading.layout.dim == dim, "it is for another dimension");
        require(graph->heading.rows() == count, "it is for another number of rows");
        *out = graph.release();
    });
}

int vane_graph_is_converted(const vane_graph* graph) {
    return graph->converted.empty() ? 0 : 1;
}

size_t vane_graph_bits(const vane_graph* graph) {
    return graph->heading.layout.bits;
}

size_t vane_graph_unreached(const vane_graph* graph) {
    return graph->heading.nodes - graph->heading.reached;
}

size_t vane_graph_bytes(const vane_graph* graph) {
    const vane::Heading& heading = graph->heading;
    return sizeof(vane_graph) + graph->converted.capacity() +
            heading.scouts.capacity() * sizeof(int32_t) +
            (heading.quantizer.centre.capacity() + heading.quantizer.step.capacity()) *
            sizeof(float);
}

void vane_graph_free(vane_graph* graph) {
    delete graph;
}
