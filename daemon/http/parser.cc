#include "daemon/http/parser.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

constexpr size_t method_bytes_max = 16;
constexpr size_t chunk_line_bytes_max = 256;
constexpr size_t chunk_digits_max = 16;   // More digits could overflow.
constexpr size_t length_digits_max = 19;  // More digits could overflow.

// in_token: the characters of a token, tchar (RFC 9110, section 5.6.2). in_host: the characters of
// a reg-name except `%` (RFC 3986, section 3.2.2).
enum Letter : uint8_t { in_token = 1, in_host = 2 };

constexpr std::array<uint8_t, 256> letters = [] {
    std::array<uint8_t, 256> table{};
    const auto mark = [&](std::string_view all, uint8_t kinds) {
        for (const char c : all) table[static_cast<uint8_t>(c)] |= kinds;
    };
    mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", in_token | in_host);
    mark("!#$%&'*+-.^_`|~", in_token);
    mark("-._~!$&'()*+,;=", in_host);
    return table;
}();

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (letters[static_cast<uint8_t>(c)] & in_token) != 0;
    });
}

bool is_control(char c) { return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Returns whether one of the eight bytes is a control character or a tab. Because tabs are allowed,
// the caller then checks the bytes one by one. A control character sets the highest bit of its byte
// in `below` or `equal` (Warren, Hacker's Delight, section 6-1).
bool may_hold_control(const char* eight) {
    constexpr uint64_t ones = 0x0101010101010101;
    constexpr uint64_t highest = ones * 0x80;
    uint64_t word = 0;
    std::memcpy(&word, eight, sizeof word);
    const uint64_t below = (word - ones * 0x20) & ~word;
    const uint64_t difference = word ^ (ones * 0x7f);
    const uint64_t equal = (difference - ones) & ~difference;
    return ((below | equal) & highest) != 0;
}

// Returns the offset of the first control character, except tab, from `at` on. Returns the size of
// `bytes` if there is none.
size_t find_control(std::string_view bytes, size_t at) {
    while (at < bytes.size()) {
        const size_t stop = std::min(at + sizeof(uint64_t), bytes.size());
        if (stop - at == sizeof(uint64_t) && !may_hold_control(bytes.data() + at)) {
            at = stop;
            continue;
        }
        for (; at < stop; ++at)
            if (is_control(bytes[at])) return at;
    }
    return at;
}

// Removes a token from the front and returns it. Returns an empty text if there is none.
std::string_view take_token(std::string_view& text) {
    const auto end = std::ranges::find_if_not(
        text, [](char c) { return (letters[static_cast<uint8_t>(c)] & in_token) != 0; });
    const std::string_view token(text.begin(), end);
    text.remove_prefix(token.size());
    return token;
}

// Removes a quoted string (RFC 9110, section 5.6.4) from the front. Returns false if there is none.
// The caller has already refused control characters.
bool take_quoted(std::string_view& text) {
    if (!text.starts_with('"')) return false;
    for (size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            text.remove_prefix(at + 1);
            return true;
        }
    }
    return false;
}

// RFC 9112, section 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool are_chunk_extensions(std::string_view text) {
    while (!text.empty()) {
        text = without_blanks_before(text);
        if (!text.starts_with(';')) return false;
        text = without_blanks_before(text.substr(1));
        if (take_token(text).empty()) return false;
        const std::string_view value = without_blanks_before(text);
        if (!value.starts_with('=')) continue;
        text = without_blanks_before(value.substr(1));
        if (!take_quoted(text) && take_token(text).empty()) return false;
    }
    return true;
}

// Returns whether the text is a reg-name (RFC 3986, section 3.2.2). An IPv4 address is also a
// reg-name.
bool is_name(std::string_view text) {
    for (size_t at = 0; at < text.size(); ++at) {
        if (letters[static_cast<uint8_t>(text[at])] & in_host) continue;
        const bool encoded = text[at] == '%' && at + 2 < text.size() &&
                             hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0;
        if (!encoded) return false;
        at += 2;
    }
    return true;
}

// Returns whether the text is an IP-literal (RFC 3986, section 3.2.2). The form IPvFuture is
// refused, because no such address exists yet.
bool is_ip_literal(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> address{};  // inet_pton needs a terminated string.
    if (text.size() < 2 || text.size() - 2 >= address.size()) return false;
    std::ranges::copy(text.substr(1, text.size() - 2), address.begin());
    in6_addr parsed{};
    return text.ends_with(']') && inet_pton(AF_INET6, address.data(), &parsed) == 1;
}

