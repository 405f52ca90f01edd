#include "daemon/http/replies.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace rollcall {

namespace {

std::string_view reason(int status) {
    switch (status) {
        case 200: return "OK";
        case 204: return "No Content";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return "";
    }
}

std::string_view connection_line(After after) {
    switch (after) {
        case After::keep_alive: return "";
        case After::keep_alive_said: return "Connection: keep-alive\r\n";
        case After::close: return "Connection: close\r\n";
    }
    return "";
}

constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain";

// The header fields that a 401 must have (RFC 9110, section 11.6.1).
constexpr std::string_view challenges =
    "WWW-Authenticate: Bearer realm=\"rollcall\"\r\n"
    "WWW-Authenticate: Basic realm=\"rollcall\", charset=\"UTF-8\"\r\n";

template <class... Arguments>
void append(std::string& to, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Arguments>(arguments)...);
}

// Appends the warnings "a,b:c" as "a","b:c". Warnings are lower-case words, so no character needs
// escaping.
void append_warnings(std::string& to, std::string_view words) {
    to += '"';
    for (const char letter : words) {
        if (letter == ',') {
            to += "\",\"";
        } else {
            to += letter;
        }
    }
    to += '"';
}

}  // namespace

void Replies::tick() {
    const int64_t second = clock_.wall_us() / 1'000'000;
    if (second == second_) return;
    second_ = second;
    // An HTTP-date (RFC 9110, section 5.6.7).
    const time_t now = second;
    tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    const size_t length = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    date_.assign(text, length);
}

std::string_view Replies::usual(const Accepted& what) {
    Usual& known = usual_[static_cast<size_t>(what.next_s) % usual_.size()];
    if (known.second != second_ || known.next_s != what.next_s) {
        body_.clear();
        append_outcome(what);
        render(200, json_type, {}, body_, After::keep_alive);
        known.next_s = what.next_s;
        known.second = second_;
        known.reply = reply_;
    }
    return known.reply;
}

void Replies::render(int status, std::string_view content_type, std::string_view extra_header,
                     std::string_view body, After after, bool body_too) {
    reply_.clear();
    if (status == 204) {  // RFC 9110, section 8.6: a 204 has neither a body nor a Content-Length.
        append(reply_, "HTTP/1.1 {} {}\r\nDate: {}\r\n{}\r\n", status, reason(status), date_,
               connection_line(after));
        return;
    }
    append(reply_,
           "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}\r\n",
           status, reason(status), date_, content_type, body.size(), extra_header,
           connection_line(after));
    if (body_too) reply_ += body;
}

// Appends an object such as {"status":"ok","accepted":1,"server_time":1790000000,"next":30}.
void Replies::append_outcome(const Accepted& what) {
    append(body_, R"({{"status":"ok","accepted":{})", what.accepted);
    if (!what.warnings.empty()) {
        body_ += R"(,"warnings":[)";
        append_warnings(body_, what.warnings);
        body_ += ']';
    }
    if (!what.refused.empty()) {
        body_ += R"(,"rejected":[)";
        for (const auto& [item, code] : what.refused)
            append(body_, R"({}{{"index":{},"code":"{}","message":"{}"}})",
                   body_.back() == '[' ? "" : ",", item, to_text(code), info(code).help);
        body_ += ']';
    }
    append(body_, R"(,"server_time":{},"next":{}}})", second_, what.next_s);
}

std::string_view Replies::accepted(const Accepted& what, After after) {
    tick();
    const bool is_usual = what.dialect == Dialect::canonical && what.accepted == 1 &&
                          what.warnings.empty() && what.refused.empty();
    if (is_usual && after == After::keep_alive) return usual(what);
    body_.clear();
    switch (what.dialect) {
        case Dialect::canonical: append_outcome(what); break;
        case Dialect::text:
        case Dialect::influx: break;
        case Dialect::json_rpc:
            append(body_, R"({{"jsonrpc":"2.0","id":{},"result":)", json_rpc_id(what.rpc_id));
            append_outcome(what);
            body_ += '}';
            break;
        case Dialect::ispapp_update:
            append_ispapp_update(body_, what.next_s, what.collectors_age_s);
            break;
        case Dialect::ispapp_config: append_ispapp_config(body_, what.next_s); break;
    }
    const int status = what.dialect == Dialect::influx ? 204 : 200;
    render(status, what.dialect == Dialect::text ? text_type : json_type, {}, body_, after);
    return reply_;
}

int64_t Replies::wait_s_of(const Error& error) {
    const uint64_t client = uint64_t{random_()} << 32 | random_();
    if (info(error.code).http_status == 503 && overload_ != nullptr)
        return overload_->retry_after_s(client);
    return spread_s(error.wait_s, client);
}

void Replies::append_error(const Error& error) {
    append(body_, R"({{"status":"error","code":"{}","message":"{}")", to_text(error.code),
           info(error.code).help);
    if (error.offset >= 0) append(body_, R"(,"offset":{})", error.offset);
    if (error.truncated) body_ += R"(,"detail":"truncated_body")";
    body_ += '}';
}

std::string_view Replies::refused(const Error& error, After after, std::string_view allow,
                                  const Shape& shape, bool body_too) {
    tick();
    const CodeInfo& code = info(error.code);
    body_.clear();
    if (shape.json_rpc) {
        append_json_rpc_error(body_, error, shape.rpc_id);
    } else {
        append_error(error);
    }
    std::string extra_header = allow.empty() ? "" : fmt::format("Allow: {}\r\n", allow);
    if (code.http_status == 401) extra_header = challenges;
    if (error.code == Code::unsupported_encoding)  // RFC 9110, section 15.5.16.
        extra_header = "Accept-Encoding: gzip, deflate, zstd\r\n";
    if (const int64_t wait_s = wait_s_of(error); wait_s > 0)
        append(extra_header, "Retry-After: {}\r\n", wait_s);
    render(code.http_status, json_type, extra_header, body_, after, body_too);
    return reply_;
}

std::string_view Replies::options(std::string_view allow, After after) {
    tick();
    render(200, text_type, fmt::format("Allow: {}\r\n", allow), {}, after);
    return reply_;
}

std::string_view Replies::page(int status, std::string_view content_type, std::string_view body,
                               After after, bool body_too) {
    tick();
    render(status, content_type, {}, body, after, body_too);
    return reply_;
}

}  // namespace rollcall
