// HttpSession: the protocol of one HTTP connection, with keep-alive, pipelining and Expect.
//
// The session splits the input into requests, refuses what is not HTTP, and keeps the responses in
// the order of the requests. A service handles the requests: Checkins (checkins.h) or Admin
// (admin.h).
//
// The session ends the connection after a framing error, and after it has refused a head that
// announces a body. In both cases it can no longer tell where the next request begins (RFC 9112,
// section 11.2).
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

// The parts of a request that are kept until its body is complete.
struct HttpRequest {
    size_t page = 0;  // Identifies the path; each service numbers its own paths.
    BodyHint hint = BodyHint::unknown;
    std::string charset;  // Declared by the Content-Type; may be empty.
    ContentEncoding encoding = ContentEncoding::identity;
    // The path without the device. The service owns the text. If the request was not admitted, the
    // text is a part of the head, which is valid until refused() returns.
    std::string_view path = {};
    std::string device;  // The device that the path names; may be empty.
    std::string query;   // The query of the target, without `?`.
    std::string header;  // The report's values from header fields, one line `name=value` each.
    std::string idempotency_key;
    std::string_view peer;       // Address of the client.
    std::string_view certified;  // The name in the client's TLS certificate; may be empty.
    Identity who;                // The site and tenant of the credential.
    Receipt receipt;             // Outcome so far; handle() continues from it after ring_full.
    After after = After::keep_alive;
    bool body_in_reply = true;             // False for HEAD.
    Dialect dialect = Dialect::canonical;  // The dialect of the path's agents.
    bool runs_response = false;  // The client executes the response unless the response is JSON.
};

enum class Admission : uint8_t {
    by_service,  // HttpService::handle() answers when the body has arrived.
    healthy,     // The session answers 200 at once, to a load balancer that checks the daemon.
    options,     // The session answers at once; Allow lists the methods of the path.
};

class HttpService {
public:
    virtual ~HttpService() = default;
    // Admits or refuses a request by its head, and sets the members of `request` that handle()
    // needs. Sets `allow` for Admission::options and for method_not_allowed.
    [[nodiscard]] virtual Result<Admission> admit(const HttpHead& head, HttpRequest& request,
                                                  std::string_view& allow) = 0;
    // Handles the request and sends the response. After ring_full, the session calls handle() again
    // later. After any other error, the session sends the error as the response, in JSON-RPC if the
    // receipt says that the request was JSON-RPC.
    [[nodiscard]] virtual Result<void> handle(HttpRequest& request, std::string_view body,
                                              Connection& connection) = 0;
    // Called after the session has refused a request. If the head was malformed, `request` is
    // empty. If admit() failed, `request` has only the members that admit() had set.
    virtual void refused(Code code, const HttpRequest& request, const Connection& connection) = 0;
};

class HttpSession final : public Session {
public:
    struct Limits {
        size_t header_bytes_max;
        size_t header_fields_max;
        size_t body_bytes_max;
        size_t batch_bytes_max;  // Limit for a body with several reports; at least body_bytes_max.
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
    [[nodiscard]] bool on_shutdown() override;
    [[nodiscard]] size_t held_bytes() const override {
        return body_.size() + texts_charge_.bytes();
    }

private:
    enum class Phase : uint8_t {
        idle,        // Between requests.
        header,      // The head is incomplete.
        body_start,  // Only white space of the body has arrived.
        body,        // The body is incomplete, and its first byte has decided its size limit.
        answered,    // The head was refused or answered at once, and no body follows.
        complete,    // The request is complete; it waits while the ring is full.
    };

    void on_head();
    void name_client(const HttpHead& head);
    [[nodiscard]] Result<Admission> admit(const HttpHead& head, std::string_view& allow);
    void answer(Admission admission, std::string_view allow);
    void on_body();
    void on_end();
    void forget_request();
    void refuse(const Error& error, std::string_view allow = {});
    void begin_request();
    void watch();
    [[nodiscard]] bool too_large(std::string_view piece);
    [[nodiscard]] bool in_body() const {
        return phase_ == Phase::body_start || phase_ == Phase::body || phase_ == Phase::answered;
    }
    // Returns true if the body is too large for a single report, and it is not known yet whether
    // the body is a list of reports.
    [[nodiscard]] bool size_in_doubt() const {
        return phase_ == Phase::body_start && announced_ > body_bytes_max_;
    }

    Connection& connection_;
    HttpService& service_;
    Replies& replies_;
    const Limits& limits_;
    HttpParser parser_;
    HttpRequest request_;
    std::string proxy_;               // Address of the trusted proxy that connected, or empty.
    std::string_view body_in_place_;  // The body, if it came in one piece.
    Buffer body_;                     // The body, if it came in several pieces.
    MemoryCharge texts_charge_;       // Memory of the texts in request_, if they are large.
    uint64_t announced_ = 0;          // Content-Length, or 0.
    size_t body_bytes_max_ = 0;       // The limit of this body; higher for a list of reports.
    Phase phase_ = Phase::idle;
    bool stopping_ = false;  // The daemon stops, so the current request is the last one.
    Millis request_began_{};
    Millis body_began_{};
    Millis first_byte_max_{};  // Time for the first byte of a body whose size is in doubt.
};

}  // namespace rollcall