// RFC 9110, section 7.2: uri-host [ ":" port ]. The port may be empty.
bool is_host(std::string_view text) {
    const bool is_literal = text.starts_with('[');
    const size_t host_end = is_literal ? text.find(']') + 1 : std::min(text.find(':'), text.size());
    const std::string_view host = text.substr(0, host_end);
    if (is_literal ? !is_ip_literal(host) : !is_name(host)) return false;
    std::string_view port = text.substr(host_end);
    if (port.empty()) return true;
    if (port.front() != ':') return false;
    return std::ranges::all_of(port.substr(1), is_digit);
}

// Fields whose value is copied to HttpHead unchanged.
struct Named {
    std::string_view name;
    std::string_view HttpHead::* value;
};
constexpr Named named_fields[] = {
    {"Content-Type", &HttpHead::content_type},
    {"Content-Encoding", &HttpHead::content_encoding},
    {"Expect", &HttpHead::expect},
    {"Idempotency-Key", &HttpHead::idempotency_key},
    {"Authorization", &HttpHead::authorization},
};

// Returns whether a field must not be in a trailer, because it frames or routes the message (RFC
// 9110, section 6.5.1).
bool is_for_header_only(std::string_view name) {
    return same_word(name, "Content-Length") || same_word(name, "Transfer-Encoding") ||
           same_word(name, "Host");
}

// Returns whether a target has absolute-form (RFC 9112, section 3.2.2).
bool is_absolute(std::string_view target) {
    return same_word(target.substr(0, 7), "http://") || same_word(target.substr(0, 8), "https://");
}

// Returns the path and query of a target in absolute-form, or nothing if its authority is not
// `host`.
std::optional<std::string_view> origin_form(std::string_view target, std::string_view host) {
    const size_t authority = target.find("://") + 3;
    const size_t path = std::min(target.find_first_of("/?", authority), target.size());
    if (host.empty() || !same_word(target.substr(authority, path - authority), host))
        return std::nullopt;
    if (path == target.size()) return "/";
    if (target[path] != '/') return std::nullopt;
    return target.substr(path);
}

// The transfer codings of a request (RFC 9112, sections 6.1 and 7).
enum class Codings : uint8_t { chunked, unknown, malformed };

