// Status: the state of the daemon as a page for the operator and as JSON for scripts.
//
// The page shows whether check-ins are accepted, the health messages, and every metric that is not
// 0 with its help text. It has no script, and the browser loads it again every ten seconds. The
// JSON has the same content, with the metrics that are 0: {"version", "ready", "reason" if it is
// not, "up_seconds", "health_messages": ["sink kafka: ..."], "pipeline" if one of SingleStore's is
// watched, "metrics": {name: value, or an object by label}}.
//
// Text from others, such as the error message of a database, is escaped.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/metrics_snapshot.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

struct Status {
    std::string_view version;
    std::string_view not_ready;  // Why check-ins are not accepted from everyone; empty if they are.
    int64_t up_s;                // Since the start.
    std::vector<std::string> health_messages;
    std::optional<PipelineStatus> pipeline;  // Empty if none is watched.
    const MetricShards& shards;
};

[[nodiscard]] std::string render_status_page(const Status& status);
[[nodiscard]] std::string render_status_json(const Status& status);

}  // namespace rollcall
