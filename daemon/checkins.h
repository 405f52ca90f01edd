// Check-ins over HTTP: which paths take them, and what a report's sender hears.
//
//   POST  /v1/checkins  /poll  /update  /config  /adopt/{device}  and what http.paths adds
//   GET   the same with a query, which then is the report
//
// Values may also stand in the query of a POST, and, if its body is empty, in fields `X-Vendor-Key`
// of its header. What the body says counts before these.
//
// Threads: one for each worker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "daemon/http_session.h"
#include "daemon/replies.h"
#include "pipeline/inflate.h"
#include "pipeline/intake.h"

namespace rollcall {

class Checkins final : public HttpService {
public:
    Checkins(const Settings& settings, Intake& intake, Replies& replies, const Clock& clock,
             Slab& slab);

    [[nodiscard]] Result<void> admit(const HttpHead& head, HttpRequest& request,
                                     std::string_view& allow) override;
    [[nodiscard]] Result<void> handle(HttpRequest& request, std::string_view body,
                                      Connection& connection) override;
    void refused(Code code) override;

private:
    [[nodiscard]] Result<std::string_view> plain(const HttpRequest& request, std::string_view body);

    std::vector<std::string> paths_;
    size_t body_bytes_max_;
    size_t batch_bytes_max_;
    Inflater inflater_;
    Intake& intake_;
    Replies& replies_;
    const Clock& clock_;
    Slab& slab_;
};

}  // namespace rollcall
