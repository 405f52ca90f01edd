// Refusals: counts each refusal by its reason, and logs refusals at a limited rate.
//
// At log level info, RefusalLog writes at most one line a minute for each reason, however many
// clients are refused. The line has the number of refusals since the previous line, and the last
// refusal as an example. At level debug, each refusal also has a line of its own. /metrics has the
// exact counts.
//
// Threads: each Refusals belongs to one thread. All of them share one RefusalLog, which a mutex
//          guards.
// Units:   microseconds of the steady clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"

namespace rollcall {

// A message or a connection that was refused. Each text is empty if it is not known.
struct RefusedMessage {
    Transport transport;
    Code code;
    std::string_view address = {};  // Address of the client.
    std::string_view target = {};   // Path without the query, or MQTT topic.
    std::string_view site = {};     // Site of the credential.
    std::string_view client = {};   // MQTT client id, or device id in the path.
};

class RefusalLog {
public:
    // Counts a refusal. Returns the event to log now, if any.
    [[nodiscard]] std::optional<LogEvent> note(const RefusedMessage& refused, int64_t now_us);

private:
    struct Reason {
        int64_t next_line_us = INT64_MIN;  // Earliest time of the next line.
        uint64_t refusals = 0;             // Number of refusals since the previous line.
    };
    std::array<Reason, label_values(Labels::transport_code)> reasons_{};
};

// Refusals of one thread. Counts them in checkins_rejected_total, and logs them to the log of the
// process.
class Refusals {
public:
    Refusals(const Clock& clock, MetricShard& shard) : clock_(clock), shard_(shard) {}

    void count(const RefusedMessage& refused);

private:
    const Clock& clock_;
    MetricShard& shard_;
};

}  // namespace rollcall
