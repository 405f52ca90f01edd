#include "daemon/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>

namespace rollcall {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Of "GET /x HTTP/2.0", is there anything to say against the line but its version?
bool names_other_version(std::string_view request) {
    const size_t target = request.find(' ') + 1;
    const size_t version = request.find(' ', target) + 1;
    return target > 0 && version > 0 && request.substr(version).starts_with("HTTP/");
}

// The target of a whole request line if spaces are in it, else nothing.
std::string_view target_with_spaces(std::string_view bytes) {
    constexpr std::string_view version = " HTTP/1.1";
    const size_t line_end = bytes.find("\r\n");
    if (line_end == bytes.npos) return {};
    const std::string_view line = bytes.substr(0, line_end);
    const size_t begin = line.find(' ') + 1;
    if (begin == 0 || line.size() < begin + version.size()) return {};
    const size_t end = line.size() - version.size();
    if (!line.substr(end).starts_with(" HTTP/")) return {};
    const std::string_view target = line.substr(begin, end - begin);
    return target.starts_with(' ') || target.find(' ') == target.npos ? std::string_view() : target;
}

// As long as a line goes on, nobody knows which of its spaces will be the last: all up to the
// second.
std::string_view without_doubt(std::string_view bytes) {
    if (bytes.find("\r\n") != bytes.npos) return bytes;
    return bytes.substr(0, bytes.find(' ', bytes.find(' ') + 1));
}

// place: what is wrong if the error itself does not tell.
Code code_of(const error_code& error, Code place) {
    if (error == http::error::header_limit) return Code::headers_too_large;
    if (error == http::error::body_limit) return Code::body_too_large;
    return place;
}

}  // namespace

// One request, as Boost.Beast's parser calls it out.
class HttpParser::Message final : public http::basic_parser<true> {
public:
    Message(size_t header_bytes_max, size_t body_bytes_max) {
        header_limit(static_cast<uint32_t>(header_bytes_max));
        body_limit(body_bytes_max);
    }

    // Parses from the front of `bytes`, and takes off what it used.
    error_code parse(std::string_view& bytes) {
        given_ = bytes;
        piece = {};
        error_code error;
        bytes.remove_prefix(put({bytes.data(), bytes.size()}, error));
        return error;
    }

    HttpHead head;
    std::string_view piece;
    bool has_first_line = false;
    bool folded = false;  // Some header line was continued (obs-fold, RFC 9112, section 5.2).

private:
    using string_view = boost::beast::string_view;

    void on_request_impl(http::verb, string_view method, string_view target, int version,
                         error_code&) override {
        has_first_line = true;
        head.method = view(method);
        head.target = view(target);
        head.version = version;
    }

    void on_field_impl(http::field field, string_view name, string_view value,
                       error_code&) override {
        if (is_header_done()) return;  // A trailer; none of them means anything here.
        // The library joins continued lines in a buffer of its own.
        const bool in_place = value.empty() || (value.data() >= given_.data() &&
                                                value.data() < given_.data() + given_.size());
        folded |= !in_place;
        switch (field) {
            case http::field::content_type: head.content_type = view(value); break;
            case http::field::content_encoding:
                // Two lines are a list of two (RFC 9110, section 5.3), which nobody undoes here.
                head.content_encoding = head.content_encoding.empty() ? view(value) : "two";
                break;
            case http::field::expect: head.expect = view(value); break;
            case http::field::authorization:
                // It is no list: two are none that anybody knows.
                head.authorization = head.authorization.empty() ? view(value) : "two";
                break;
            case http::field::content_length:
            case http::field::transfer_encoding: head.has_length = true; break;
            case http::field::unknown:
                if (boost::beast::iequals(name, "Idempotency-Key"))
                    head.idempotency_key = view(value);
                break;
            default: break;
        }
    }

    void on_header_impl(error_code&) override {
        head.keep_alive = keep_alive();
        head.chunked = chunked();
        head.length = content_length().value_or(0);
    }