// Returns `chunked` only if the list has no other coding, because no other coding is supported.
// Returns `malformed` if a coding follows chunked.
Codings codings_in(std::string_view list) {
    if (same_word(list, "chunked")) return Codings::chunked;
    bool saw_chunked = false;
    for (bool more = true; more;) {
        const size_t comma = std::min(list.find(','), list.size());
        const std::string_view coding = without_blanks(list.substr(0, comma));
        if (saw_chunked || !is_token(coding)) return Codings::malformed;
        saw_chunked = same_word(coding, "chunked");
        more = comma < list.size();
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return Codings::unknown;
}

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        if (same_word(without_blanks(list.substr(0, comma)), word)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

}  // namespace

Result<HttpParser::Step> HttpParser::step(std::string_view& bytes) {
    switch (place_) {
        case Place::header: return step_header(bytes);
        case Place::body: return step_body(bytes);
        case Place::chunk_size: return step_chunk_size(bytes);
        case Place::chunk: return step_chunk(bytes);
        case Place::chunk_end: return step_chunk_end(bytes);
        case Place::trailer: break;
    }
    return step_trailer(bytes);
}

// Removes `count` bytes from the front of the input. The next line begins after them.
void HttpParser::take(std::string_view& bytes, size_t count) {
    bytes.remove_prefix(count);
    line_ = scanned_ = 0;
}

// Returns whether the current line ends in `bytes`. If so, scanned_ is the offset of its CR.
Result<bool> HttpParser::line_ends(std::string_view bytes, Code code) {
    scanned_ = find_control(bytes, scanned_);
    if (scanned_ == bytes.size()) return false;
    if (bytes[scanned_] != '\r') return fail(code);
    if (scanned_ + 1 == bytes.size()) return false;
    if (bytes[scanned_ + 1] != '\n') return fail(code);
    return true;
}

// --- the header ---

// Each line is checked when it is complete. The fields are read when the header is complete,
// because until then the caller can move the bytes.
Result<HttpParser::Step> HttpParser::step_header(std::string_view& bytes) {
    for (;;) {
        const bool in_request_line = line_ == 0;
        const auto ends = line_ends(bytes.substr(0, limits_.header_bytes_max),
                                    in_request_line ? Code::bad_request_line : Code::bad_header);
        if (!ends) return std::unexpected(ends.error());
        if (!*ends) {
            if (bytes.size() < limits_.header_bytes_max) return Step::more;
            return fail(in_request_line ? Code::target_too_long : Code::headers_too_large);
        }
        const std::string_view line = bytes.substr(line_, scanned_ - line_);
        if (line.empty() && in_request_line) {
            // RFC 9112, section 2.2: an empty line before the request line is ignored.
            if (saw_empty_line_) return fail(Code::bad_request_line);
            saw_empty_line_ = true;
            take(bytes, 2);
            continue;
        }
        if (line.empty()) break;
        const auto checked =
            in_request_line ? check_request_line(line) : check_field(line, Code::bad_header);
        if (!checked) return std::unexpected(checked.error());
        line_ = scanned_ += 2;
    }
    const auto read = read_header(bytes.substr(0, line_));
    if (!read) return std::unexpected(read.error());
    take(bytes, line_ + 2);
    saw_empty_line_ = false;
    overhead_ = 0;
    body_ = 0;
    left_ = head_.length;
    place_ = head_.chunked ? Place::chunk_size : Place::body;
    return Step::head;
}

// RFC 9112, section 3: method SP request-target SP HTTP-version.
Result<void> HttpParser::check_request_line(std::string_view line) {
    constexpr std::string_view shape = " HTTP/1.1";
    const size_t method_end = line.find(' ');
    if (method_end == line.npos || line.size() < method_end + 1 + shape.size())
        return fail(Code::bad_request_line);
    const std::string_view method = line.substr(0, method_end);
    const std::string_view version = line.substr(line.size() - shape.size());
    const std::string_view target =
        line.substr(method_end + 1, line.size() - method_end - 1 - shape.size());
    if (method.size() > method_bytes_max || !is_token(method)) return fail(Code::bad_request_line);
    if (!version.starts_with(shape.substr(0, 6)) || !is_digit(version[6]) || version[7] != '.' ||
        !is_digit(version[8]))
        return fail(Code::bad_request_line);
    if (target.empty() || target.front() == ' ' || target.find('\t') != target.npos ||
        target.find('#') != target.npos)
        return fail(Code::bad_request_line);
    if (!limits_.raw_spaces && target.find(' ') != target.npos) return fail(Code::bad_request_line);
    if (version[6] != '1') return fail(Code::version_not_supported);
    const bool is_asterisk = target == "*" && method == "OPTIONS";
    if (target.front() != '/' && !is_asterisk && !is_absolute(target))
        return fail(Code::bad_target);
    method_bytes_ = method.size();
    target_bytes_ = target.size();
    fields_ = 0;
    return {};
}

// RFC 9112, section 5: field-name ":" OWS field-value OWS. A line that begins with a blank is
// refused, because it has no name. The RFC describes two such lines: the continuation of the
// previous field (obs-fold, section 5.2), and one after the request line (section 2.2).
Result<void> HttpParser::check_field(std::string_view line, Code code) {
    const size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) return fail(code);
    if (++fields_ > limits_.header_fields_max) return fail(Code::headers_too_large);
    return {};
}

Result<void> HttpParser::read_header(std::string_view lines) {
    head_ = {};
    head_.method = lines.substr(0, method_bytes_);
    head_.target = lines.substr(method_bytes_ + 1, target_bytes_);
    const size_t request_line_bytes = lines.find("\r\n");
    head_.version = lines[request_line_bytes - 1] == '0' ? 10 : 11;
    wants_close_ = wants_keep_alive_ = has_unknown_coding_ = false;
    host_ = {};
    head_.fields = lines.substr(request_line_bytes + 2);
    Result<void> read;
    each_field(head_.fields, [&](std::string_view name, std::string_view value) {
        if (read) read = read_field(name, value);
    });
    if (!read) return read;
    // RFC 9112: HTTP/1.1 requires exactly one Host (section 3.2). HTTP/1.0 has no chunked coding
    // (section 6.1).
    if (host_.data() == nullptr && head_.version == 11) return fail(Code::bad_host);
    if (has_unknown_coding_) return fail(Code::unsupported_transfer_coding);
    if (head_.chunked && head_.version == 10) return fail(Code::bad_header);
    if (is_absolute(head_.target)) {
        const auto target = origin_form(head_.target, host_);
        if (!target) return fail(Code::bad_target);
        head_.target = *target;
    }
    if (head_.length > limits_.body_bytes_max) return fail(Code::body_too_large);
    // RFC 9112, section 9.3.
    head_.keep_alive = !wants_close_ && (head_.version == 11 || wants_keep_alive_);
    return {};
}

