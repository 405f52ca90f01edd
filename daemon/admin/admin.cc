#include "daemon/admin/admin.h"

#include <algorithm>
#include <array>
#include <string>

#include "daemon/admin/metrics_export.h"
#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// openmetrics is /metrics for clients that accept that format.
enum Page : size_t { metrics, health, ready, status_page, status_json, openmetrics };
constexpr std::array<std::string_view, 5> paths = {"/metrics", "/healthz", "/readyz", "/status",
                                                   "/status.json"};
constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view json = "application/json";

// Prometheus names the format first; a client that does not know it does not name it.
bool accepts_openmetrics(const HttpHead& head) {
    bool accepts = false;
    each_field(head.fields, [&](std::string_view name, std::string_view value) {
        accepts |=
            same_word(name, "Accept") && value.find("application/openmetrics-text") != value.npos;
    });
    return accepts;
}

}  // namespace

Result<void> Admin::admit(const HttpHead& head, HttpRequest& request, std::string_view& allow) {
    const std::string_view path = head.target.substr(0, head.target.find('?'));
    const auto found = std::ranges::find(paths, path);
    if (found == paths.end()) return fail(Code::not_found);
    if (head.method != "GET" && head.method != "HEAD") {
        allow = "GET, HEAD";
        return fail(Code::method_not_allowed);
    }
    request.page = static_cast<size_t>(found - paths.begin());
    if (request.page == metrics && accepts_openmetrics(head)) request.page = openmetrics;
    return {};
}

Status Admin::status() const {
    const int64_t up_us = clock_.steady_us() - started_us_;
    return {.version = version_,
            .not_ready = reason_of(sources_.readiness()),
            .up_s = up_us / 1'000'000,
            .health_messages = sources_.health_messages(),
            .pipeline = sources_.pipeline(),
            .shards = sources_.shards};
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
