// Exporter: the slabs as a page for Prometheus.
//
// Sums the counters of all threads when it is asked; nothing is shared with the threads that count
// but their relaxed numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"

namespace rollcall {

// The text format, version 0.0.4.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string render_metrics(const std::vector<const Slab*>& slabs,
                                         std::string_view version);

// The sum of one value over all slabs.
[[nodiscard]] int64_t sum(const std::vector<const Slab*>& slabs, Metric metric, size_t label = 0);

// How many times a histogram was told something since start, and the sum of that.
struct Observed {
    int64_t count = 0;
    int64_t micros = 0;
};
[[nodiscard]] Observed observed(const std::vector<const Slab*>& slabs, Metric histogram);

}  // namespace rollcall
