#include "daemon/http/parser.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/http_statements.h"
#include "tests/support/random.h"

namespace rollcall {

namespace {

constexpr size_t header_max = 1024;
constexpr size_t fields_max = 16;
constexpr size_t body_max = 4096;
constexpr HttpParser::Limits limits{header_max, fields_max, body_max};
using Step = HttpParser::Step;

// The result of parsing all bytes: the requests as "METHOD target body;", or the error.
struct MetricValue {
    std::string requests;
    bool waits = false;  // Whether the parser needs more bytes.
    std::optional<Code> refused;
};

// Parses the bytes in pieces whose sizes come from `next`, like input from a socket. Each piece is
// in a new buffer, because the buffer of a socket may move.
MetricValue read_in_pieces(std::string_view bytes, const std::function<size_t()>& next,
                           bool raw_spaces) {
    HttpParser parser({header_max, fields_max, body_max, raw_spaces});
    MetricValue reading;
    std::string buffer;
    while (!bytes.empty()) {
        const size_t count = std::min(next(), bytes.size());
        std::vector<char> moved(buffer.begin(), buffer.end());
        moved.insert(moved.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
        bytes.remove_prefix(count);
        std::string_view view(moved.data(), moved.size());
        for (bool more = false; !more;) {
            const auto done = parser.step(view);
            if (!done) {
                reading.refused = done.error().code;
                return reading;
            }
            switch (*done) {
                case Step::more: more = true; break;
                case Step::head:
                    reading.requests.append(parser.head().method);
                    reading.requests.append(" ").append(parser.head().target).append(" ");
                    break;
                case Step::body: reading.requests.append(parser.piece()); break;
                case Step::end: reading.requests += ';'; break;
            }
        }
        buffer = view;
    }
    reading.waits = !parser.idle() || !buffer.empty();
    return reading;
}

MetricValue read(std::string_view bytes, size_t step, bool raw_spaces = false) {
    return read_in_pieces(bytes, [&] { return step; }, raw_spaces);
}

void check_refused(const std::string& bytes, Code code, bool raw_spaces = false) {
    for (const size_t step : {bytes.size(), size_t{1}}) {
        const MetricValue reading = read(bytes, step, raw_spaces);
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_TEST_REQUIRE(reading.refused.has_value());
            BOOST_TEST(to_text(*reading.refused) == to_text(code));
        }
    }
}

// A request that follows the request under test. If the request under test is refused, the parser
// must not parse the request that follows.
constexpr std::string_view next_request = "GET /next HTTP/1.1\r\nHost: r\r\n\r\n";

void check(const HttpStatement& statement, const MetricValue& reading) {
    const std::string refused = reading.refused ? std::string(to_text(*reading.refused)) : "";
    BOOST_TEST(refused == statement.refused);
    if (statement.refused.empty()) {
        BOOST_TEST(reading.requests == statement.requests + "GET /next ;");
        BOOST_TEST(!reading.waits);
    } else {
        // The parser must have read no complete request, but it may have read the head of the
        // refused request.
        BOOST_TEST(reading.requests.find("/next ") == std::string::npos);
        BOOST_TEST(reading.requests.find(';') == std::string::npos);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_parser)

BOOST_AUTO_TEST_CASE(requests_are_the_same_however_their_bytes_come) {
    const std::string bytes =
        "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        "\r\nGET / HTTP/1.0\r\n\r\n"
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2\r\nde\r\n1;x\r\nf\r\n0\r\n\r\n"
        "POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    for (size_t step = 1; step <= bytes.size(); ++step) {
        const MetricValue reading = read(bytes, step);
        BOOST_TEST_REQUIRE(reading.requests == "POST /a?b=c abc;GET / ;POST /c def;POST /d ;");
        BOOST_TEST_REQUIRE(!reading.waits);
    }
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_request_waits_for_more) {
    const std::string bytes = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for (size_t length = 1; length < bytes.size(); ++length) {
        const MetricValue reading = read(std::string_view(bytes).substr(0, length), length);
        BOOST_TEST_REQUIRE(!reading.refused.has_value());
        BOOST_TEST_REQUIRE(reading.waits);
    }
}

BOOST_AUTO_TEST_CASE(head_says_what_the_session_asks_for) {
    std::string_view bytes =
        "POST /p HTTP/1.0\r\nconTent-TYPE: application/json\r\nContent-Encoding: br\r\n"
        "Expect: 100-continue\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n";
    HttpParser parser(limits);
    BOOST_TEST((parser.step(bytes).value() == Step::head));
    const HttpHead& head = parser.head();
    BOOST_TEST(head.content_type == "application/json");
    BOOST_TEST(head.content_encoding == "br");
    BOOST_TEST(head.expect == "100-continue");
    BOOST_TEST(head.version == 10);
    BOOST_TEST(head.keep_alive);
    BOOST_TEST(head.has_length);
}

BOOST_AUTO_TEST_CASE(each_statement_holds_whole_in_bytes_and_in_random_pieces) {
    Random random("http_parser.each_statement");
    for (const HttpStatement& statement : http_statements()) {
        const std::string bytes = statement.bytes + std::string(next_request);
        BOOST_TEST_CONTEXT(statement.section << ": " << statement.words << "\n" << bytes) {
            check(statement, read(bytes, bytes.size()));
            check(statement, read(bytes, 1));
            for (int split = 0; split < 20; ++split)
                check(statement,
                      read_in_pieces(bytes, [&] { return 1 + random.below(30); }, false));
        }
    }
}

BOOST_AUTO_TEST_CASE(
    each_statement_holds_where_spaces_in_targets_are_read_but_for_those_of_spaces) {
    for (const HttpStatement& statement : http_statements()) {
        const std::string line = statement.bytes.substr(0, statement.bytes.find("\r\n"));
        if (std::ranges::count(line, ' ') > 2) continue;
        const std::string bytes = statement.bytes + std::string(next_request);
        BOOST_TEST_CONTEXT(statement.section << ": " << statement.words << "\n" << bytes) {
            check(statement, read(bytes, bytes.size(), true));
            check(statement, read(bytes, 1, true));
        }
    }
}

BOOST_AUTO_TEST_CASE(fault_is_refused_as_soon_as_its_line_is_there) {
    // The parser must not wait for the end of the header.
    for (const std::string bytes : {"GET /\r\n", "\x16\x03\x01", "GET / HTTP/1.1\n",
                                    "GET / HTTP/1.1\r\nHost : x\r\n", "hello\r\n"})
        BOOST_TEST(read(bytes, bytes.size()).refused.has_value(), bytes);
}

BOOST_AUTO_TEST_CASE(spaces_in_a_target_are_its_own_if_that_is_asked_for) {
    const std::string bytes =
        "GET /a?version=7.15.3 (stable)&board=hAP ac lite HTTP/1.1\r\nHost: x\r\nX-A-B: c  "
        "d\r\n\r\n"
        "GET /b?c= d HTTP/9 HTTP/1.0\r\n\r\n"
        "POST /e? f  HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na b"
        "POST /g HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nh";
    for (size_t step = 1; step <= bytes.size(); ++step) {
        const MetricValue reading = read(bytes, step, true);
        BOOST_TEST_REQUIRE(reading.requests ==
                           "GET /a?version=7.15.3 (stable)&board=hAP ac lite ;"
                           "GET /b?c= d HTTP/9 ;POST /e? f  a b;POST /g h;");
        BOOST_TEST_REQUIRE(!reading.waits);
        BOOST_TEST_REQUIRE(read(bytes, step).refused.has_value());
    }
    std::string_view view = bytes;
    HttpParser parser({header_max, fields_max, body_max, true});
    BOOST_TEST((parser.step(view).value() == Step::head));
    // The parser must not change the spaces and the case of the field lines.
    BOOST_TEST(parser.head().fields == "Host: x\r\nX-A-B: c  d\r\n");
}

BOOST_AUTO_TEST_CASE(all_else_is_refused_as_before_where_spaces_are_read) {
    for (const bool raw_spaces : {false, true}) {
        for (const std::string request :
             {"G@T / HTTP/1.1", "G@T /a b HTTP/1.1", "GET  /a HTTP/1.1", "GET  HTTP/1.1",
              "GET HTTP/1.1", " GET / HTTP/1.1", "GET /a b", "GET /a b HTTQ/1.1",
              "GET /a b HTTP/1.1 ", "GET /a b HTTP/11", "GET /a\tb HTTP/1.1", "GET /a b\tHTTP/1.1",
              "GET /a\rb c HTTP/1.1", "GET /a\nb c HTTP/1.1", "GET /a b\x01 HTTP/1.1",
              "GET /a b HTTP/1.1\r"})
            check_refused(request + "\r\nHost: x\r\n\r\n", Code::bad_request_line, raw_spaces);
        check_refused("GET / HTTP/2.0\r\n\r\n", Code::version_not_supported, raw_spaces);
        check_refused("GET /ab HTTP/1.1\r\nrealm=\"x\"\r\n\r\n", Code::bad_header, raw_spaces);
        check_refused("GET /" + std::string(header_max, 'x'), Code::target_too_long, raw_spaces);
    }
    check_refused("GET /a b HTTP/2.0\r\n\r\n", Code::version_not_supported, true);
    check_refused("GET /a b HTTP/1.1\r\nrealm=\"x\"\r\n\r\n", Code::bad_header, true);
    check_refused("GET /a b HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", Code::bad_header, true);
    check_refused("GET /a b" + std::string(header_max, 'x'), Code::target_too_long, true);
    check_refused("POST /a b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  Code::bad_header, true);
}

BOOST_AUTO_TEST_CASE(limits_are_kept_before_the_bytes_are_there) {
    const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n";
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
    const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string padding(header_max, 'x');
    check_refused(post + "Content-Length: 4097\r\n\r\n", Code::body_too_large);
    check_refused(chunked + "1001\r\n", Code::body_too_large);
    check_refused(chunked + "800\r\n" + std::string(0x800, 'x') + "\r\n801\r\n",
                  Code::body_too_large);
    check_refused(get + "a: " + padding, Code::headers_too_large);
    check_refused("GET /" + padding, Code::target_too_long);
    // The limit applies to all chunk extensions and trailer fields together.
    check_refused(chunked + "1;" + std::string(300, 'x'), Code::bad_body);
    std::string extensions = chunked;
    for (int chunk = 0; chunk < 6; ++chunk)
        extensions += "1;" + std::string(200, 'x') + "\r\na\r\n";
    check_refused(extensions, Code::bad_body);
    check_refused(chunked + "0\r\na: " + padding, Code::headers_too_large);
    check_refused(
        chunked + "1;" + std::string(200, 'x') + "\r\na\r\n0\r\na: " + padding.substr(200),
        Code::headers_too_large);
}

BOOST_AUTO_TEST_CASE(header_as_large_as_it_may_be_is_read_and_one_byte_more_is_not) {
    const std::string before = "GET / HTTP/1.1\r\nHost: x\r\na: ";
    const auto header_of = [&](size_t bytes) {
        return before + std::string(bytes - before.size() - 4, 'x') + "\r\n\r\n";
    };
    for (const size_t step : {size_t{1}, size_t{7}, header_max + 1}) {
        BOOST_TEST(read(header_of(header_max), step).requests == "GET / ;");
        const auto refused = read(header_of(header_max + 1), step).refused;
        BOOST_TEST((refused == Code::headers_too_large));
    }
}

BOOST_AUTO_TEST_CASE(fields_are_counted_with_those_behind_the_body) {
    const auto fields = [](size_t count) {
        std::string lines;
        for (; count > 0; --count) lines += "a: b\r\n";
        return lines;
    };
    const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n";
    BOOST_TEST(read(get + fields(fields_max - 1) + "\r\n", 7).requests == "GET / ;");
    check_refused(get + fields(fields_max), Code::headers_too_large);
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    BOOST_TEST(read(post + "\r\n0\r\n" + fields(fields_max - 2) + "\r\n", 7).requests ==
               "POST / ;");
    check_refused(post + "\r\n0\r\n" + fields(fields_max - 1), Code::headers_too_large);
}

BOOST_AUTO_TEST_CASE(connection_stays_as_its_version_and_its_fields_say) {
    const auto stays = [](const std::string& version, const std::string& lines) {
        const std::string bytes = "GET / HTTP/" + version + "\r\nHost: x\r\n" + lines + "\r\n";
        std::string_view view = bytes;
        HttpParser parser(limits);
        BOOST_TEST_REQUIRE((parser.step(view).value() == Step::head));
        return parser.head().keep_alive;
    };
    // RFC 9112, section 9.3.
    BOOST_TEST(stays("1.1", ""));
    BOOST_TEST(!stays("1.1", "Connection: close\r\n"));
    BOOST_TEST(!stays("1.1", "connection: a ,\tCLOSE\r\n"));
    BOOST_TEST(!stays("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    BOOST_TEST(stays("1.1", "Connection: closed, not-close\r\n"));
    BOOST_TEST(!stays("1.0", ""));
    BOOST_TEST(stays("1.0", "Connection: Keep-Alive\r\n"));
    BOOST_TEST(!stays("1.0", "Connection: keep-alive, close\r\n"));
}

BOOST_AUTO_TEST_CASE(random_bytes_have_one_reading_however_they_are_split) {
    Random random("http_parser.random_bytes");
    const std::vector<std::string_view> parts = {"GET ",
                                                 "POST ",
                                                 "/",
                                                 " HTTP/1.1",
                                                 "\r\n",
                                                 "\r\n\r\n",
                                                 "Host: x\r\n",
                                                 "GET / HTTP/1.1\r\nHost: x\r\n",
                                                 "POST / HTTP/1.1\r\nHost: x\r\n",
                                                 "Content-Length: ",
                                                 "2",
                                                 "ab",
                                                 "Transfer-Encoding: chunked\r\n\r\n",
                                                 "2\r\nab\r\n",
                                                 "0\r\n\r\n",
                                                 "0",
                                                 "\n",
                                                 "\r",
                                                 ":",
                                                 ";a=b",
                                                 " ",
                                                 "\t",
                                                 "x",
                                                 "\xff",
                                                 "a: b\r\n"};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (uint64_t count = random.below(12); count > 0; --count) bytes += random.one_of(parts);
        const bool raw_spaces = random.one_in(2);
        const MetricValue whole = read(bytes, bytes.size() + 1, raw_spaces);
        const MetricValue pieces =
            read_in_pieces(bytes, [&] { return 1 + random.below(9); }, raw_spaces);
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_TEST_REQUIRE((whole.refused == pieces.refused));
            BOOST_TEST_REQUIRE(whole.requests == pieces.requests);
            BOOST_TEST_REQUIRE(whole.waits == pieces.waits);
        }
    }
}

BOOST_AUTO_TEST_CASE(credential_is_the_one_that_the_header_has) {
    const auto authorization = [](std::string_view fields) -> std::string {
        const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
        HttpParser parser({.header_bytes_max = 1024, .header_fields_max = 10, .body_bytes_max = 9});
        std::string_view bytes = request;
        const auto step = parser.step(bytes);
        if (!step) return std::string(to_text(step.error().code));
        return std::string(parser.head().authorization);
    };
    BOOST_TEST(authorization("") == "");
    BOOST_TEST(authorization("authorization: Bearer abc\r\n") == "Bearer abc");
    BOOST_TEST(authorization("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n") ==
               "bad_header");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
