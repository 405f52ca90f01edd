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
    // below[i] is the number of observations that are at most histogram_bounds_us[i]. The last
    // entry counts all observations.
    std::array<int64_t, histogram_bounds_us.size() + 1> below{};
};
[[nodiscard]] Observed observed(const MetricShards& shards, Metric histogram);

struct Label {
    std::string_view name;
    std::string_view value;
};
// Returns the labels of one value of a metric. place: the index of the value among all values of
// the metric.
[[nodiscard]] std::vector<Label> labels_at(Labels labels, size_t place);

struct MetricValue {
    std::vector<Label> labels;  // At most two.
    int64_t value;
};
// Returns the values of a counter, gauge or ratio. Omits the values of sinks that are not in the
// settings. Such a sink has never been up and has never failed.
[[nodiscard]] std::vector<MetricValue> values_of(const MetricShards& shards, Metric metric);

}  // namespace rollcall
