#include "daemon/admin/admin.h"

#include <algorithm>
#include <array>
#include <string>

#include "daemon/admin/metrics_export.h"
#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// openmetrics: /metrics, for those who accept it so.
enum Page : size_t { metrics, health, ready, status_page, status_json, openmetrics };
constexpr std::array<std::string_view, 5> paths = {"/metrics", "/healthz", "/readyz", "/status",
                                                   "/status.json"};
constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view json = "application/json";

// Prometheus names it first of all; who does not know it does not name it.
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

std::string_view Admin::reason_not_ready() const {
    if (!not_ready_.empty()) return not_ready_;
    if (sum(shards_, Metric::spool_full) > 0) return "the spool is full";
    if (sum(shards_, Metric::pressure_ratio) < ratio_one) return {};
    if (sum(shards_, Metric::backlog_drain_seconds) > 0)
        return "the spool is nearly full: a sink is behind";
    if (sum(shards_, Metric::memory_ratio) > ratio_one / 10 * 9)
        return "memory is nearly at the control group's limit";
    return "answers take seconds: the disk is slow";
}

Status Admin::status() const {
    const int64_t up_us = clock_.steady_us() - started_us_;
    return {version_,           reason_not_ready(), up_us / 1'000'000,
            health_messages_(), pipeline_(),        shards_};
}

Result<void> Admin::handle(HttpRequest& request, std::string_view, Connection& connection) {
    const auto answer = [&](int status, std::string_view type, const std::string& body) {
        connection.reply(replies_.page(status, type, body, request.after, request.body_in_reply));
    };
    const auto answer_metrics = [&](MetricsFormat format) {
        answer(200, content_type(format), render_metrics(shards_, version_, format));
    };
    switch (static_cast<Page>(request.page)) {
        case metrics: answer_metrics(MetricsFormat::text); break;
        case openmetrics: answer_metrics(MetricsFormat::openmetrics); break;
        case health: answer(200, plain, "alive\n"); break;
        case ready: {
            const std::string_view reason = reason_not_ready();
            std::string page = std::string(reason.empty() ? "ready" : reason) + "\n";
            for (const auto& trouble : health_messages_()) page += trouble + "\n";
            answer(reason.empty() ? 200 : 503, plain, page);
            break;
        }
        case status_page: answer(200, html, render_status_page(status())); break;
        case status_json: answer(200, json, render_status_json(status())); break;
    }
    return {};
}

}  // namespace rollcall
