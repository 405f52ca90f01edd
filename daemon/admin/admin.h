// Admin: the HTTP pages for the operator.
//
//   GET  /metrics   metrics for Prometheus
//        /healthz   200 while the process responds
//        /readyz    200 while check-ins are accepted from all clients, otherwise 503 with the
//                   reason; the body ends with a line for each health message, such as
//                   `sink kafka: ...`
//        /status    a status page; /status.json has the same content for scripts
//
// If admin.token_file is set, all pages except /healthz require the token in this file. Clients
// send this token in the same ways as the token of a check-in (http/credentials.h).
//
// Threads: the loop of main, except for require_token().
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/metrics_snapshot.h"
#include "daemon/admin/readiness.h"
#include "daemon/admin/status.h"
#include "daemon/http/replies.h"
#include "daemon/http/session.h"
#include "daemon/security/signatures.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class Admin final : public HttpService {
public:
    // The functions that return the contents of the pages. Each request calls them.
    struct Sources {
        MetricShards shards;
        std::function<Readiness()> readiness = [] { return Readiness::starting; };
        std::function<std::vector<std::string>()> health_messages = [] {
            return std::vector<std::string>();
        };
        std::function<std::vector<SinkStatus>()> sinks = [] { return std::vector<SinkStatus>(); };
        // Returns the state of the SingleStore pipeline; nothing if no pipeline is watched.
        std::function<std::optional<PipelineStatus>()> pipeline = [] { return std::nullopt; };
        // Returns the unknown keys, and the warnings by RouterOS version.
        std::function<Observations()> observations = [] { return Observations(); };
    };

    Admin(Replies& replies, const Clock& clock, std::string_view version)
        : replies_(replies), clock_(clock), version_(version), started_us_(clock.steady_us()) {}

    void show(Sources sources) { sources_ = std::move(sources); }
    // Requires the token with this digest in all later requests. settings: contains the names of
    // the header fields and query keys for tokens. Any thread may call this.
    void require_token(const Digest& digest, const Settings& settings) {
        const std::lock_guard lock(token_mutex_);
        token_digest_ = digest;
        settings_ = &settings;
    }

    [[nodiscard]] Result<Admission> admit(const HttpHead& head, HttpRequest& request,
                                          std::string_view& allow) override;
    [[nodiscard]] Result<void> handle(HttpRequest& request, std::string_view body,
                                      Connection& connection) override;
    // Refused requests for pages are not counted, because the metrics describe check-ins.
    void refused(Code, const HttpRequest&, const Connection&) override {}

private:
    [[nodiscard]] Result<void> check_token(const HttpHead& head) const;
    [[nodiscard]] Status status() const;
    [[nodiscard]] std::string readiness_page(std::string_view reason) const;

    Replies& replies_;
    const Clock& clock_;
    std::string_view version_;
    int64_t started_us_;
    Sources sources_;
    mutable std::mutex token_mutex_;      // Protects the members below.
    std::optional<Digest> token_digest_;  // Empty if no token is required.
    const Settings* settings_ = nullptr;  // Not null if a token is required.
};

// Reads admin.token_file, which has one word. The explanation of a failure names the file.
[[nodiscard]] Result<Digest> read_admin_token(const std::string& path);

}  // namespace rollcall
