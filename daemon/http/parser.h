// HTTP parser: HTTP/1.0 and 1.1 requests (RFC 9112) from bytes, no I/O.
//
// Give it bytes again and again; each step() takes some from the front and says what they were:
//
//     head   the request line and all header fields: see head()
//     body   a piece of the body, in place, unchunked: see piece()
//     end    the request is complete; the next step() begins another
//     more   nothing: these bytes, and more behind them, are needed
//
// Views into head() and piece() are valid until the bytes given move.
//
// A request has one reading or none: what another program in front could read in another way is
// refused, also where the RFC lets a recipient be lenient (bare LF, obs-fold, two equal lengths).
// How the bytes were split does not matter: lines are looked at one after the other, each once, and
// the first fault decides. Targets have origin-form only, which is all that a router sends. In them
// stands what may stand between two spaces, `#` excepted: RouterOS does not encode what RFC 3986
// wants encoded, and nothing of it ends a target.
//
// RouterOS writes a URL into the request line as the script spells it, spaces included (its fetch
// has http-percent-encoding=no by default), which RFC 9112, section 3.2, does not allow and allows
// to refuse. raw_spaces reads such a line all the same: the target then is what stands between the
// first space and the last ` HTTP/x.y`. Who reads the line in another way, such as a proxy in
// front, may see another target; nothing else is read more loosely.
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
    std::string_view target;
    // Fields that come once at most; a second one is refused.
    std::string_view content_type;
    std::string_view content_encoding;
    std::string_view expect;
    std::string_view idempotency_key;
    std::string_view authorization;
    int version = 11;  // 10 or 11.
    bool keep_alive = false;
    bool has_length = false;  // Content-Length or chunked: a body is announced.
    bool chunked = false;
    uint64_t length = 0;      // As announced; 0 if chunked.
    std::string_view fields;  // All of them as they came, each with its CRLF: see each_field().

    // False of one that has no bytes, too.
    [[nodiscard]] bool has_body() const { return chunked || length > 0; }
};

// Calls visit(name, value) for each field, in their order.
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

    // Takes what it understood off the front of `bytes`. An error is the end of the connection.
    [[nodiscard]] Result<Step> step(std::string_view& bytes);

    [[nodiscard]] const HttpHead& head() const { return head_; }
    [[nodiscard]] std::string_view piece() const { return piece_; }
    // After `body`: was this the last piece, so that `end` follows without more bytes?
    [[nodiscard]] bool complete() const { return place_ == Place::body && left_ == 0; }
    // Between requests: no byte of the next one was taken.
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
    bool saw_empty_line_ = false;  // Before the request line.
    bool has_host_ = false;
    bool wants_close_ = false;  // `Connection` says so.
    bool wants_keep_alive_ = false;
    size_t line_ = 0;     // Where the line at hand begins, from the front of the bytes.
    size_t scanned_ = 0;  // Up to where it holds no control character.
    size_t fields_ = 0;   // Of this request, the trailer's too.
    size_t method_bytes_ = 0;
    size_t target_bytes_ = 0;
    size_t beside_ = 0;  // Bytes of the trailer and of what chunk lines hold besides the size.
    uint64_t left_ = 0;  // Bytes of the body, or of the chunk, that are still to come.
    uint64_t body_ = 0;  // Bytes of the body so far, with all of the chunk at hand.
    HttpHead head_;
    std::string_view piece_;
};

}  // namespace rollcall
