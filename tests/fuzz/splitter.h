// Splitter: cuts bytes into pieces of random sizes. The seed is part of the input. The random
// numbers come from splitmix64 (Steele, Lea and Flood, 2014).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall {

class Splitter {
public:
    explicit Splitter(uint64_t seed) : state_(seed) {}
    [[nodiscard]] uint64_t below(uint64_t limit) {
        uint64_t bits = (state_ += 0x9e3779b97f4a7c15);
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
        return (bits ^ (bits >> 31)) % limit;
    }
    // Removes a piece from the front of `bytes` and returns it. One piece in three is a single
    // byte.
    [[nodiscard]] std::string_view take(std::string_view& bytes) {
        const size_t most = below(3) == 0 ? 1 : bytes.size();
        const std::string_view piece = bytes.substr(0, 1 + below(std::max<size_t>(most, 1)));
        bytes.remove_prefix(piece.size());
        return piece;
    }

private:
    uint64_t state_;
};

}  // namespace rollcall
