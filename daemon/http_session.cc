#include "daemon/http_session.h"

#include <algorithm>

namespace rollcall {

namespace {

// Whoever means to send a list sends its beginning with the head.
constexpr Millis first_byte_timeout{1000};

After after(const HttpHead& head) {
    if (!head.keep_alive) return After::close;
    return head.version == 10 ? After::keep_alive_said : After::keep_alive;
}

// RFC 9110, section 8.6: methods for which a body means something.
bool wants_body(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

Result<void> check(const HttpHead& head) {
    if (!head.has_length && wants_body(head.method)) return fail(Code::length_required);
    if (!content_encoding(head.content_encoding)) return fail(Code::unsupported_encoding);
    if (!head.expect.empty() && !same_word(head.expect, "100-continue"))
        return fail(Code::expectation_failed);
    return {};
}

}  // namespace

HttpSession::HttpSession(Connection& connection, HttpService& service, Replies& replies,
                         const Limits& limits)
    : connection_(connection),
      service_(service),
      replies_(replies),
      limits_(limits),
      parser_(limits.header_bytes_max, limits.batch_bytes_max, limits.raw_spaces) {
    connection_.set_deadline(limits.request_timeout_max);
}

void HttpSession::receive(std::string_view& bytes) {
    while (connection_.open() && !connection_.paused()) {
        const auto step = parser_.step(bytes);
        if (!step) {
            request_.after = After::close;
            return refuse(step.error());
        }
        switch (*step) {
            case HttpParser::Step::more: return watch(parser_.idle() && bytes.empty());
            case HttpParser::Step::head: on_head(); break;
            case HttpParser::Step::body: on_body(); break;
            case HttpParser::Step::end: on_end(); break;
        }
    }
}

// A request has to arrive in time as a whole; between requests the connection may be idle.
void HttpSession::watch(bool between_requests) {
    if (between_requests) {
        connection_.set_deadline(limits_.idle_timeout_max);
    } else if (size_in_doubt_) {
        connection_.set_deadline(first_byte_timeout);
    } else if (!in_request_) {
        connection_.set_deadline(limits_.request_timeout_max);
    }
    in_request_ = !between_requests;
}

void HttpSession::on_head() {
    const HttpHead& head = parser_.head();
    request_.after = after(head);
    if (connection_.turned_away()) {
        request_.after = After::close;
        return refuse({Code::overloaded});
    }
    request_.body_in_reply = true;
    request_.peer = connection_.peer();
    request_.hint = body_hint(head.content_type);
    request_.encoding = content_encoding(head.content_encoding).value_or(ContentEncoding::identity);
    std::string_view allow;
    auto admitted = service_.admit(head, request_, allow);
    if (admitted) admitted = check(head);
    if (!admitted) {
        const bool body_follows = head.has_length || wants_body(head.method);
        if (body_follows) request_.after = After::close;
        done_ = !body_follows;
        return refuse(admitted.error(), allow);
    }
    announced_ = head.length;
    body_bytes_max_ =
        request_.hint == BodyHint::json_lines ? limits_.batch_bytes_max : limits_.body_bytes_max;
    size_in_doubt_ = announced_ > body_bytes_max_;
    if (!head.expect.empty() && head.version == 11) connection_.reply(Replies::go_on());
}

// A list of reports may be larger than one report, and its first byte tells. Asked for each piece.
bool HttpSession::too_large(std::string_view piece) {
    if (body_.empty()) {
        const bool plain = request_.encoding == ContentEncoding::identity;
        if (plain && opens_list(piece)) body_bytes_max_ = limits_.batch_bytes_max;
    }
    size_in_doubt_ = false;
    return std::max<uint64_t>(announced_, body_.size() + piece.size()) > body_bytes_max_;
}

void HttpSession::on_body() {
    if (too_large(parser_.piece())) {
        request_.after = After::close;
        return refuse({Code::body_too_large});
    }
    if (parser_.complete() && body_.empty()) {
        body_in_place_ = parser_.piece();
        return;
    }
    connection_.lend(body_);
    body_.append(parser_.piece());
}

void HttpSession::on_end() {
    if (done_) {
        done_ = false;
        return forget_request();
    }
    if (!body_.empty()) {
        body_.reserve(body_.size() + body_padding);
        body_in_place_ = body_;
    }
    const auto handled = service_.handle(request_, body_in_place_, connection_);
    if (!handled && handled.error().code == Code::ring_full) {
        if (body_.empty() && !body_in_place_.empty()) {
            connection_.lend(body_);
            body_.assign(body_in_place_);
        }
        watch(false);  // Its time runs on, or begins if all of it came at once.
        return connection_.pause();
    }
    if (!handled) {
        refuse(handled.error());
    } else if (request_.after == After::close) {
        connection_.finish(false);
    }
    in_request_ = false;
    forget_request();
}

// Whoever sends a head that is refused is not the sender of the request before.
void HttpSession::forget_request() {
    body_in_place_ = {};
    connection_.give_back(body_);
    request_.device.clear();
    request_.query.clear();
    request_.header.clear();
    request_.receipt = {};
    request_.who = {};
}

void HttpSession::resume() { on_end(); }

void HttpSession::refuse(const Error& error, std::string_view allow) {
    connection_.reply(replies_.refused(error, request_.after, allow, request_.receipt.shape));
    service_.refused(error.code, request_, connection_);
    if (request_.after == After::close) connection_.finish(true);
}

void HttpSession::expire() {
    if (!in_request_) return connection_.close();
    request_.after = After::close;
    if (size_in_doubt_) return refuse({Code::body_too_large});
    refuse({connection_.paused() ? Code::ring_full : Code::timeout});
}

}  // namespace rollcall
