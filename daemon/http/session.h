// HTTP session: one HTTP connection. Keep-alive, pipelining, Expect, and whose request it is.
//
// What a request means is its service's business: Checkins (checkins.h) or Admin (admin.h). The
// session frames it, refuses what is not HTTP, and keeps the answers in the order of the requests.
//
// A refused head with a body behind it, and any error of framing, ends the connection: what follows
// can no longer be told from a request (RFC 9112, section 11.2).
//
// Threads: the loop's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/http/parser.h"
#include "daemon/http/replies.h"
#include "daemon/net/connection.h"
#include "daemon/security/credentials.h"
#include "pipeline/decode/decode.h"
#include "pipeline/decode/inflate.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

// What of a request is kept until its body is there.
struct HttpRequest {
    size_t page = 0;  // Which of the service's paths.
    BodyHint hint = BodyHint::unknown;
    ContentEncoding encoding = ContentEncoding::identity;
    std::string device;  // From the path; may be empty.
    std::string query;   // Of the target, without `?`.
    std::string header;  // Fields that may be values, as `name=value` lines.
    std::string idempotency_key;
    std::string_view peer;       // Its address.
    std::string_view certified;  // The name in its certificate of TLS; may be empty.
    Identity who;                // By its credential.
    Receipt receipt;             // Of what was taken before the ring was full.
    After after = After::keep_alive;
    bool body_in_reply = true;             // False for HEAD.
    Dialect dialect = Dialect::canonical;  // Of the agents that report to this path.
};

class HttpService {
public:
    virtual ~HttpService() = default;
    // Decides by the head, and notes in `request` what handle() will need. `allow` is to be set
    // for method_not_allowed.
    [[nodiscard]] virtual Result<void> admit(const HttpHead& head, HttpRequest& request,
                                             std::string_view& allow) = 0;
    // Replies. ring_full: nothing was done, try again later; any other error is to be answered.
    // After an error the receipt's shape says how.
    [[nodiscard]] virtual Result<void> handle(HttpRequest& request, std::string_view body,
                                              Connection& connection) = 0;
    // A request was answered with this code. If its head was not admitted, the request is empty.
    virtual void refused(Code code, const HttpRequest& request, const Connection& connection) = 0;
};

class HttpSession final : public Session {
public:
    struct Limits {
        size_t header_bytes_max;
        size_t header_fields_max;
        size_t body_bytes_max;
        size_t batch_bytes_max;  // Of a body with several reports: at least body_bytes_max.
        Millis header_timeout_max;
        MinimumRate body_rate_min;
        Millis request_timeout_max;
        Millis idle_timeout_max;
        bool raw_spaces;  // See http/parser.h.

        explicit Limits(const Settings& settings);
    };

    HttpSession(Connection& connection, HttpService& service, Replies& replies,
                const Limits& limits);

    void on_data(std::string_view& bytes) override;
    void on_resume() override;
    void on_deadline() override;

private:
    enum class Phase : uint8_t { between, header, body, complete };  // Of requests; what has come.

    void on_head();
    void on_body();
    void on_end();
    void forget_request();
    void refuse(const Error& error, std::string_view allow = {});
    void begin_request();
    void watch();
    [[nodiscard]] bool too_large(std::string_view piece);
    // Too large, unless the first byte that is not blank says that it is a list.
    [[nodiscard]] bool size_in_doubt() const {
        return phase_ == Phase::body && !body_begun_ && announced_ > body_bytes_max_;
    }

    Connection& connection_;
    HttpService& service_;
    Replies& replies_;
    const Limits& limits_;
    HttpParser parser_;
    HttpRequest request_;
    std::string_view body_in_place_;  // The body, if it came in one piece.
    Buffer body_;                     // The body, if it came in several.
    uint64_t announced_ = 0;          // Bytes of the body, if the head said so.
    size_t body_bytes_max_ = 0;       // Of this request; what it holds shows in its first byte.
    Phase phase_ = Phase::between;
    Millis request_began_{};
    Millis body_began_{};
    Millis first_byte_max_{};  // For the first byte of a body whose size is in doubt.
    bool body_begun_ = false;  // Its first byte that is not blank has come.
    bool done_ = false;        // The last request of this connection has been handled.
};

}  // namespace rollcall
