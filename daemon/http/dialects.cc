#include "daemon/http/dialects.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rollcall {

namespace {

constexpr int64_t ispapp_interval_min_s = 2;
constexpr int64_t ispapp_interval_max_s = 300;

// Error codes of JSON-RPC 2.0, section 5.1.
constexpr int parse_error = -32700;
constexpr int invalid_request = -32600;
constexpr int server_error = -32000;

int json_rpc_code(const CodeInfo& code) {
    if (code.action != Action::reject) return server_error;
    return code.source == Source::json ? parse_error : invalid_request;
}

}  // namespace

Dialect dialect_at(std::string_view path, BodyHint hint) {
    if (path == "/config") return Dialect::ispapp_config;
    if (path == "/update" || path == "/bandwidth") return Dialect::ispapp_update;
    if (path == "/write" || path == "/api/v2/write") return Dialect::influx;
    return runs_responses(path) && hint == BodyHint::text ? Dialect::text : Dialect::canonical;
}

bool runs_responses(std::string_view path) {
    return path == "/poll" || path.starts_with(adopt_prefix);
}

int64_t ispapp_interval_s(int64_t interval_s) {
    return std::clamp(interval_s, ispapp_interval_min_s, ispapp_interval_max_s);
}

void append_ispapp_update(std::string& body, int64_t interval_s, int64_t collectors_age_s) {
    const int64_t age_max_s = std::max<int64_t>(0, interval_s - ispapp_interval_min_s);
    fmt::format_to(std::back_inserter(body),
                   R"({{"updateFast":false,"lastUpdateOffsetSec":0,"lastColUpdateOffsetSec":{},)"
                   R"("cmds":[]}})",
                   std::clamp<int64_t>(collectors_age_s, 0, age_max_s));
}

void append_ispapp_config(std::string& body, int64_t interval_s) {
    fmt::format_to(std::back_inserter(body),
                   R"({{"host":{{"outageIntervalSeconds":{0},"updateIntervalSeconds":{0}}}}})",
                   interval_s);
}

bool names_json_rpc(std::string_view body) { return body.find("\"jsonrpc\"") != body.npos; }

void append_json_rpc_error(std::string& body, const Error& error, std::string_view id) {
    const CodeInfo& code = info(error.code);
    const auto out = std::back_inserter(body);
    fmt::format_to(out,
                   R"({{"jsonrpc":"2.0","error":{{"code":{},"message":"{}","data":{{"code":"{}")",
                   json_rpc_code(code), code.help, to_text(error.code));
    if (error.offset >= 0) fmt::format_to(out, R"(,"offset":{})", error.offset);
    fmt::format_to(out, R"(}}}},"id":{}}})", json_rpc_id(id));
}

}  // namespace rollcall
