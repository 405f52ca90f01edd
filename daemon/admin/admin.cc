#include "daemon/admin/admin.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "daemon/admin/metrics_export.h"
#include "daemon/http/allowed_methods.h"
#include "daemon/http/credentials.h"
#include "daemon/security/secret_file.h"
#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// `openmetrics` is /metrics for clients that accept that format.
enum Page : size_t { metrics, health, ready, status_page, status_json, openmetrics };
constexpr std::array<std::string_view, 5> paths = {"/metrics", "/healthz", "/readyz", "/status",
                                                   "/status.json"};
constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view json = "application/json";

// Returns true if one range of an Accept field accepts OpenMetrics. Wildcards do not count, because
// Prometheus names the format explicitly. A weight of zero declines the format (RFC 9110, section
// 12.4.2).
bool names_openmetrics(std::string_view range) {
    const size_t type_end = std::min(range.find(';'), range.size());
    if (!same_word(without_blanks(range.substr(0, type_end)), "application/openmetrics-text"))
        return false;
    for (range.remove_prefix(type_end); !range.empty();) {
        range.remove_prefix(1);  // The semicolon.
        const size_t end = std::min(range.find(';'), range.size());
        const std::string_view parameter = without_blanks(range.substr(0, end));
        range.remove_prefix(end);
        if (same_word(parameter.substr(0, 2), "q="))
            return parameter.find_first_not_of("0.", 2) != parameter.npos;
    }
    return true;
}

bool accepts_openmetrics(const HttpHead& head) {
    bool accepts = false;
    each_field(head.fields, [&](std::string_view name, std::string_view value) {
        if (!same_word(name, "Accept")) return;
        while (!value.empty()) {
            const size_t comma = std::min(value.find(','), value.size());
            accepts |= names_openmetrics(value.substr(0, comma));
            value.remove_prefix(std::min(comma + 1, value.size()));
        }
    });
    return accepts;
}

}  // namespace

Result<Admission> Admin::admit(const HttpHead& head, HttpRequest& request,
                               std::string_view& allow) {
    const std::string_view path = head.target.substr(0, head.target.find('?'));
    const auto found = std::ranges::find(paths, path);
    if (found == paths.end()) return fail(Code::not_found);
    if (*found != paths[health])
        if (const auto checked = check_token(head); !checked)
            return std::unexpected(checked.error());
    if (head.method != "GET" && head.method != "HEAD") {
        allow = allowed_methods::pages;
        return fail(Code::method_not_allowed);
    }
    request.page = static_cast<size_t>(found - paths.begin());
    if (request.page == metrics && accepts_openmetrics(head)) request.page = openmetrics;
    return Admission::by_service;
}

Result<void> Admin::check_token(const HttpHead& head) const {
    const std::lock_guard lock(token_mutex_);
    if (!token_digest_) return {};
    std::string buffer;
    const auto credential = credential_in(head, *settings_, buffer);
    const bool is_right =
        credential && same_secret(bytes_of(sha256(credential->token)), bytes_of(*token_digest_));
    const bool is_missing = credential && credential->token.empty();
    cleanse(buffer);
    if (is_right) return {};
    return fail(is_missing ? Code::no_credential : Code::bad_credential);
}

Result<Digest> read_admin_token(const std::string& path) {
    std::optional<Digest> digest;
    const auto read = read_secret_file(
        path, [&](std::span<const std::string_view> words, uint32_t) -> Result<void> {
            if (digest || words.size() != 1)
                return fail(Code::bad_file, "the file must contain exactly one token");
            digest = sha256(words.front());
            return {};
        });
    if (!read) return std::unexpected(read.error());
    if (!digest) return fail(Code::bad_file, path + ": contains no token");
    return *digest;
}

Status Admin::status() const {
    const int64_t up_us = clock_.steady_us() - started_us_;
    return {.version = version_,
            .not_ready = reason_of(sources_.readiness()),
            .up_s = up_us / 1'000'000,
            .health_messages = sources_.health_messages(),
            .sinks = sources_.sinks(),
            .pipeline = sources_.pipeline(),
            .shards = sources_.shards,
            .observations = sources_.observations()};
}

std::string Admin::readiness_page(std::string_view reason) const {
    std::string page = std::string(reason.empty() ? "ready" : reason) + "\n";
    for (const auto& message : sources_.health_messages()) page += message + "\n";
    return page;
}

Result<void> Admin::handle(HttpRequest& request, std::string_view, Connection& connection) {
    const auto respond = [&](int status, std::string_view type, const std::string& body) {
        connection.reply(replies_.page(status, type, body, request.after, request.body_in_reply));
    };
    const auto respond_with_metrics = [&](MetricsFormat format) {
        respond(200, content_type(format), render_metrics(sources_.shards, version_, format));
    };
    switch (static_cast<Page>(request.page)) {
        case metrics: respond_with_metrics(MetricsFormat::text); break;
        case openmetrics: respond_with_metrics(MetricsFormat::openmetrics); break;
        case health: respond(200, plain, "alive\n"); break;
        case ready: {
            const std::string_view reason = reason_of(sources_.readiness());
            respond(reason.empty() ? 200 : 503, plain, readiness_page(reason));
            break;
        }
        case status_page: respond(200, html, render_status_page(status())); break;
        case status_json: respond(200, json, render_status_json(status())); break;
    }
    return {};
}

}  // namespace rollcall
