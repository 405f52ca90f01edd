// Replies: what a router wants to hear.
//
// Always a status, an explicit Content-Length and a small ASCII body: RouterOS 7.13 fails on a
// chunked reply, and up to 7.16 on one without a length.
//
// Agents that were made for another server are answered in its dialect: a RouterOS script that
// runs what it gets wants an empty text, JSON-RPC wants its id back.
//
// The plain 200 is by far the most frequent answer and the same for a whole second: it is rendered
// once and copied.
//
// Threads: one for each loop. A returned view is valid until the next call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/units.h"
#include "pipeline/clock.h"
#include "pipeline/error.h"
#include "pipeline/intake.h"

namespace rollcall {

// What the connection does after a reply, and whether that has to be said.
enum class After : uint8_t { keep_alive, keep_alive_said, close };

enum class Dialect : uint8_t { canonical, text, json_rpc };

// What became of a body that was taken.
struct Accepted {
    size_t accepted = 1;
    std::string_view warnings = {};  // As in the column.
    std::span<const Receipt::Refusal> refused = {};
    Dialect dialect = Dialect::canonical;
    std::string_view rpc_id = {};  // As it came; empty if it did not.
};

class Replies {
public:
    Replies(const Clock& clock, Millis next);

    [[nodiscard]] std::string_view accepted(const Accepted& what, After after);
    // allow: the methods, for method_not_allowed.
    [[nodiscard]] std::string_view refused(const Error& error, After after,
                                           std::string_view allow = {});
    // An operator's page. body_too: false for HEAD.
    [[nodiscard]] std::string_view page(int status, std::string_view content_type,
                                        std::string_view body, After after, bool body_too);

    [[nodiscard]] static constexpr std::string_view go_on() {
        return "HTTP/1.1 100 Continue\r\n\r\n";
    }

private:
    void tick();
    void render_outcome(const Accepted& what);
    void render(int status, std::string_view content_type, std::string_view extra_header,
                std::string_view body, After after, bool body_too = true);

    const Clock& clock_;
    int64_t next_seconds_;
    int64_t second_ = -1;  // Of date_ and accepted_.
    std::string date_;
    std::string accepted_;
    std::string body_;
    std::string reply_;
};

}  // namespace rollcall
