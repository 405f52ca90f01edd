// Readings: what the shards of all threads say together, metric by metric, for the pages that show
// it.
//
// Sums the counters of all threads when it is asked; nothing is shared with the threads that count
// but their relaxed numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/metrics.h"

namespace rollcall {

using MetricShards = std::vector<const MetricShard*>;

// The sum of one value over all shards.
[[nodiscard]] int64_t sum(const MetricShards& shards, Metric metric, size_t label = 0);

// How many times a histogram was told something since start, the sum of that, and how many times it
// was no more than each of histogram_bounds_us, and any.
struct Observed {
    int64_t count = 0;
    int64_t micros = 0;
    std::array<int64_t, histogram_bounds_us.size() + 1> below{};
};
[[nodiscard]] Observed observed(const MetricShards& shards, Metric histogram);

struct Label {
    std::string_view name;
    std::string_view value;
};
struct MetricValue {
    std::vector<Label> labels;  // None, one, or one of each of two sets.
    int64_t value;
};
// The values of a metric that is no histogram, but for those of sinks that are not in the settings:
// they have never been up, and have never failed either.
[[nodiscard]] std::vector<MetricValue> values_of(const MetricShards& shards, Metric metric);

}  // namespace rollcall
