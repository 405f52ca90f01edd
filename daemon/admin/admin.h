// Admin: the HTTP pages for the operator.
//
//   GET  /metrics   metrics for Prometheus
//        /healthz   200 while the process responds
//        /readyz    200 while check-ins are accepted from everyone, otherwise 503 with the reason;
//                   then a line for each health message, such as that a sink is down
//        /status    a status page, and /status.json, the same for scripts
//
// Threads: main's loop.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/metrics_snapshot.h"
#include "daemon/admin/readiness.h"
#include "daemon/admin/status.h"
#include "daemon/http/replies.h"
#include "daemon/http/session.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class Admin final : public HttpService {
public:
    // Where the pages take their contents from. Each request calls the functions.
    struct Sources {
        MetricShards shards;
        std::function<Readiness()> readiness = [] { return Readiness::starting; };
        // What needs the operator's attention, a sentence each.
        std::function<std::vector<std::string>()> health_messages = [] {
            return std::vector<std::string>();
        };
        // The pipeline of SingleStore; empty if none is watched.
        std::function<std::optional<PipelineStatus>()> pipeline = [] { return std::nullopt; };
    };

    Admin(Replies& replies, const Clock& clock, std::string_view version)
        : replies_(replies), clock_(clock), version_(version), started_us_(clock.steady_us()) {}

    void show(Sources sources) { sources_ = std::move(sources); }

    [[nodiscard]] Result<Admission> admit(const HttpHead& head, HttpRequest& request,
                                          std::string_view& allow) override;
    [[nodiscard]] Result<void> handle(HttpRequest& request, std::string_view body,
                                      Connection& connection) override;
    // Refused requests for pages are not counted: the metrics are about check-ins.
    void refused(Code, const HttpRequest&, const Connection&) override {}

private:
    [[nodiscard]] Status status() const;
    [[nodiscard]] std::string readiness_page(std::string_view reason) const;

    Replies& replies_;
    const Clock& clock_;
    std::string_view version_;
    int64_t started_us_;
    Sources sources_;
};

}  // namespace rollcall
