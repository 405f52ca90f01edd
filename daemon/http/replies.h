// Replies: HTTP responses to routers and operators.
//
// Every response has a status, an explicit Content-Length and a small ASCII body. RouterOS 7.13
// fails on a chunked response, and versions up to 7.16 fail on a response without a length. Agents
// that were made for another server get the body that they expect (dialects.h).
//
// By far the most frequent response acknowledges one check-in without warnings. During one second,
// this response is the same for all sites with the same interval. So it is rendered once and then
// copied.
//
// Threads: one object for each loop. A returned view is valid until the next call.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "config/units.h"
#include "daemon/http/dialects.h"
#include "daemon/overload/state.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

// Whether the connection stays open after a response. keep_alive_said keeps it open, and the
// response has the field `Connection: keep-alive`, which a client of HTTP/1.0 needs.
enum class After : uint8_t { keep_alive, keep_alive_said, close };

// The outcome of an accepted body.
struct Accepted {
    int64_t next_s;  // Seconds until the next report; for ISPApp, the reporting interval of the
                     // site.
    size_t accepted = 1;
    std::string_view warnings = {};  // Separated by commas, as in column `warnings`.
    std::span<const Receipt::Refusal> refused = {};
    Dialect dialect = Dialect::canonical;
    std::string_view rpc_id = {};  // The id of a JSON-RPC request, as it was spelled; may be empty.
    int64_t collectors_age_s = 0;  // ISPApp: time since the site last reported its collectors'
                                   // values.
};

class Replies {
public:
    // overload: computes Retry-After; nullptr for the pages of operators.
    explicit Replies(const Clock& clock, const OverloadState* overload = nullptr)
        : clock_(clock), overload_(overload) {}

    [[nodiscard]] std::string_view accepted(const Accepted& what, After after);
    // Returns the response for an error.
    // body_too: false for HEAD (RFC 9110, section 9.3.2).
    // allow: the methods that the path supports, for method_not_allowed; otherwise empty.
    // shape: tells whether the request was JSON-RPC.
    //
    // The field Retry-After of a 503 has the time that the overload controller computes. For other
    // errors the field has error.wait_s; if error.wait_s is 0, the field is left out. Both times
    // vary at random, so that the clients do not return together.
    [[nodiscard]] std::string_view refused(const Error& error, After after,
                                           std::string_view allow = {}, const Shape& shape = {},
                                           bool body_too = true);
    // Returns the response to OPTIONS. allow: the methods that the path supports.
    [[nodiscard]] std::string_view options(std::string_view allow, After after);
    [[nodiscard]] std::string_view page(int status, std::string_view content_type,
                                        std::string_view body, After after, bool body_too);

    [[nodiscard]] static constexpr std::string_view go_on() {
        return "HTTP/1.1 100 Continue\r\n\r\n";
    }

private:
    // The most frequent response (see above), rendered for one value of `next` and one second.
    struct Usual {
        int64_t next_s = 0;
        int64_t second = -1;
        std::string reply;
    };

    void tick();
    [[nodiscard]] int64_t wait_s_of(const Error& error);
    [[nodiscard]] std::string_view usual(const Accepted& what);
    void append_outcome(const Accepted& what);
    void append_error(const Error& error);
    void render(int status, std::string_view content_type, std::string_view extra_header,
                std::string_view body, After after, bool body_too = true);

    const Clock& clock_;
    const OverloadState* overload_;
    std::minstd_rand random_;  // Spreads Retry-After.
    int64_t second_ = -1;      // The second for which date_ was rendered.
    std::string date_;
    std::array<Usual, 64> usual_;  // A cache, indexed by next_s modulo the size.
    std::string body_;
    std::string reply_;
};

}  // namespace rollcall
