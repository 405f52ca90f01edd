// Admin: the operator's pages.
//
//   GET  /metrics   for Prometheus
//        /healthz   200 while the process answers
//        /readyz    200 while check-ins are taken from everyone, else 503 and the reason; then
//                   a line for each thing that needs a person, such as a sink that is down
//        /status    a page that says how it is, and /status.json, the same for a script
//
// Threads: main's loop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics_snapshot.h"
#include "daemon/admin/status.h"
#include "daemon/http/replies.h"
#include "daemon/http/session.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class Admin final : public HttpService {
public:
    Admin(Replies& replies, const Clock& clock, std::string_view version)
        : replies_(replies), clock_(clock), version_(version), started_us_(clock.steady_us()) {}

    // Whose counters are shown.
    void watch(MetricShards shards) { shards_ = std::move(shards); }
    // Who is asked for what needs a person.
    void ask_for_health_messages(std::function<std::vector<std::string>()> ask) {
        health_messages_ = std::move(ask);
    }
    void ask_for_pipeline(std::function<std::optional<PipelineStatus>()> ask) {
        pipeline_ = std::move(ask);
    }
    // Empty: ready.
    void set_reason_not_ready(std::string_view reason) { not_ready_ = reason; }

    [[nodiscard]] Result<void> admit(const HttpHead& head, HttpRequest& request,
                                     std::string_view& allow) override;
    [[nodiscard]] Result<void> handle(HttpRequest& request, std::string_view body,
                                      Connection& connection) override;
    // Only reports are counted.
    void refused(Code, const HttpRequest&, const Connection&) override {}

private:
    [[nodiscard]] std::string_view reason_not_ready() const;
    [[nodiscard]] Status status() const;

    Replies& replies_;
    const Clock& clock_;
    std::string_view version_;
    int64_t started_us_;
    MetricShards shards_;
    std::function<std::vector<std::string>()> health_messages_ = [] {
        return std::vector<std::string>();
    };
    std::function<std::optional<PipelineStatus>()> pipeline_ = [] { return std::nullopt; };
    std::string_view not_ready_ = "starting";
};

}  // namespace rollcall
