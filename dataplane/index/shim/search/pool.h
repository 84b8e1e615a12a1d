// What a search has found so far.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "search/task.h"

namespace vane {

// The best candidates so far, nearest first, and how far a walk is through them.
//
// A walk that looks around `most` candidates finds `k` results well, so one that can only find a
// few of the best `k` need not look around as many: those within a cost that other graphs have
// reached already tell how many it can find.
class Pool {
  public:
    explicit Pool(size_t most) : Pool(most, {}) {}

    Pool(size_t most, Wanted wanted)
            : most_(most), wanted_(wanted), least_(std::max(wanted.k, most / LEAST_SHARE)) {
        places_.clear();
        places_.reserve(most + 1);
    }

    // A candidate is of use only if its cost is not above this.
    float worst() const {
        return places_.size() < most_ ? std::numeric_limits<float>::infinity()
                                      : places_.back().candidate.cost;
    }

    void insert(Candidate candidate) {
        if (places_.size() == most_ && !is_before(candidate, places_.back().candidate)) {
            return;
        }
        const auto at = std::upper_bound(
                places_.begin(), places_.end(), candidate, [](const Candidate& a, const Place& b) {
                    return is_before(a, b.candidate);
                });
        const size_t position = static_cast<size_t>(at - places_.begin());
        if (places_.size() == most_) {
            places_.pop_back();
        }
        places_.insert(places_.begin() + static_cast<ptrdiff_t>(position), {candidate, false});
        next_ = std::min(next_, position);
    }

    // The nearest that was not yet looked at; -1 where all were.
    int32_t next() {
        while (next_ < std::min(places_.size(), enough())) {
            Place& place = places_[next_++];
            if (!place.is_done) {
                place.is_done = true;
                return place.candidate.node;
            }
        }
        return -1;
    }

    // Calls `body` with the nodes that `next` would give, if nothing nearer comes.
    template <class Body>
    void each_coming(size_t most, const Body& body) const {
        for (size_t i = next_; i < places_.size() && most > 0; i++) {
            if (!places_[i].is_done) {
                body(places_[i].candidate.node);
                most--;
            }
        }
    }

    // The thread's own, and good until its next search.
    const std::vector<Candidate>& found() const {
        static thread_local std::vector<Candidate> found;
        found.clear();
        for (const Place& place : places_) {
            found.push_back(place.candidate);
        }
        return found;
    }

  private:
    struct Place {
        Candidate candidate;
        bool is_done;
    };

    // One in so many is looked around however little can be found: the way there needs some.
    static constexpr size_t LEAST_SHARE = 4;

    // How many candidates are to be looked around, by what was found so far.
    size_t enough() {
        // Never less than before: what comes nearer only moves the others back.
        while (within_ < std::min(wanted_.k, places_.size()) &&
               places_[within_].candidate.cost <= wanted_.within) {
            within_++;
        }
        return std::max(least_, most_ * within_ / wanted_.k);
    }

    static std::vector<Place>& own_places() {
        static thread_local std::vector<Place> places;
        return places;
    }

    // The thread's own: a search asks for no memory once there was one like it.
    std::vector<Place>& places_ = own_places();
    size_t most_;
    Wanted wanted_;
    size_t least_;
    size_t next_ = 0;
    size_t within_ = 0;
};

} // namespace vane
