// Metrics export: writes the metrics as a page for Prometheus, in one of two formats:
//
//     text          version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
//     OpenMetrics   version 1.0.0: https://github.com/prometheus/OpenMetrics
//                   (specification/OpenMetrics.md). The page differs from text in three points:
//                   the description of a counter leaves out _total, quotes are escaped everywhere,
//                   and an end mark shows that the page is complete
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/admin/metrics_snapshot.h"

namespace rollcall {

enum class MetricsFormat : uint8_t { text, openmetrics };

[[nodiscard]] constexpr std::string_view content_type(MetricsFormat format) {
    return format == MetricsFormat::text
               ? "text/plain; version=0.0.4; charset=utf-8"
               : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

[[nodiscard]] std::string render_metrics(const MetricShards& shards, std::string_view version,
                                         MetricsFormat format = MetricsFormat::text);

}  // namespace rollcall
