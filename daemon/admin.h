// Admin: the operator's pages.
//
//   GET  /metrics   for Prometheus
//        /healthz   200 while the process answers
//        /readyz    200 while check-ins are taken from everyone, else 503 and the reason; then a
//        line for each
//                   thing behind them that needs a person, such as a sink that is down
//
// Threads: main's loop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "daemon/http_session.h"
#include "daemon/replies.h"

namespace rollcall {

class Admin final : public HttpService {
public:
    Admin(Replies& replies, std::string_view version) : replies_(replies), version_(version) {}

    // Whose counters are shown.
    void watch(std::vector<const Slab*> slabs) { slabs_ = std::move(slabs); }
    // Who is asked for what needs a person.
    void ask_for_troubles(std::function<std::vector<std::string>()> ask) {
        troubles_ = std::move(ask);
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

    Replies& replies_;
    std::string_view version_;
    std::vector<const Slab*> slabs_;
    std::function<std::vector<std::string>()> troubles_ = [] { return std::vector<std::string>(); };
    std::string_view not_ready_ = "starting";
};

}  // namespace rollcall
