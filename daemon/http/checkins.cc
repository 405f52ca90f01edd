#include "daemon/http/checkins.h"

#include <algorithm>

#include "daemon/http/allowed_methods.h"
#include "daemon/http/credentials.h"
#include "daemon/http/dialects.h"
#include "daemon/security/signatures.h"
#include "pipeline/base/ascii.h"
#include "pipeline/base/hash.h"
#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

constexpr size_t device_bytes_max = 128;  // The size of the column site_id.

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

// Appends the header fields `X-Vendor-Key: value` as lines `X-Vendor-Key=value`. Skips the fields
// of credentials, and the fields that proxies add. Proxies add fields with names of two words
// (`X-Word`), or with names that begin with X-Forwarded.
void append_values(std::string_view fields, const Settings& settings, std::string& out) {
    std::string values;
    each_field(fields, [&](std::string_view name, std::string_view value) {
        if (!same_word(name.substr(0, 2), "x-") || name.find('-', 2) == name.npos) return;
        if (same_word(name.substr(2, 9), "Forwarded") || is_credential_field(name, settings))
            return;
        values.append(name).append("=").append(value).append("\n");
    });
    append_as_utf8(values, out);
}

bool accepts_json(std::string_view fields) {
    bool accepts = false;
    each_field(fields, [&](std::string_view name, std::string_view value) {
        accepts |= same_word(name, "Accept") && value.find("json") != value.npos;
    });
    return accepts;
}

// Returns the dialect of the response. ISPApp's agent sends one report at a time. If a body has
// several reports, the client is another program, and the response lists the outcome of each
// report.
Dialect dialect_of(const HttpRequest& request) {
    const Receipt& receipt = request.receipt;
    if (receipt.shape.json_rpc) return Dialect::json_rpc;
    // Only a response in JSON can say that no report was accepted.
    if (request.runs_response && receipt.accepted > 0 && !receipt.shape.json) return Dialect::text;
    if (request.dialect == Dialect::influx && !receipt.refused.empty()) return Dialect::canonical;
    const bool one = receipt.items == 1 && receipt.accepted == 1;
    return is_ispapp(request.dialect) && !one ? Dialect::canonical : request.dialect;
}

}  // namespace

Checkins::Checkins(const IngestContext& context, Replies& replies, const OverloadState& overload,
                   LastSeen& last_seen)
    : settings_(context.settings),
      paths_{"/v1/checkins"},
      body_bytes_max_(settings_.http.body_size_max.count),
      batch_bytes_max_(std::max(body_bytes_max_, settings_.http.batch_size_max.count)),
      inflater_(batch_bytes_max_),
      intake_(context.intake),
      replies_(replies),
      overload_(overload),
      last_seen_(last_seen),
      liveness_(context.liveness),
      credentials_(context.credentials),
      quotas_(context.quotas),
      refusals_(context.refusals),
      clock_(context.clock) {
    paths_.insert(paths_.end(), agent_paths.begin(), agent_paths.end());
    paths_.insert(paths_.end(), settings_.http.paths.begin(), settings_.http.paths.end());
}

// Returns whether the path accepts check-ins. Stores the path, and the device that the path names,
// in the request.
bool Checkins::find_path(std::string_view path, HttpRequest& request) {
    request.device.clear();
    if (!path.starts_with(adopt_prefix) || path.size() == adopt_prefix.size()) {
        const auto known = std::ranges::find(paths_, path);
        if (known == paths_.end()) return false;
        request.path = *known;
        return true;
    }
    request.path = adopt_prefix;
    device_.clear();
    append_decoded(path.substr(adopt_prefix.size()), false, device_);
    append_as_utf8(std::string_view(device_).substr(0, device_bytes_max), request.device);
    return true;
}

Result<Admission> Checkins::admit(const HttpHead& head, HttpRequest& request,
                                  std::string_view& allow) {
    const std::string_view path = path_of(head.target);
    if (path == "/healthz") {
        if (head.method == "GET" || head.method == "HEAD") return Admission::healthy;
        allow = allowed_methods::health;
        if (head.method == "OPTIONS") return Admission::options;
        return fail(Code::method_not_allowed);
    }
    const bool is_known = find_path(path, request);
    if (head.method == "OPTIONS" && (is_known || path == "*")) {
        allow = allowed_methods::report_options;
        return Admission::options;
    }
    if (!is_known) {
        request.path = path;
        return fail(Code::not_found);
    }
    request.dialect = dialect_at(path, request.hint);
    request.runs_response =
        runs_responses(path) && request.hint != BodyHint::json && !accepts_json(head.fields);
    const std::string_view query =
        head.target.substr(std::min(path.size() + 1, head.target.size()));
    const bool reports_by_query = head.method == "GET" && !query.empty();
    if (head.method != "POST" && head.method != "PUT" && !reports_by_query) {
        allow = query.empty() ? allowed_methods::reports : allowed_methods::reports_with_query;
        return fail(Code::method_not_allowed);
    }
    if (reports_by_query && !head.has_body()) request.hint = BodyHint::query;
    request.query.clear();
    request.header.clear();
    request.idempotency_key = head.idempotency_key;
    // The query of an InfluxDB client names a database and a login, so it holds no values of a
    // report.
    if (request.dialect != Dialect::influx)
        append_as_utf8(without_token(query, settings_), request.query);
    append_values(head.fields, settings_, request.header);
    if (const auto identified = identify(head, request); !identified)
        return std::unexpected(identified.error());
    if (const auto within = check_quota(request); !within) return std::unexpected(within.error());
    return Admission::by_service;
}

