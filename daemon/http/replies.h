// Replies: what a router wants to hear.
//
// Always a status, an explicit Content-Length and a small ASCII body: RouterOS 7.13 fails on a
// chunked reply, and up to 7.16 on one without a length.
//
// Agents that were made for another server are answered in its dialect: a RouterOS script that
// runs what it gets wants an empty text, JSON-RPC wants its id back, ISPApp its intervals.
//
// The plain 200 is by far the most frequent answer, and the same for a whole second and all sites
// that are asked to come again after as long: it is rendered once and copied.
//
// Threads: one for each loop. A returned view is valid until the next call.
// Sources: JSON-RPC 2.0, section 5; for ISPApp its public client, github
// ispapp/ispapp-routeros-agent
//          (ispappUpdate.rsc, ispappConfig.rsc).
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "config/units.h"
#include "daemon/overload/state.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

// What the connection does after a reply, and whether that has to be said.
enum class After : uint8_t { keep_alive, keep_alive_said, close };

enum class Dialect : uint8_t { canonical, text, json_rpc, ispapp_update, ispapp_config };

// What became of a body that was taken.
struct Accepted {
    int64_t next_s;  // When the next one is asked for; for ISPApp, the interval of its site.
    size_t accepted = 1;
    std::string_view warnings = {};  // As in the column.
    std::span<const Receipt::Refusal> refused = {};
    Dialect dialect = Dialect::canonical;
    std::string_view rpc_id = {};  // As it came; empty if it did not.
    int64_t collectors_age_s = 0;  // For ISPApp, since the site last reported what it collected.
};

class Replies {
public:
    // overload: nullptr for operators' pages.
    explicit Replies(const Clock& clock, const OverloadState* overload = nullptr)
        : clock_(clock), overload_(overload) {}

    [[nodiscard]] std::string_view accepted(const Accepted& what, After after);
    // body_too: false for HEAD (RFC 9110, section 9.3.2).
    // allow: the methods, for method_not_allowed. shape: whether the report spoke JSON-RPC. What
    // this daemon cannot do now (503) may be tried again when the overload says so, and what has to
    // wait otherwise (error.wait_s) after that, both spread over those who are told.
    [[nodiscard]] std::string_view refused(const Error& error, After after,
                                           std::string_view allow = {}, const Shape& shape = {},
                                           bool body_too = true);
    // An operator's page.
    [[nodiscard]] std::string_view page(int status, std::string_view content_type,
                                        std::string_view body, After after, bool body_too);

    [[nodiscard]] static constexpr std::string_view go_on() {
        return "HTTP/1.1 100 Continue\r\n\r\n";
    }

private:
    // The plain answer with one `next`, as of one second.
    struct Plain {
        int64_t next_s = 0;
        int64_t second = -1;
        std::string reply;
    };

    void tick();
    [[nodiscard]] int64_t wait_s_of(const Error& error);
    [[nodiscard]] std::string_view plain(const Accepted& what);
    void render_outcome(const Accepted& what);
    void render_ispapp_update(const Accepted& what);
    void render_ispapp_config(const Accepted& what);
    void render_rpc_error(const Error& error, std::string_view id);
    void render(int status, std::string_view content_type, std::string_view extra_header,
                std::string_view body, After after, bool body_too = true);

    const Clock& clock_;
    const OverloadState* overload_;
    std::minstd_rand random_;  // Spreads those who are sent away.
    int64_t second_ = -1;      // Of date_.
    std::string date_;
    std::array<Plain, 64> plain_;  // By next_s, of which there are a few at a time.
    std::string body_;
    std::string reply_;
};

}  // namespace rollcall
