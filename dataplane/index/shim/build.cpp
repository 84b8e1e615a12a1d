// Building a graph, and writing it to a file.

#include "build/builder.h"
#include "build/steady_writer.h"
#include "format/graph.h"
#include "guard.h"
#include "require.h"
#include "vane_faiss.h"

struct vane_build {
    vane::Builder builder;
};

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
        vane_build** out) {
    return vane::guarded([&] {
        // Twice as many on the lowest level, which is the only one here, as HNSW has always had.
        vane::Draft draft(
                metric, dim, 2 * m, rows, vane::Copies::find(rows, count, dim), threads);
        vane::Adopted adopted;
        if (base) {
            const vane::Columns columns(base->heading, base->image(base_file));
            adopted = vane::adopt(draft, columns, base_rows);
        }
        *out = new vane_build{
                vane::Builder(std::move(draft), std::move(adopted), ef_construct)};
    });
}

int vane_build_insert(
        vane_build* build, const float* rows, size_t count, size_t threads, size_t* left) {
    return vane::guarded([&] {
        build->builder.insert(rows, count, threads);
        *left = build->builder.left();
        if (*left == 0) {
            build->builder.finish(rows, threads);
        }
    });
}

int vane_build_save(
        const vane_build* build,
        const float* rows,
        size_t bits,
        size_t threads,
        const char* path) {
    return vane::guarded([&] {
        const vane::Builder& builder = build->builder;
        vane::require(builder.left() == 0, "the graph is not built yet");
        vane::SteadyWriter writer(path);
        const vane::Draft& draft = builder.draft();
        const auto put = [&](const void* bytes, size_t count) { writer.put(bytes, count); };
        if (bits == vane::WHOLE_BITS) {
            draft.write(builder.scouts(), builder.reached(), put);
        } else {
            const vane::Few few{bits, rows, threads};
            draft.write_few(few, builder.scouts(), builder.reached(), put);
        }
        writer.close();
    });
}

void vane_build_free(vane_build* build) {
    delete build;
}
