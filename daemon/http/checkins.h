// Checkins: the service that accepts check-ins over HTTP.
//
//   POST  /v1/checkins, and the paths of http.paths
//         /poll  /adopt/{device}         RouterOS scripts
//         /update  /config  /bandwidth   ISPApp's agent
//         /write  /api/v2/write          scripts that write to InfluxDB
//   PUT   on all paths of POST: RouterOS scripts use either method
//   GET   on all paths of POST, if the URL has a query: the query is the report
//   GET   /healthz                       for load balancers (also HEAD); needs no credential
//
// The response is in the dialect of the agent (dialects.h).
//
// The credential in the head names the site (http/credentials.h). The credential is checked before
// the body is read. If the path or the body names another site, that name is ignored.
//
// The values of a report can also be in the query of a POST, and in header fields whose names have
// the form `X-Vendor-Key`. If there is a body, these header fields are ignored, except those that
// name the router. Values in the body override values from the query and from header fields.
//
// Threads: one object for each worker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "daemon/http/replies.h"
#include "daemon/http/session.h"
#include "daemon/ingest/context.h"
#include "daemon/overload/last_seen.h"
#include "daemon/overload/state.h"
#include "pipeline/decode/inflate.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class Checkins final : public HttpService {
public:
    Checkins(const IngestContext& context, Replies& replies, const OverloadState& overload,
             LastSeen& last_seen);

    [[nodiscard]] Result<Admission> admit(const HttpHead& head, HttpRequest& request,
                                          std::string_view& allow) override;
    [[nodiscard]] Result<void> handle(HttpRequest& request, std::string_view body,
                                      Connection& connection) override;
    void refused(Code code, const HttpRequest& request, const Connection& connection) override;

private:
    [[nodiscard]] bool find_path(std::string_view path, HttpRequest& request);
    [[nodiscard]] Result<void> identify(const HttpHead& head, HttpRequest& request);
    [[nodiscard]] Quotas::Sender charged(const HttpRequest& request) const;
    [[nodiscard]] Result<void> check_quota(const HttpRequest& request) const;
    [[nodiscard]] Sender sender_of(const HttpRequest& request, const Connection& connection) const;
    [[nodiscard]] Accepted accepted(const HttpRequest& request, const Sender& sender);
    [[nodiscard]] Result<std::string_view> plain(const HttpRequest& request, std::string_view body);

    const Settings& settings_;
    std::vector<std::string> paths_;
    size_t body_bytes_max_;
    size_t batch_bytes_max_;
    Inflater inflater_;
    Intake& intake_;
    Replies& replies_;
    const OverloadState& overload_;
    LastSeen& last_seen_;
    Liveness& liveness_;
    Credentials& credentials_;
    std::string credential_;  // A buffer for the credential that is being checked.
    std::string device_;      // A buffer for the decoded device of the path.
    Quotas& quotas_;
    Refusals& refusals_;
    const Clock& clock_;
};

}  // namespace rollcall
