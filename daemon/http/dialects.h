// Dialects: agents that were made for another server, and the response bodies that they expect.
//
//   text      a RouterOS script that reports to /poll or /adopt/{device} in key=value pairs, a form
//             or a query; it executes the response as a script, so the response has no body unless
//             the script asks for JSON
//   InfluxDB  a client of /write or /api/v2/write, which expects 204
//   JSON-RPC  a client that sends JSON-RPC requests to any path; the response has the request's id
//   ISPApp    an agent that sends reports to /update and /bandwidth and asks /config for its
//             configuration; it computes the time of its next report from the response
//
// ISPApp's agent has two intervals, one for outages and one for updates. The agent reports again
// after the smaller of these two times, in seconds:
//
//     outageIntervalSeconds - lastUpdateOffsetSec       (the daemon always sends the offset 0)
//     updateIntervalSeconds - lastColUpdateOffsetSec
//
// The agent sets its scheduler to the smaller time. A report contains the values of the agent's
// collectors (its periodic measurements) if the time in the second line has passed. An interval of
// 0 would stop the scheduler for ever, so the daemon keeps the second difference at 2 or more. If a
// response to an update lacks the offsets, the agent computes a wrong schedule, so every such
// response has them. The member `updateFast` is always false, because true sets an interval of 2 s.
//
// NEVER send `lastConfigChangeTsMs`, neither in the response to an update nor in the object `host`
// of the response to /config. If it differs from the agent's own value, the agent applies the next
// response of /config as the configuration of the router. The agent would rebuild the wireless
// interfaces and security profiles from members that our response does not have.
//
// Threads: pure functions.
// Units: seconds.
// Sources: JSON-RPC 2.0, section 5; the public ISPApp agent, ispappUpdate.rsc and ispappConfig.rsc
//          of github.com/ispapp/ispapp-routeros-agent; InfluxDB OSS v2 API, "Write data".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

enum class Dialect : uint8_t { canonical, text, influx, json_rpc, ispapp_update, ispapp_config };

// Returns the dialect of the agents that report to a path. If the body turns out to be JSON-RPC,
// the caller must use json_rpc instead.
[[nodiscard]] Dialect dialect_at(std::string_view path, BodyHint hint);

// Returns whether agents that report to a path run the text of the response.
[[nodiscard]] bool runs_responses(std::string_view path);

[[nodiscard]] constexpr bool is_ispapp(Dialect dialect) {
    return dialect == Dialect::ispapp_update || dialect == Dialect::ispapp_config;
}

// --- paths ---

inline constexpr std::string_view adopt_prefix = "/adopt/";
inline constexpr std::array<std::string_view, 6> agent_paths = {
    "/poll", "/update", "/config", "/bandwidth", "/write", "/api/v2/write"};

// --- ISPApp ---

// Limits an interval to the range that all versions of ISPApp's agent accept. Some versions take an
// interval outside this range for an error, and then report every 5 s.
[[nodiscard]] int64_t ispapp_interval_s(int64_t interval_s);

// Append the body of a response to an update, or to a request for the configuration.
// collectors_age_s: time since the site last reported the values of its collectors.
void append_ispapp_update(std::string& body, int64_t interval_s, int64_t collectors_age_s);
void append_ispapp_config(std::string& body, int64_t interval_s);

// --- JSON-RPC ---

// Returns whether a malformed body contains "jsonrpc" anywhere. The decoder cannot tell whether the
// body is JSON-RPC if it fails before this member.
[[nodiscard]] bool names_json_rpc(std::string_view body);

// Returns the id as the request spelled it, or null if it is empty.
[[nodiscard]] constexpr std::string_view json_rpc_id(std::string_view id) {
    return id.empty() ? "null" : id;
}
void append_json_rpc_error(std::string& body, const Error& error, std::string_view id);

}  // namespace rollcall