Result<void> HttpParser::read_field(std::string_view name, std::string_view value) {
    for (const Named& named : named_fields) {
        if (!same_word(name, named.name)) continue;
        std::string_view& known = head_.*named.value;
        if (known.data() != nullptr) return fail(Code::bad_header);
        known = value;
        return {};
    }
    if (same_word(name, "Host")) {
        if (host_.data() != nullptr || !is_host(value)) return fail(Code::bad_host);
        host_ = value;
    } else if (same_word(name, "Connection")) {
        wants_close_ |= has_word(value, "close");
        wants_keep_alive_ |= has_word(value, "keep-alive");
    } else if (same_word(name, "Content-Length")) {
        // Accepts one number only. RFC 9112, section 6.3 (5), would allow a list of equal numbers.
        if (head_.has_length || value.empty() || value.size() > length_digits_max ||
            !std::ranges::all_of(value, is_digit))
            return fail(Code::bad_header);
        head_.has_length = true;
        for (const char digit : value)
            head_.length = head_.length * 10 + static_cast<uint64_t>(digit - '0');
    } else if (same_word(name, "Transfer-Encoding")) {
        const Codings codings = codings_in(value);
        if (head_.has_length || codings == Codings::malformed) return fail(Code::bad_header);
        head_.has_length = true;
        head_.chunked = codings == Codings::chunked;
        has_unknown_coding_ = codings == Codings::unknown;
    }
    return {};
}

// --- the body ---

Result<HttpParser::Step> HttpParser::step_body(std::string_view& bytes) {
    if (left_ == 0) {
        place_ = Place::header;
        return Step::end;
    }
    if (bytes.empty()) return Step::more;
    piece_ = bytes.substr(0, left_);
    left_ -= piece_.size();
    bytes.remove_prefix(piece_.size());
    return Step::body;
}

// RFC 9112, section 7.1: chunk-size [ chunk-ext ] CRLF
Result<HttpParser::Step> HttpParser::step_chunk_size(std::string_view& bytes) {
    const auto ends = line_ends(bytes.substr(0, chunk_line_bytes_max), Code::bad_body);
    if (!ends) return std::unexpected(ends.error());
    if (!*ends) {
        if (bytes.size() < chunk_line_bytes_max) return Step::more;
        return fail(Code::bad_body);
    }
    const std::string_view line = bytes.substr(0, scanned_);
    size_t digits = 0;
    left_ = 0;
    for (; digits < line.size() && hex_digit(line[digits]) >= 0; ++digits)
        left_ = left_ * 16 + static_cast<uint64_t>(hex_digit(line[digits]));
    if (digits == 0 || digits > chunk_digits_max || !are_chunk_extensions(line.substr(digits)))
        return fail(Code::bad_body);
    overhead_ += line.size() - digits;
    if (overhead_ > limits_.header_bytes_max) return fail(Code::bad_body);
    if (left_ > limits_.body_bytes_max - body_) return fail(Code::body_too_large);
    body_ += left_;
    take(bytes, line.size() + 2);
    place_ = left_ == 0 ? Place::trailer : Place::chunk;
    return step(bytes);
}

Result<HttpParser::Step> HttpParser::step_chunk(std::string_view& bytes) {
    if (bytes.empty()) return Step::more;
    piece_ = bytes.substr(0, left_);
    left_ -= piece_.size();
    bytes.remove_prefix(piece_.size());
    if (left_ == 0) place_ = Place::chunk_end;
    return Step::body;
}

Result<HttpParser::Step> HttpParser::step_chunk_end(std::string_view& bytes) {
    constexpr std::string_view end = "\r\n";
    if (bytes.substr(0, end.size()) != end.substr(0, bytes.size())) return fail(Code::bad_body);
    if (bytes.size() < end.size()) return Step::more;
    take(bytes, end.size());
    place_ = Place::chunk_size;
    return step_chunk_size(bytes);
}

// The fields of a trailer are checked and ignored (RFC 9110, section 6.5.1).
Result<HttpParser::Step> HttpParser::step_trailer(std::string_view& bytes) {
    for (;;) {
        const size_t room = limits_.header_bytes_max - overhead_;
        const auto ends = line_ends(bytes.substr(0, room), Code::bad_body);
        if (!ends) return std::unexpected(ends.error());
        if (!*ends) {
            if (bytes.size() < room) return Step::more;
            return fail(Code::headers_too_large);
        }
        const std::string_view line = bytes.substr(0, scanned_);
        if (!line.empty()) {
            const auto checked = check_field(line, Code::bad_body);
            if (!checked) return std::unexpected(checked.error());
            if (is_for_header_only(line.substr(0, line.find(':')))) return fail(Code::bad_body);
        }
        const bool last = line.empty();
        overhead_ += line.size() + 2;
        take(bytes, line.size() + 2);
        if (!last) continue;
        place_ = Place::header;
        return Step::end;
    }
}

}  // namespace rollcall
