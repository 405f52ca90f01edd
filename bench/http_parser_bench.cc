// HTTP parser: the time to parse one request of a RouterOS client, head and body.
#include "daemon/http/parser.h"

#include <string>

#include "bench/bench.h"

using namespace rollcall;

namespace {

// Returns a request with the header fields that RouterOS's fetch sends, and those that a script
// adds: Content-Type and Authorization.
std::string request(std::string_view framing, std::string_view body) {
    return fmt::format(
        "POST /v1/checkins HTTP/1.1\r\nHost: in.example.net\r\nUser-Agent: RouterOS 7.23.3\r\n"
        "Accept-Encoding: deflate, gzip\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n{}\r\n\r\n{}",
        framing, body);
}

uint64_t parse(const std::string& bytes, size_t requests) {
    HttpParser parser(
        {.header_bytes_max = 16384, .header_fields_max = 100, .body_bytes_max = 65536});
    uint64_t proof = 0;
    for (size_t number = 0; number < requests; ++number) {
        std::string_view view = bytes;
        for (auto step = HttpParser::Step::more; step != HttpParser::Step::end;) {
            step = parser.step(view).value();
            if (step == HttpParser::Step::head) proof += parser.head().target.size();
            if (step == HttpParser::Step::body) proof += parser.piece().size();
        }
    }
    return proof;
}

}  // namespace

int main() {
    const std::string body(600, 'x');
    const std::string with_length = request("Content-Length: 600", body);
    const std::string chunked =
        request("Transfer-Encoding: chunked", fmt::format("258\r\n{}\r\n0\r\n\r\n", body));
    bench("http request, Content-Length", 8'000'000,
          [&](size_t items) { return parse(with_length, items); });
    bench("http request, chunked", 8'000'000, [&](size_t items) { return parse(chunked, items); });
}
