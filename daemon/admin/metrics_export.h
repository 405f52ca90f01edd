// Exporter: the readings as a page for Prometheus, in one of its two formats:
//
//     text          version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
//     OpenMetrics   version 1.0.0: the same samples, but a counter is described without its _total,
//                   quotes are escaped everywhere, and the end is marked, so that a page cut short
//                   is seen: https://github.com/prometheus/OpenMetrics
//                   (specification/OpenMetrics.md)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/metrics_snapshot.h"

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
