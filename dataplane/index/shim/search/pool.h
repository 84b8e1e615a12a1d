// What a search has found so far.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
            : room_(most),
              most_(most),
              wanted_(wanted),
              least_(std::max(
                      wanted.k, wanted.least > 0 ? wanted.least : most / LEAST_SHARE)) {
        if (places_.size() < most + 1) {
            places_.resize(most + 1);
        }
    }

    // A candidate is of use only if its cost is not above this.
    float worst() const {
        return count_ < most_ ? std::numeric_limits<float>::infinity()
                              : candidate(places_[most_ - 1]).cost;
    }

    // The farthest of them, where there are any.
    Candidate last() const {
        return candidate(places_[count_ - 1]);
    }

    // Says whether it is one of the next to be looked around, if nothing nearer comes.
    bool insert(Candidate candidate) {
        const uint64_t place = place_of(candidate);
        uint64_t* const places = places_.data();
        if (count_ == most_) {
            if (place >= places[most_ - 1]) {
                return false;
            }
            count_--;
        }
        const size_t position = position_of(place);
        std::memmove(
                places + position + 1,
                places + position,
                (count_ - position) * sizeof(uint64_t));
        places[position] = place;
        count_++;
        next_ = std::min(next_, position);
        return position < next_ + SOON;
    }

    // The nearest that was not yet looked at; -1 where all were.
    int32_t next() {
        while (next_ < std::min({count_, enough(), until_})) {
            uint64_t& place = places_[next_++];
            if (!(place & DONE)) {
                place |= DONE;
                return candidate(place).node;
            }
        }
        return -1;
    }

    // From now on no more are kept, of those that were asked for at first, and `next` ends where
    // the nearest `until` were looked around.
    void go_on(size_t keep, size_t until) {
        most_ = std::min(keep, room_);
        count_ = std::min(count_, most_);
        until_ = until;
    }

    // How many `next` goes through, if it comes that far.
    size_t until() const {
        return until_;
    }

    // Whether it ended there.
    bool has_come_there() {
        return next_ >= until_ && until_ < enough() && until_ <= count_;
    }

    // One of the nearest, by its place among them.
    int32_t node(size_t place) const {
        return candidate(places_[place]).node;
    }

    // Calls `body` with the nodes that `next` would give, if nothing nearer comes.
    template <class Body>
    void each_coming(size_t most, const Body& body) const {
        for (size_t i = next_; i < count_ && most > 0; i++) {
            if (!(places_[i] & DONE)) {
                body(candidate(places_[i]).node);
                most--;
            }
        }
    }

    // The thread's own, and good until its next search.
    const std::vector<Candidate>& found() const {
        static thread_local std::vector<Candidate> found;
        found.clear();
        for (size_t i = 0; i < count_; i++) {
            found.push_back(candidate(places_[i]));
        }
        return found;
    }

  private:
    static constexpr size_t LEAST_SHARE = 4;
    // What these need is asked for when they come, as the wait for it is long.
    static constexpr size_t SOON = 6;
    static constexpr uint64_t DONE = 1;

    // Cost, node and whether it was looked around in one number, in the order of candidates.
    static uint64_t place_of(Candidate candidate) {
        uint32_t bits;
        std::memcpy(&bits, &candidate.cost, sizeof(bits));
        bits ^= static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) | 0x80000000U;
        return static_cast<uint64_t>(bits) << 32 | static_cast<uint64_t>(candidate.node) << 1;
    }

    static Candidate candidate(uint64_t place) {
        uint32_t bits = static_cast<uint32_t>(place >> 32);
        bits ^= ((bits >> 31) - 1) | 0x80000000U;
        Candidate candidate;
        std::memcpy(&candidate.cost, &bits, sizeof(bits));
        candidate.node = static_cast<int32_t>(static_cast<uint32_t>(place) >> 1);
        return candidate;
    }

    // Without a branch: in which half it is cannot be foreseen.
    size_t position_of(uint64_t place) const {
        const uint64_t* first = places_.data();
        size_t left = count_;
        while (left > 1) {
            const size_t half = left / 2;
            first += -static_cast<size_t>(first[half - 1] < place) & half;
            left -= half;
        }
        return static_cast<size_t>(first - places_.data()) + (left == 1 && *first < place ? 1 : 0);
    }

    // How many candidates are to be looked around, by what was found so far.
    size_t enough() {
        // Never less than before: what comes nearer only moves the others back.
        while (within_ < std::min(wanted_.k, count_) &&
               candidate(places_[within_]).cost <= wanted_.within) {
            within_++;
        }
        return std::max(least_, room_ * within_ / wanted_.k);
    }

    static std::vector<uint64_t>& own_places() {
        static thread_local std::vector<uint64_t> places;
        return places;
    }

    // The thread's own: a search asks for no memory once there was one like it.
    std::vector<uint64_t>& places_ = own_places();
    size_t count_ = 0;
    const size_t room_;
    size_t most_;
    Wanted wanted_;
    size_t least_;
    size_t next_ = 0;
    size_t within_ = 0;
    size_t until_ = std::numeric_limits<size_t>::max();
};

} // namespace vane
