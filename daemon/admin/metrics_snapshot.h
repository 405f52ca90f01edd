// Metrics snapshot: sums the metrics of all threads at the moment of the call, for the admin pages.
//
// Only the pages and documents about metrics may call these functions (tests/tidy_test.cc), because
// no other code may depend on the value of a metric.
//
// Threads: any.
// Units:   as in MetricShard (config/metrics.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/metrics.h"

namespace rollcall {

using MetricShards = std::vector<const MetricShard*>;

[[nodiscard]] int64_t sum(const MetricShards& shards, Metric metric, size_t label = 0);

struct Observed {
    int64_t count = 0;   // Number of observations since the start.
    int64_t micros = 0;  // Sum of the observations.
    // For each bound in histogram_bounds_us: number of observations up to it. The last entry counts
    // all observations.
    std::array<int64_t, histogram_bounds_us.size() + 1> below{};
};
[[nodiscard]] Observed observed(const MetricShards& shards, Metric histogram);

struct Label {
    std::string_view name;
    std::string_view value;
};
// Returns the labels of the value with the index `place` among all values of a metric.
[[nodiscard]] std::vector<Label> labels_at(Labels labels, size_t place);

struct MetricValue {
    std::vector<Label> labels;  // At most two.
    int64_t value;
};
// Returns the values of a counter, gauge or ratio. A sink that has never been up and has never
// failed is not in the settings, so its values are omitted.
[[nodiscard]] std::vector<MetricValue> values_of(const MetricShards& shards, Metric metric);

}  // namespace rollcall
