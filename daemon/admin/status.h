// Status: how the daemon is, for a person who looks at it and for a script.
//
// The page says first whether check-ins are taken and what needs a person, then every reading that
// is not 0 with what it means. It has no script, and asks for itself again every ten seconds. The
// JSON has the same, with the zeros: {"version", "ready", "reason" if it is not, "up_seconds",
// "health_messages": ["sink kafka: ..."], "pipeline" if one of SingleStore's is watched, "metrics":
// {name: value, or an object by label}}.
//
// What others have said, such as a database its error, is escaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics_snapshot.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

struct Status {
    std::string_view version;
    std::string_view not_ready;  // Why. Empty: ready.
    int64_t up_s;                // Since start.
    std::vector<std::string> health_messages;
    std::optional<PipelineStatus> pipeline;  // If it is watched.
    const MetricShards& shards;
};

[[nodiscard]] std::string render_status_page(const Status& status);
[[nodiscard]] std::string render_status_json(const Status& status);

}  // namespace rollcall
