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
// RouterOS writes a URL into the request line as the script spells it, spaces included (its fetch
// has http-percent-encoding=no by default), which RFC 9112, section 3.2, does not allow and allows
// to refuse. raw_spaces reads such a line all the same: the target then is what stands between the
// first space and the last ` HTTP/x.y`. Who reads the line in another way, such as a proxy in
// front, may see another target; nothing else is read more loosely.
//
// Threads: one parser for each connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "pipeline/error.h"

namespace rollcall {

struct HttpHead {
    std::string_view method;
    std::string_view target;
    std::string_view content_type;
    std::string_view content_encoding;
    std::string_view expect;
    std::string_view idempotency_key;
    std::string_view authorization;
    int version = 11;  // 10 or 11.
    bool keep_alive = false;
    bool has_length = false;  // Content-Length or chunked: a body is announced.
    bool chunked = false;
    uint64_t length = 0;     // As announced; 0 if chunked.
    std::string_view lines;  // The header as it came, request line included.
};

class HttpParser {
public:
    enum class Step : uint8_t { more, head, body, end };

    HttpParser(size_t header_bytes_max, size_t body_bytes_max, bool raw_spaces = false);
    ~HttpParser();
    HttpParser(const HttpParser&) = delete;
    HttpParser& operator=(const HttpParser&) = delete;

    // Takes what it understood off the front of `bytes`. An error is the end of the connection.
    [[nodiscard]] Result<Step> step(std::string_view& bytes);

    [[nodiscard]] const HttpHead& head() const;
    [[nodiscard]] std::string_view piece() const;
    // After `body`: was this the last piece, so that `end` follows without more bytes?
    [[nodiscard]] bool complete() const;
    // Between requests: no byte of the next one was taken.
    [[nodiscard]] bool idle() const;

private:
    class Message;
    struct State;  // Room for one Message, used again for each request.

    [[nodiscard]] Result<Step> step_head(std::string_view& bytes);

    size_t header_bytes_max_;
    size_t body_bytes_max_;
    bool raw_spaces_;
    std::unique_ptr<State> state_;
};

}  // namespace rollcall
