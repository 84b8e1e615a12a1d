#include "build/reach.h"

#include <algorithm>

namespace vane {
namespace {

// A link that makes place for a new one may have been the only way to where it led: what was lost
// so is led to in the next round.
constexpr size_t ROUNDS_MAX = 4;

class Ways {
  public:
    Ways(Draft& draft, const std::vector<int32_t>& scouts)
            : draft_(draft), scouts_(scouts), leading_(draft.rows()), is_reached_(draft.rows()) {}

    // Says how many were not reached before they were led to.
    size_t lead(const Neighbours& neighbours) {
        explore();
        const size_t before = reached_;
        for (const int32_t node : draft_.nodes()) {
            if (!is_reached_[node] && link_to(node, neighbours)) {
                reach({node});
            }
        }
        return draft_.nodes().size() - before;
    }

    void explore() {
        std::fill(is_reached_.begin(), is_reached_.end(), false);
        std::fill(leading_.begin(), leading_.end(), 0);
        reached_ = 0;
        reach(scouts_);
    }

    size_t reached() const {
        return reached_;
    }

  private:
    // Marks what can be reached from here.
    void reach(std::vector<int32_t> todo) {
        for (const int32_t node : todo) {
            mark(node);
        }
        while (!todo.empty()) {
            const int32_t node = todo.back();
            todo.pop_back();
            each_link(node, [&](int32_t to) {
                leading_[to]++;
                if (!is_reached_[to]) {
                    mark(to);
                    todo.push_back(to);
                }
            });
        }
    }

    void mark(int32_t node) {
        is_reached_[node] = true;
        reached_++;
    }

    template <class Body>
    void each_link(int32_t node, const Body& body) {
        const int32_t* links = draft_.links(node);
        for (size_t i = 0; i < draft_.links_max() && links[i] != -1; i++) {
            body(links[i]);
        }
    }

    // A walk comes to nodes that are reached only. The nearest with a free place is linked from,
    // else the nearest with a link to a node that others lead to, too.
    bool link_to(int32_t node, const Neighbours& neighbours) {
        bool is_linked = false;
        neighbours.find(node, [&](const std::vector<Candidate>& near, auto&&) {
            is_linked = take_free_place(node, near) || take_place_of_another(node, near);
        });
        return is_linked;
    }

    bool take_free_place(int32_t node, const std::vector<Candidate>& near) {
        const size_t most = draft_.links_max();
        for (const Candidate& candidate : near) {
            int32_t* last = draft_.links(candidate.node) + most - 1;
            if (*last == -1) {
                *std::find(draft_.links(candidate.node), last, -1) = node;
                leading_[node]++;
                return true;
            }
        }
        return false;
    }

    bool take_place_of_another(int32_t node, const std::vector<Candidate>& near) {
        for (const Candidate& candidate : near) {
            int32_t* links = draft_.links(candidate.node);
            // The last is the farthest of them, mostly.
            for (size_t i = draft_.links_max(); i-- > 0;) {
                if (leading_[links[i]] > 1) {
                    leading_[links[i]]--;
                    leading_[node]++;
                    links[i] = node;
                    return true;
                }
            }
        }
        return false;
    }

    Draft& draft_;
    const std::vector<int32_t>& scouts_;
    // Links from nodes that are reached, by where they lead.
    std::vector<uint32_t> leading_;
    std::vector<bool> is_reached_;
    size_t reached_ = 0;
};

} // namespace

size_t lead_ways(
        Draft& draft, const std::vector<int32_t>& scouts, const Neighbours& neighbours) {
    Ways ways(draft, scouts);
    size_t rounds = 0;
    while (ways.lead(neighbours) > 0 && ++rounds < ROUNDS_MAX) {
    }
    ways.explore();
    return ways.reached();
}

size_t count_reached(Draft& draft, const std::vector<int32_t>& scouts) {
    Ways ways(draft, scouts);
    ways.explore();
    return ways.reached();
}

} // namespace vane
