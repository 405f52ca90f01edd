// HttpParser: an incremental parser of HTTP/1.0 and 1.1 requests (RFC 9112), without I/O.
//
// Call step() repeatedly. Each call removes bytes from the front of the input and returns what
// these bytes were:
//
//     head   the request line and all header fields: see head()
//     body   a piece of the body, in place, unchunked: see piece()
//     end    the request is complete; the next step() begins another request
//     more   nothing was removed: append more input and call step() again
//
// The views in head() and piece() are valid until the caller moves the input.
//
// The parser accepts only requests that every recipient reads in the same way. It refuses a request
// that a proxy in front could read differently, even where the RFC allows a recipient to be lenient
// (bare LF, obs-fold, two equal lengths). The result does not depend on how the bytes are split
// between calls: the parser checks each line once, in order, and reports the first fault.
//
// A target has origin-form, as routers send it, or absolute-form with the authority that Host names
// (section 3.2). The target of OPTIONS may also have asterisk-form. A target may hold any byte
// except space, `#` and control characters, because RouterOS does not encode all bytes that RFC
// 3986 requires to be encoded. This is safe, because no recipient takes one of the allowed bytes
// for the end of the target.
//
// RouterOS writes a URL into the request line as the script spells it, even with spaces, because
// its command `fetch` has http-percent-encoding=no by default. RFC 9112, section 3.2, does not
// allow spaces and lets a server refuse the request. With the option raw_spaces, the target is the
// text between the first space and the last ` HTTP/x.y`. A proxy in front can then see a different
// target than this parser.
//
// Threads: one parser for each connection.
#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/base/ascii.h"
#include "pipeline/base/error.h"

namespace rollcall {

struct HttpHead {
    std::string_view method;
    std::string_view target;  // In origin-form, or `*`.
    // Each of these fields may occur at most once; a second field of the same name is refused.
    std::string_view content_type;
    std::string_view content_encoding;
    std::string_view expect;
    std::string_view idempotency_key;
    std::string_view authorization;
    int version = 11;  // 10 or 11.
    bool keep_alive = false;
    bool has_length = false;  // True if the head announces a body (Content-Length or chunked).
    bool chunked = false;
    uint64_t length = 0;      // Content-Length; 0 if chunked.
    std::string_view fields;  // All fields as sent, each with its CRLF: see each_field().

    // Returns false if no body is announced, or a body of 0 bytes.
    [[nodiscard]] bool has_body() const { return chunked || length > 0; }
};

// Calls visit(name, value) for each field, in order.
template <class Visit>
void each_field(std::string_view fields, Visit visit) {
    while (!fields.empty()) {
        const std::string_view line = fields.substr(0, fields.find("\r\n"));
        fields.remove_prefix(line.size() + 2);
        const size_t colon = line.find(':');
        visit(line.substr(0, colon), without_blanks(line.substr(colon + 1)));
    }
}

class HttpParser {
public:
    enum class Step : uint8_t { more, head, body, end };

    struct Limits {
        size_t header_bytes_max;
        size_t header_fields_max;
        size_t body_bytes_max;
        bool raw_spaces = false;
    };

    explicit HttpParser(const Limits& limits) : limits_(limits) {}

    // Takes parsed bytes off the front of `bytes`. After an error the connection must be closed.
    [[nodiscard]] Result<Step> step(std::string_view& bytes);

    [[nodiscard]] const HttpHead& head() const { return head_; }
    [[nodiscard]] std::string_view piece() const { return piece_; }
    // Call this after step() has returned `body`. Returns true if the piece is known to be the last
    // piece of the body. In this case the next step() returns `end` without more input.
    [[nodiscard]] bool complete() const { return place_ == Place::body && left_ == 0; }
    // Returns whether no byte of the next request has been taken.
    [[nodiscard]] bool idle() const { return place_ == Place::header; }

private:
    enum class Place : uint8_t { header, body, chunk_size, chunk, chunk_end, trailer };

    [[nodiscard]] Result<Step> step_header(std::string_view& bytes);
    [[nodiscard]] Result<Step> step_body(std::string_view& bytes);
    [[nodiscard]] Result<Step> step_chunk_size(std::string_view& bytes);
    [[nodiscard]] Result<Step> step_chunk(std::string_view& bytes);
    [[nodiscard]] Result<Step> step_chunk_end(std::string_view& bytes);
    [[nodiscard]] Result<Step> step_trailer(std::string_view& bytes);

    [[nodiscard]] Result<bool> line_ends(std::string_view bytes, Code code);
    [[nodiscard]] Result<void> check_request_line(std::string_view line);
    [[nodiscard]] Result<void> check_field(std::string_view line, Code code);
    [[nodiscard]] Result<void> read_header(std::string_view lines);
    [[nodiscard]] Result<void> read_field(std::string_view name, std::string_view value);
    void take(std::string_view& bytes, size_t count);

    const Limits limits_;
    Place place_ = Place::header;
    bool saw_empty_line_ = false;  // An empty line came before the request line.
    bool wants_close_ = false;     // The field Connection contains `close`.
    bool wants_keep_alive_ = false;
    bool has_unknown_coding_ = false;  // Transfer-Encoding names an unknown coding.
    std::string_view host_;            // The value of Host; data() is null until the field is read.
    size_t line_ = 0;                  // Offset of the current line in the input.
    size_t scanned_ = 0;               // Offset up to which the line has no control character.
    size_t fields_ = 0;                // Fields of this request, including the trailer.
    size_t method_bytes_ = 0;
    size_t target_bytes_ = 0;
    size_t overhead_ = 0;  // Bytes of the trailer and of chunk extensions.
    uint64_t left_ = 0;    // Bytes of the body, or of the chunk, that have not arrived.
    uint64_t body_ = 0;    // Bytes of the body so far, including all of the current chunk.
    HttpHead head_;
    std::string_view piece_;
};

}  // namespace rollcall
