// What a vane_graph is.
#pragma once

#include <vector>

#include "format/image.h"
#include "vane_faiss.h"

struct vane_graph {
    vane::Heading heading;
    // Made of a file of an earlier version; empty where the file is an image itself.
    std::vector<char> converted;

    const char* image(const char* file) const {
        return converted.empty() ? file : converted.data();
    }
};
