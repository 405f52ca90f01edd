#include "daemon/http_parser.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>

#include "tests/support/random.h"

namespace rollcall {

namespace {

constexpr size_t header_max = 1024;
constexpr size_t body_max = 4096;
using Step = HttpParser::Step;

// What a parser made of all the bytes: the requests as "METHOD target body;", or how it ended.
struct Reading {
    std::string requests;
    bool waits = false;  // For the rest of a request.
    std::optional<Code> refused;
};

// Feeds the bytes `step` at a time, as they come from a socket.
Reading read(std::string_view bytes, size_t step, bool raw_spaces = false) {
    HttpParser parser(header_max, body_max, raw_spaces);
    Reading reading;
    std::string buffer;
    while (!bytes.empty()) {
        const size_t count = std::min(step, bytes.size());
        buffer.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        std::string_view view = buffer;
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
        buffer.erase(0, buffer.size() - view.size());
    }
    reading.waits = !parser.idle() || !buffer.empty();
    return reading;
}

void check_refused(const std::string& bytes, Code code, bool raw_spaces = false) {
    for (const size_t step : {bytes.size(), size_t{1}}) {
        const Reading reading = read(bytes, step, raw_spaces);
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_TEST_REQUIRE(reading.refused.has_value());
            BOOST_TEST(to_text(*reading.refused) == to_text(code));
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_parser)

BOOST_AUTO_TEST_CASE(requests_are_the_same_however_their_bytes_come) {
    const std::string bytes =
        "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        "\r\nGET / HTTP/1.0\r\n\r\n"
        "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x\r\nf\r\n0\r\n\r\n"
        "POST /d HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    for (size_t step = 1; step <= bytes.size(); ++step) {
        const Reading reading = read(bytes, step);
        BOOST_TEST_REQUIRE(reading.requests == "POST /a?b=c abc;GET / ;POST /c def;POST /d ;");
        BOOST_TEST_REQUIRE(!reading.waits);
    }
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_request_waits_for_more) {
    const std::string bytes = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for (size_t length = 1; length < bytes.size(); ++length) {
        const Reading reading = read(std::string_view(bytes).substr(0, length), length);
        BOOST_TEST_REQUIRE(!reading.refused.has_value());
        BOOST_TEST_REQUIRE(reading.waits);
    }
}

BOOST_AUTO_TEST_CASE(head_says_what_the_session_asks_for) {
    std::string_view bytes =
        "POST /p HTTP/1.0\r\nconTent-TYPE: application/json\r\nContent-Encoding: br\r\n"
        "Expect: 100-continue\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n";
    HttpParser parser(header_max, body_max);
    BOOST_TEST((parser.step(bytes).value() == Step::head));
    const HttpHead& head = parser.head();
    BOOST_TEST(head.content_type == "application/json");
    BOOST_TEST(head.content_encoding == "br");
    BOOST_TEST(head.expect == "100-continue");
    BOOST_TEST(head.version == 10);
    BOOST_TEST(head.keep_alive);
    BOOST_TEST(head.has_length);
}

BOOST_AUTO_TEST_CASE(malformed_requests_are_refused_by_name) {
    check_refused("G@T / HTTP/1.1\r\n\r\n", Code::bad_request_line);
    check_refused("GET /a b HTTP/1.1\r\n\r\n", Code::bad_request_line);
    check_refused("GET / HTTQ/1.1\r\n\r\n", Code::bad_request_line);
    check_refused("GET / HTTP/2.0\r\n\r\n", Code::version_not_supported);
    check_refused("GET / HTTP/1.1\r\nrealm=\"x\"\r\n\r\n", Code::bad_header);
    check_refused("GET / HTTP/1.1\r\nName : x\r\n\r\n", Code::bad_header);
    check_refused("GET / HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", Code::bad_header);
    check_refused("GET / HTTP/1.1\r\na: \x01\r\n\r\n", Code::bad_header);
    check_refused("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", Code::bad_header);
    check_refused("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  Code::bad_header);
    check_refused("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                  Code::bad_header);
    check_refused("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Code::bad_body);
}

BOOST_AUTO_TEST_CASE(spaces_in_a_target_are_its_own_if_that_is_asked_for) {
    const std::string bytes =
        "GET /a?version=7.15.3 (stable)&board=hAP ac lite HTTP/1.1\r\nHost: x\r\nX-A-B: c  "
        "d\r\n\r\n"
        "GET /b?c= d HTTP/9 HTTP/1.0\r\n\r\n"
        "POST /e? f  HTTP/1.1\r\nContent-Length: 3\r\n\r\na b"
        "POST /g HTTP/1.1\r\nContent-Length: 1\r\n\r\nh";
    for (size_t step = 1; step <= bytes.size(); ++step) {
        const Reading reading = read(bytes, step, true);
        BOOST_TEST_REQUIRE(reading.requests ==
                           "GET /a?version=7.15.3 (stable)&board=hAP ac lite ;"
                           "GET /b?c= d HTTP/9 ;POST /e? f  a b;POST /g h;");
        BOOST_TEST_REQUIRE(!reading.waits);
        BOOST_TEST_REQUIRE(read(bytes, step).refused.has_value());
    }
    std::string_view view = bytes;
    HttpParser parser(header_max, body_max, true);
    BOOST_TEST((parser.step(view).value() == Step::head));
    BOOST_TEST(parser.head().lines == bytes.substr(0, bytes.find("\r\n\r\n") + 2));  // As it came.
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
        check_refused("GET /" + std::string(header_max, 'x'), Code::headers_too_large, raw_spaces);
    }
    check_refused("GET /a b HTTP/2.0\r\n\r\n", Code::version_not_supported, true);
    check_refused("GET /a b HTTP/1.1\r\nrealm=\"x\"\r\n\r\n", Code::bad_header, true);
    check_refused("GET /a b HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", Code::bad_header, true);
    check_refused("GET /a b" + std::string(header_max, 'x'), Code::headers_too_large, true);
    check_refused("POST /a b HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  Code::bad_header, true);
}

BOOST_AUTO_TEST_CASE(limits_are_kept_before_the_bytes_are_there) {
    check_refused("POST / HTTP/1.1\r\nContent-Length: 4097\r\n\r\n", Code::body_too_large);
    check_refused("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n",
                  Code::body_too_large);
    check_refused("GET / HTTP/1.1\r\na: " + std::string(header_max, 'x'), Code::headers_too_large);
    check_refused("GET /" + std::string(header_max, 'x'), Code::headers_too_large);
    BOOST_TEST(!read("GET / HTTP/1.1\r\na: " + std::string(header_max - 30, 'x') + "\r\n\r\n", 7)
                    .refused.has_value());
}

BOOST_AUTO_TEST_CASE(random_bytes_are_read_or_refused_alike_in_pieces_and_whole) {
    Random random("http_parser.random_bytes");
    constexpr std::string_view parts[] = {"GET ",
                                          "POST ",
                                          "/",
                                          " HTTP/1.1",
                                          "\r\n",
                                          "\r\n\r\n",
                                          "Content-Length: ",
                                          "2",
                                          "ab",
                                          "Transfer-Encoding: chunked",
                                          "0",
                                          "\n",
                                          "\r",
                                          ":",
                                          " ",
                                          "\t",
                                          "x",
                                          "\xff",
                                          "a: b\r\n"};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (uint64_t count = random.below(12); count > 0; --count)
            bytes += parts[random.below(std::size(parts))];
        const bool raw_spaces = random.below(2) == 0;
        const Reading whole = read(bytes, bytes.size() + 1, raw_spaces);
        const Reading pieces = read(bytes, 1 + random.below(3), raw_spaces);
        BOOST_TEST_CONTEXT(bytes) {
            // In pieces a request may be refused before the next one has come.
            BOOST_TEST_REQUIRE(whole.refused.has_value() == pieces.refused.has_value());
            BOOST_TEST_REQUIRE(whole.requests == pieces.requests);
        }
    }
}

BOOST_AUTO_TEST_CASE(two_authorizations_are_none_that_is_known) {
    const auto authorization = [](std::string_view fields) {
        const std::string request = "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
        HttpParser parser(1024, 1024);
        std::string_view bytes = request;
        BOOST_TEST((parser.step(bytes) == HttpParser::Step::head));
        return std::string(parser.head().authorization);
    };
    BOOST_TEST(authorization("") == "");
    BOOST_TEST(authorization("authorization: Bearer abc\r\n") == "Bearer abc");
    BOOST_TEST(authorization("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n") == "two");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
