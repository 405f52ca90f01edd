// Latencies: a histogram of response times in a fixed array.
//
// Each power of two is divided into 64 steps, so a percentile is at most 1.6 % too large. Units:
// microseconds. Durations above 2^32 microseconds count as 2^32.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rollcall {

class Latencies {
public:
    void add(int64_t micros) {
        const uint64_t value = std::clamp<int64_t>(micros, 0, (int64_t{1} << 32) - 1);
        ++counts_[step(value)];
        ++count_;
        max_ = std::max(max_, value);
    }

    [[nodiscard]] uint64_t max() const { return max_; }

    // Returns the smallest duration that a fraction `share` (0 to 1) of the responses did not
    // exceed. Returns 0 if there are no responses.
    [[nodiscard]] uint64_t percentile(double share) const {
        const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > 0 && seen >= wanted) return std::min(step_end(i), max_);
        }
        return max_;
    }

private:
    static constexpr int step_bits = 6;
    static constexpr uint64_t steps = 1 << step_bits;

    // Returns the index of a value's step. Each value below 2 * steps has its own step.
    static size_t step(uint64_t value) {
        const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - step_bits - 1);
        return static_cast<size_t>(shift) * steps + (value >> shift);
    }
    static uint64_t step_end(size_t index) {
        if (index < 2 * steps) return index;
        const uint64_t shift = index / steps - 1;
        return ((index - shift * steps + 1) << shift) - 1;
    }

    std::array<uint64_t, (32 - step_bits + 1) * steps> counts_{};
    uint64_t count_ = 0;
    uint64_t max_ = 0;
};

}  // namespace rollcall
