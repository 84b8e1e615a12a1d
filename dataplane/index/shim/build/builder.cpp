#include "build/builder.h"

#include <algorithm>
#include <iterator>

#include <faiss/utils/random.h>

#include "build/neighbours.h"
#include "build/parallel.h"
#include "build/reach.h"

namespace vane {
namespace {

// Fixed: the same rows must always give the same graph.
constexpr int64_t ORDER_SEED = 789;
// A batch is at most this share of what is there: its nodes do not find each other.
constexpr size_t BATCH_SHARE = 32;
constexpr size_t BATCH_MAX = 1024;
// Nodes, or those with offers, that a thread takes at a time.
constexpr size_t PIECE = 16;
// Where nodes are few, comparing with all scouts would be most of the work.
constexpr size_t NODES_PER_SCOUT = 64;
constexpr size_t SCOUTS_MIN = 32;

// At random: rows that arrive sorted do not make a lopsided graph.
std::vector<int32_t> insertion_order(std::vector<int32_t> order) {
    faiss::RandomGenerator random(ORDER_SEED);
    for (size_t left = order.size(); left > 1; left--) {
        std::swap(order[left - 1], order[random.rand_int(static_cast<int>(left))]);
    }
    return order;
}

size_t scouts_among(size_t nodes) {
    return std::min(nodes, std::clamp(nodes / NODES_PER_SCOUT, SCOUTS_MIN, SCOUTS_MAX));
}

size_t count_links(const int32_t* links, size_t most) {
    return static_cast<size_t>(std::find(links, links + most, -1) - links);
}

} // namespace

Builder::Builder(Draft draft, Adopted adopted, size_t ef)
        : draft_(std::move(draft)),
          ef_(ef),
          torn_(std::move(adopted.torn)),
          order_(insertion_order(adopted.nodes)),
          next_(order_.size()) {
    std::vector<int32_t> missing;
    std::set_difference(
            draft_.nodes().begin(),
            draft_.nodes().end(),
            adopted.nodes.begin(),
            adopted.nodes.end(),
            std::back_inserter(missing));
    missing = insertion_order(std::move(missing));
    order_.insert(order_.end(), missing.begin(), missing.end());
    choose_scouts(next_);
}

void Builder::insert(const float* rows, size_t count, size_t threads) {
    const size_t end = next_ + std::min(count, left());
    while (next_ < end) {
        const size_t batch = std::clamp<size_t>(next_ / BATCH_SHARE, 1, BATCH_MAX);
        connect(rows, std::min(next_ + batch, end), threads);
    }
}

void Builder::connect(const float* rows, size_t end, size_t threads) {
    parallel(threads, end - next_, PIECE, [&](size_t i) {
        const int32_t node = order_[next_ + i];
        seek(rows, node, draft_.links(node));
    });
    const std::vector<Offer> offers = this->offers(end);
    std::vector<size_t> begins;
    for (size_t i = 0; i < offers.size(); i++) {
        if (i == 0 || offers[i].to != offers[i - 1].to) {
            begins.push_back(i);
        }
    }
    parallel(threads, begins.size(), PIECE, [&](size_t i) {
        const size_t begin = begins[i];
        const size_t after = i + 1 < begins.size() ? begins[i + 1] : offers.size();
        accept(rows, &offers[begin], after - begin);
    });
    next_ = end;
    choose_scouts(next_);
}

// Spread over all that are there: they came at random, but for what came in parts.
void Builder::choose_scouts(size_t nodes) {
    scouts_.resize(scouts_among(nodes));
    for (size_t i = 0; i < scouts_.size(); i++) {
        scouts_[i] = order_[i * nodes / scouts_.size()];
    }
}

// Finds what a node is to be linked to.
void Builder::seek(const float* rows, int32_t node, int32_t* links) {
    const Neighbours neighbours(draft_, rows, scouts_, ef_);
    neighbours.find(node, [&](const std::vector<Candidate>& near, auto&& pairs) {
        prune(near, pairs, draft_.links_max(), links);
    });
}

// The links of new nodes, from the other side; those to the same node lie together.
std::vector<Builder::Offer> Builder::offers(size_t end) {
    std::vector<Offer> offers;
    for (size_t i = next_; i < end; i++) {
        const int32_t* links = draft_.links(order_[i]);
        const size_t count = count_links(links, draft_.links_max());
        for (size_t at = 0; at < count; at++) {
            offers.push_back({links[at], order_[i]});
        }
    }
    std::sort(offers.begin(), offers.end(), [](const Offer& a, const Offer& b) {
        return a.to < b.to || (a.to == b.to && a.from < b.from);
    });
    return offers;
}

// Links a node to those that link to it, as far as there are places, else to the best of all.
void Builder::accept(const float* rows, const Offer* offers, size_t count) {
    const int32_t node = offers[0].to;
    int32_t* links = draft_.links(node);
    const size_t most = draft_.links_max();
    const size_t taken = count_links(links, most);
    if (taken + count <= most) {
        std::transform(offers, offers + count, links + taken, [](const Offer& offer) {
            return offer.from;
        });
        return;
    }
    std::vector<int32_t> all(links, links + taken);
    std::for_each(offers, offers + count, [&](const Offer& offer) { all.push_back(offer.from); });
    const Neighbours neighbours(draft_, rows, scouts_, ef_);
    neighbours.sort(node, all, [&](const std::vector<Candidate>& sorted, auto&& pairs) {
        std::fill(links + prune(sorted, pairs, most, links), links + most, -1);
    });
}

// Gives nodes that lost many links new ones.
void Builder::mend(const float* rows, size_t threads) {
    const size_t most = draft_.links_max();
    std::vector<int32_t> links(torn_.size() * most, -1);
    // Found first and set then: others walk over them.
    parallel(threads, torn_.size(), PIECE, [&](size_t i) {
        seek(rows, torn_[i], &links[i * most]);
    });
    for (size_t i = 0; i < torn_.size(); i++) {
        std::copy_n(&links[i * most], most, draft_.links(torn_[i]));
    }
}

void Builder::finish(const float* rows, size_t threads) {
    mend(rows, threads);
    reached_ = lead_ways(draft_, scouts_, Neighbours(draft_, rows, scouts_, ef_));
}

} // namespace vane
