// Status: the state of the daemon as a page for the operator and as JSON for scripts.
//
// The page shows whether check-ins are accepted, the health messages, and each metric that is not
// 0, with its description. The page has no script; the browser reloads it every ten seconds.
//
// The JSON has the content of the page, and also the metrics that are 0. Its members are:
//
//     version, up_seconds
//     ready              true or false
//     reason             only if the daemon is not ready
//     health_messages    ["sink kafka: ..."]
//     sinks              {"kafka": {state, since_seconds, cause, failed_attempts, dead_letters}}
//     pipeline           only if the daemon watches a SingleStore pipeline
//     metrics            {name: value}; a metric with labels has an object of values by label
//     unknown_keys       [{name, count, error, shape, resembles}]; an entry has `resembles` only
//                        if a column has a similar key
//     warned_versions    [{code, version, count, error}]
//
// The counts in the last two lists are estimates (observations.h): the true count is between
// count - error and count. The page shows the most frequent 50 entries of each list.
//
// Foreign text, such as the error message of a database or a key of a report, is escaped.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/metrics_snapshot.h"
#include "pipeline/delivery/sink_health.h"
#include "pipeline/ingest/observations.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

struct Status {
    std::string_view version;
    std::string_view not_ready;  // Reason why the daemon is not ready; empty if it is ready.
    int64_t up_s;                // Seconds since the start.
    std::vector<std::string> health_messages;
    std::vector<SinkStatus> sinks;
    std::optional<PipelineStatus> pipeline;  // Empty if no SingleStore pipeline is watched.
    const MetricShards& shards;
    Observations observations = {};
};

[[nodiscard]] std::string render_status_page(const Status& status);
[[nodiscard]] std::string render_status_json(const Status& status);

}  // namespace rollcall
