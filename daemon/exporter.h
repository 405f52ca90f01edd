// Exporter: the readings as a page for Prometheus.
#pragma once

#include <string>
#include <string_view>

#include "daemon/readings.h"

namespace rollcall {

// The text format, version 0.0.4.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string render_metrics(const Slabs& slabs, std::string_view version);

}  // namespace rollcall
