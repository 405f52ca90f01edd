#include "daemon/http/session.h"

#include <algorithm>
#include <iterator>

#include "daemon/http/forwarded.h"

namespace rollcall {

namespace {

// Time for the first byte of a body that is too large unless it is a list. The time is short,
// because a client sends this byte together with the head, unless the client waits for 100
// Continue.
constexpr Millis first_byte_timeout{1000};
constexpr size_t texts_kept_max = 1024;  // Larger texts are freed after their request.

After after(const HttpHead& head) {
    if (!head.keep_alive) return After::close;
    return head.version == 10 ? After::keep_alive_said : After::keep_alive;
}

// The methods of RFC 9110, section 9.1, and of RFC 5789.
constexpr std::string_view methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};

size_t text_bytes_of(const HttpRequest& request) {
    return request.device.capacity() + request.query.capacity() + request.header.capacity() +
           request.idempotency_key.capacity();
}

void forget(std::string& text, bool free_memory) {
    text.clear();
    if (free_memory) text.shrink_to_fit();
}

Result<void> check(const HttpHead& head) {
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
      parser_({limits.header_bytes_max, limits.header_fields_max, limits.batch_bytes_max,
               limits.raw_spaces}),
      texts_charge_(connection.buffers().charge()) {
    if (connection.is_from_proxy()) proxy_ = connection.peer();
    connection_.set_deadline(limits.header_timeout_max);
}

HttpSession::Limits::Limits(const Settings& settings)
    : header_bytes_max(settings.http.header_size_max.count),
      header_fields_max(settings.http.header_fields_max),
      body_bytes_max(settings.http.body_size_max.count),
      batch_bytes_max(std::max(settings.http.body_size_max, settings.http.batch_size_max).count),
      header_timeout_max(settings.http.header_timeout_max),
      body_rate_min{header_timeout_max, settings.http.body_rate_min.count},
      request_timeout_max(settings.http.request_timeout_max),
      idle_timeout_max(settings.http.idle_timeout_max),
      raw_spaces(settings.http.raw_spaces_in_target) {}

void HttpSession::on_data(std::string_view& bytes) {
    while (connection_.ready()) {
        const auto step = parser_.step(bytes);
        if (!step) {
            begin_request();
            request_.after = After::close;
            if (!in_body()) request_.body_in_reply = !bytes.starts_with("HEAD ");
            return refuse(step.error());
        }
        switch (*step) {
            case HttpParser::Step::more:
                if (!bytes.empty()) begin_request();
                return watch();
            case HttpParser::Step::head: on_head(); break;
            case HttpParser::Step::body: on_body(); break;
            case HttpParser::Step::end: on_end(); break;
        }
    }
    if (connection_.is_open() && !connection_.paused()) watch();
}

void HttpSession::begin_request() {
    if (phase_ != Phase::idle) return;
    phase_ = Phase::header;
    request_began_ = connection_.now();
    // Use the proxy's address until the head is complete and names the client of this request.
    if (!proxy_.empty()) connection_.set_peer(proxy_);
}

// Replaces the proxy's address by the address of the client for which the proxy sent the request.
void HttpSession::name_client(const HttpHead& head) {
    const AddressText client = forwarded_client(head.fields, connection_.trusted_proxies());
    if (client[0] != '\0') connection_.set_peer(client.data());
}

// Sets the deadline of the current phase. An idle connection has a timeout of its own. A request
// has a timeout, its header has a shorter timeout, and its body must arrive at a minimum rate.
void HttpSession::watch() {
    if (phase_ == Phase::idle) return connection_.set_deadline(limits_.idle_timeout_max);
    if (size_in_doubt())
        return connection_.set_deadline(body_began_ + first_byte_max_ - connection_.now());
    Millis due = request_began_ + limits_.request_timeout_max;
    if (phase_ == Phase::header) due = std::min(due, request_began_ + limits_.header_timeout_max);
    if (in_body())
        due = std::min(due, body_began_ + limits_.body_rate_min.time_allowed(body_.size()));
    connection_.set_deadline(due - connection_.now());
}

void HttpSession::on_head() {
    begin_request();
    phase_ = Phase::body;
    body_began_ = connection_.now();
    const HttpHead& head = parser_.head();
    if (!proxy_.empty()) name_client(head);
    request_.after = stopping_ ? After::close : after(head);
    request_.body_in_reply = head.method != "HEAD";
    if (connection_.should_reject_for_overload()) {
        request_.after = After::close;
        return refuse({Code::overloaded});
    }
    request_.peer = connection_.peer();
    request_.certified = connection_.certificate_name();
    request_.hint = body_hint(head.content_type);
    request_.charset = declared_charset(head.content_type);
    request_.encoding = content_encoding(head.content_encoding).value_or(ContentEncoding::identity);
    std::string_view allow;
    const auto admitted = admit(head, allow);
    if (!admitted || *admitted != Admission::by_service) {
        // If the request has a body, the body is not read after this response. So the connection
        // cannot be used any longer.
        if (head.has_length) request_.after = After::close;
        if (!head.has_length) phase_ = Phase::answered;
        return admitted ? answer(*admitted, allow) : refuse(admitted.error(), allow);
    }
    connection_.mark_authenticated();
    if (const size_t bytes = text_bytes_of(request_); bytes > texts_kept_max)
        texts_charge_.set(bytes);
    announced_ = head.length;
    body_bytes_max_ =
        request_.hint == BodyHint::json_lines ? limits_.batch_bytes_max : limits_.body_bytes_max;
    phase_ = Phase::body_start;
    const bool waits = head.has_body() && !head.expect.empty() && head.version == 11;
    first_byte_max_ = waits ? limits_.header_timeout_max : first_byte_timeout;
    if (waits) connection_.reply(Replies::go_on());
}

Result<Admission> HttpSession::admit(const HttpHead& head, std::string_view& allow) {
    if (std::ranges::find(methods, head.method) == std::end(methods))
        return fail(Code::unknown_method);
    const auto admitted = service_.admit(head, request_, allow);
    if (!admitted || *admitted != Admission::by_service) return admitted;
    if (const auto checked = check(head); !checked) return std::unexpected(checked.error());
    return admitted;
}

void HttpSession::answer(Admission admission, std::string_view allow) {
    connection_.reply(
        admission == Admission::options
            ? replies_.options(allow, request_.after)
            : replies_.page(200, "text/plain", "ok\n", request_.after, request_.body_in_reply));
    if (request_.after == After::close) connection_.close_after_replies(Linger::always);
}

// Returns whether the body, including `piece`, is too large. A list of reports may be larger than a
// single report. The first byte that is not white space tells whether the body is a list.
bool HttpSession::too_large(std::string_view piece) {
    const size_t size = body_.size() + piece.size();
    if (phase_ == Phase::body_start) {
        const bool plain = request_.encoding == ContentEncoding::identity;
        const std::optional<bool> is_list = plain ? opens_list(piece) : false;
        if (!is_list) return size > body_bytes_max_;
        if (*is_list) body_bytes_max_ = limits_.batch_bytes_max;
        phase_ = Phase::body;
    }
    return std::max<uint64_t>(announced_, size) > body_bytes_max_;
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
    connection_.buffers().acquire(body_);
    body_.append(parser_.piece());
}

void HttpSession::on_end() {
    if (phase_ == Phase::answered) return forget_request();
    phase_ = Phase::complete;
    if (!body_.empty()) {
        body_.reserve_padding(body_padding);
        body_in_place_ = body_.view();
    }
    const auto handled = service_.handle(request_, body_in_place_, connection_);
    if (!handled && handled.error().code == Code::ring_full) {
        if (body_.empty() && !body_in_place_.empty()) {
            connection_.buffers().acquire(body_);
            body_.append(body_in_place_);
        }
        watch();  // The request can time out while it waits.
        return connection_.pause();
    }
    if (!handled) {
        refuse(handled.error());
    } else if (request_.after == After::close) {
        connection_.close_after_replies(Linger::if_unread);
    }
    forget_request();
}

// Clears the request, so that the refusal of a later head is not attributed to the sender of this
// request.
void HttpSession::forget_request() {
    phase_ = Phase::idle;
    body_in_place_ = {};
    connection_.buffers().release(body_);
    request_.body_in_reply = true;
    for (std::string* const text :
         {&request_.device, &request_.query, &request_.header, &request_.idempotency_key})
        forget(*text, texts_charge_.bytes() > 0);
    texts_charge_.set(0);
    request_.path = {};
    request_.receipt = {};
    request_.who = {};
}

void HttpSession::on_resume() { on_end(); }

bool HttpSession::on_shutdown() {
    stopping_ = true;
    request_.after = After::close;
    return phase_ == Phase::idle;
}

void HttpSession::refuse(const Error& error, std::string_view allow) {
    connection_.reply(replies_.refused(error, request_.after, allow, request_.receipt.shape,
                                       request_.body_in_reply));
    service_.refused(error.code, request_, connection_);
    request_.path = {};
    if (request_.after == After::close) connection_.close_after_replies(Linger::always);
}

void HttpSession::on_deadline() {
    if (phase_ == Phase::idle) return connection_.close();
    request_.after = After::close;
    const bool has_time = connection_.now() < request_began_ + limits_.request_timeout_max;
    if (size_in_doubt()) return refuse({Code::body_too_large});
    if (connection_.paused()) return refuse({Code::ring_full});
    refuse({in_body() && has_time ? Code::too_slow : Code::timeout});
}

}  // namespace rollcall