Result<void> Checkins::identify(const HttpHead& head, HttpRequest& request) {
    auto credential = credential_in(head, settings_, credential_);
    if (credential) {
        credential->peer = request.peer;
        credential->certified = request.certified;
    }
    const auto identified = credential ? credentials_.identify(*credential, request.who)
                                       : std::unexpected(credential.error());
    cleanse(credential_);
    return identified;
}

Quotas::Sender Checkins::charged(const HttpRequest& request) const {
    return quotas_.sender(request.who.site(), request.who.tenant(), request.peer);
}

Result<void> Checkins::check_quota(const HttpRequest& request) const {
    const auto standing = quotas_.standing(charged(request), clock_.steady_us());
    if (standing.refused_us == 0) return {};
    return std::unexpected(
        Error{.code = standing.code, .wait_s = static_cast<int32_t>(standing.over_s())});
}

Sender Checkins::sender_of(const HttpRequest& request, const Connection& connection) const {
    return {.transport = Transport::http,
            .address = connection.peer(),
            .device = request.device,
            .received_us = clock_.wall_us(),
            .query = request.query,
            .header = request.header,
            .charset = request.charset,
            .idempotency_key = request.idempotency_key,
            .site = request.who.site(),
            .tenant = request.who.tenant(),
            .route = request.path};
}

Result<void> Checkins::handle(HttpRequest& request, std::string_view body, Connection& connection) {
    const Sender sender = sender_of(request, connection);
    const Receipt& receipt = request.receipt;
    const auto text = plain(request, body);
    const auto taken = text ? intake_.accept(*text, request.hint, sender, request.receipt)
                            : std::unexpected(text.error());
    if (!taken && text) request.receipt.shape.json_rpc |= names_json_rpc(*text);
    if (!taken && taken.error().code == Code::ring_full) return taken;
    const auto who = charged(request);
    const int64_t now_us = clock_.steady_us();
    const size_t bytes = body.size() + request.query.size() + request.header.size();
    quotas_.charge(who, std::max<size_t>(1, receipt.items), bytes, now_us);
    if (!taken) return taken;
    Accepted what = accepted(request, sender);
    // A site that is over its quota, but not yet refused (quotas.grace), is asked to report when it
    // is below the quota again. A response to ISPApp's agent has no field for this time.
    if (!is_ispapp(what.dialect))
        what.next_s = std::max(what.next_s, quotas_.standing(who, now_us).over_s());
    const auto reply = replies_.accepted(what, request.after);
    if (receipt.accepted > 0) {
        connection.reply_when_durable(receipt.slot, receipt.accepted, reply);
    } else {
        connection.reply(reply);
        liveness_.taken(receipt, sender);
    }
    return {};
}

Accepted Checkins::accepted(const HttpRequest& request, const Sender& sender) {
    const Receipt& receipt = request.receipt;
    const std::string_view name = receipt.site.empty() ? sender.address : receipt.site;
    const uint64_t site = stable_hash(name);
    Accepted what{.next_s = overload_.reporting_interval_s(site),
                  .accepted = receipt.accepted,
                  .warnings = receipt.items == 1 ? receipt.warnings : "",
                  .refused = receipt.refused,
                  .dialect = dialect_of(request),
                  .rpc_id = receipt.shape.rpc_id};
    if (is_ispapp(what.dialect)) {
        what.next_s = ispapp_interval_s(overload_.base_interval_s(site));
        const int64_t now_s = sender.received_s();
        const uint64_t seen = process_hash(name);
        if (receipt.shape.collectors) last_seen_.note_collectors(seen, now_s);
        // After a start of the daemon, the age is unknown for every site. Use 0 for an unknown age,
        // so that not all routers send their collectors' values at the same time.
        what.collectors_age_s = last_seen_.collectors_age_s(seen, now_s).value_or(0);
    }
    return what;
}

// Decompresses the body as its Content-Encoding says, and checks the size of the result. The
// session has already checked the size of a body that is not encoded.
Result<std::string_view> Checkins::plain(const HttpRequest& request, std::string_view body) {
    if (request.encoding == ContentEncoding::identity) return body;
    const auto text = inflater_.inflate(request.encoding, body, batch_bytes_max_);
    if (!text) return text;
    const bool may_be_batch =
        request.hint == BodyHint::json_lines || opens_list(*text).value_or(false);
    if (text->size() > body_bytes_max_ && !may_be_batch) return fail(Code::body_too_large);
    return text;
}

void Checkins::refused(Code code, const HttpRequest& request, const Connection& connection) {
    refusals_.count({.transport = Transport::http,
                     .code = code,
                     .address = connection.peer(),
                     .target = request.path,
                     .site = request.who.site(),
                     .client = request.device});
    liveness_.refused(code, sender_of(request, connection));
}

}  // namespace rollcall