    size_t on_body_impl(string_view body, error_code&) override {
        piece = view(body);
        return body.size();
    }
    size_t on_chunk_body_impl(uint64_t, string_view body, error_code&) override {
        piece = view(body);
        return body.size();
    }

    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
    void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
    void on_finish_impl(error_code&) override {}

    std::string_view given_;
};

struct HttpParser::State {
    std::optional<Message> message;
    std::string header;  // A copy, if the library cannot read it as it is.

    // As much of a header as there is, with something else for the spaces of its target.
    std::string_view without_spaces(std::string_view bytes, std::string_view target) {
        constexpr std::string_view end = "\r\n\r\n";
        header = bytes.substr(0, bytes.find(end));
        if (header.size() < bytes.size()) header += end;
        const auto begin = header.begin() + (target.data() - bytes.data());
        std::replace(begin, begin + static_cast<ptrdiff_t>(target.size()), ' ', '_');
        return header;
    }
};

HttpParser::HttpParser(size_t header_bytes_max, size_t body_bytes_max, bool raw_spaces)
    : header_bytes_max_(header_bytes_max),
      body_bytes_max_(body_bytes_max),
      raw_spaces_(raw_spaces),
      state_(std::make_unique<State>()) {}

HttpParser::~HttpParser() = default;

const HttpHead& HttpParser::head() const { return state_->message->head; }
std::string_view HttpParser::piece() const { return state_->message->piece; }
bool HttpParser::complete() const { return state_->message && state_->message->is_done(); }
bool HttpParser::idle() const { return !state_->message; }

Result<HttpParser::Step> HttpParser::step(std::string_view& bytes) {
    if (!state_->message) return step_head(bytes);
    Message& message = *state_->message;
    if (message.is_done()) {
        state_->message.reset();
        return Step::end;
    }
    while (!bytes.empty()) {
        const error_code error = message.parse(bytes);
        if (error == http::error::need_more) return Step::more;
        if (error) return fail(code_of(error, Code::bad_body));
        if (!message.piece.empty()) return Step::body;
        if (message.is_done()) return step(bytes);
    }
    return Step::more;
}

// The library keeps views into what it is given, so it is given a header only when it is whole.
Result<HttpParser::Step> HttpParser::step_head(std::string_view& bytes) {
    // RFC 9112, section 2.2: empty lines before a request line are ignored.
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    if (bytes.empty() || bytes == "\r") return Step::more;
    const bool whole = bytes.substr(0, header_bytes_max_).find("\r\n\r\n") != bytes.npos;
    if (!whole && bytes.size() >= header_bytes_max_) return fail(Code::headers_too_large);

    const std::string_view target = raw_spaces_ ? target_with_spaces(bytes) : std::string_view();
    std::string_view given = bytes;
    if (!target.empty()) given = state_->without_spaces(bytes, target);
    if (raw_spaces_) given = without_doubt(given);
    std::string_view rest = given;
    Message& message = state_->message.emplace(header_bytes_max_, body_bytes_max_);
    error_code error = message.parse(rest);
    // The library may take the first line alone.
    while (!error && !message.is_header_done()) error = message.parse(rest);
    Code place = message.has_first_line ? Code::bad_header : Code::bad_request_line;
    if (error == http::error::bad_version && names_other_version(given))
        place = Code::version_not_supported;
    if (!whole) {
        // Begun again with more bytes; but what is wrong already is refused at once.
        const bool wrong = error && error != http::error::need_more;
        state_->message.reset();
        if (wrong) return fail(code_of(error, place));
        return Step::more;
    }
    if (error) return fail(code_of(error, place));
    if (message.folded) return fail(Code::bad_header);
    if (message.head.version != 10 && message.head.version != 11)
        return fail(Code::version_not_supported);
    message.head.lines = bytes.substr(0, bytes.find("\r\n\r\n") + 2);
    if (!target.empty()) message.head.target = target;
    bytes.remove_prefix(given.size() - rest.size());
    return Step::head;
}

}  // namespace rollcall
