#include "daemon/http/replies.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace rollcall {

namespace {

struct RepliesFixture {
    ManualClock clock;  // Starts at 1790000000 s: Mon, 21 Sep 2026 14:13:20.
    Replies replies{clock};
};

const std::string head =
    "HTTP/1.1 200 OK\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: ";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_replies, RepliesFixture)

BOOST_AUTO_TEST_CASE(plain_answer_is_small_and_complete) {
    BOOST_TEST(replies.accepted({.next_s = 30}, After::keep_alive) ==
               head +
                   "63\r\n\r\n"
                   R"({"status":"ok","accepted":1,"server_time":1790000000,"next":30})");
}

BOOST_AUTO_TEST_CASE(warnings_are_listed) {
    BOOST_TEST(
        replies.accepted({.next_s = 30, .warnings = "bad_value:uptime,utf8_bom"}, After::close) ==
        head +
            "106\r\nConnection: close\r\n\r\n"
            R"({"status":"ok","accepted":1,"warnings":["bad_value:uptime","utf8_bom"],)"
            R"("server_time":1790000000,"next":30})");
}

BOOST_AUTO_TEST_CASE(answer_to_a_batch_says_what_was_refused_and_why) {
    const std::vector<Receipt::Refusal> refused = {{1, Code::unsupported_shape},
                                                   {3, Code::malformed_json}};
    const auto answer =
        replies.accepted({.next_s = 30, .accepted = 2, .refused = refused}, After::keep_alive);
    BOOST_TEST(answer.ends_with(
        R"({"status":"ok","accepted":2,"rejected":[{"index":1,"code":"unsupported_shape",)"
        R"("message":"The JSON value is not an object."},{"index":3,"code":"malformed_json",)"
        R"("message":"The body is not valid JSON (RFC 8259)."}],"server_time":1790000000,)"
        R"("next":30})"));
}

BOOST_AUTO_TEST_CASE(script_that_runs_its_answer_gets_an_empty_text) {
    const auto answer =
        replies.accepted({.next_s = 30, .dialect = Dialect::text}, After::keep_alive);
    BOOST_TEST(answer.find("Content-Type: text/plain\r\nContent-Length: 0\r\n") != answer.npos);
    BOOST_TEST(answer.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(client_of_influxdb_gets_204_without_a_length) {
    BOOST_TEST(replies.accepted({.next_s = 30, .dialect = Dialect::influx}, After::keep_alive) ==
               "HTTP/1.1 204 No Content\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(unsupported_encoding_is_answered_by_the_supported_ones) {
    BOOST_TEST(replies.refused({.code = Code::unsupported_encoding}, After::close)
                   .find("\r\nAccept-Encoding: gzip, deflate, zstd\r\n") != std::string::npos);
    BOOST_TEST(replies.refused({.code = Code::unsupported_media_type}, After::close)
                   .find("Accept-Encoding") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(json_rpc_gets_its_id_back) {
    const auto with = [this](std::string_view id) {
        return std::string(replies.accepted(
            {.next_s = 30, .dialect = Dialect::json_rpc, .rpc_id = id}, After::keep_alive));
    };
    BOOST_TEST(with("\"a1\"").ends_with(R"({"jsonrpc":"2.0","id":"a1","result":{"status":"ok",)"
                                        R"("accepted":1,"server_time":1790000000,"next":30}})"));
    BOOST_TEST(with("").find(R"("id":null)") != std::string::npos);
}

// Returns the smallest and the largest Retry-After of many responses.
std::pair<int64_t, int64_t> retry_after_s(Replies& replies, const Error& error) {
    int64_t soonest = INT64_MAX;
    int64_t latest = 0;
    for (int answer = 0; answer < 2000; ++answer) {
        const std::string text(replies.refused(error, After::keep_alive));
        const int64_t after_s = std::stoll(text.substr(text.find("Retry-After: ") + 13));
        soonest = std::min(soonest, after_s);
        latest = std::max(latest, after_s);
    }
    return {soonest, latest};
}

BOOST_AUTO_TEST_CASE(
    who_is_over_a_quota_is_told_a_time_that_others_are_not_and_never_a_shorter_one) {
    const auto [soonest, latest] =
        retry_after_s(replies, {.code = Code::over_network_quota, .wait_s = 100});
    BOOST_TEST(soonest == 100);
    BOOST_TEST(latest == 150);
}

BOOST_AUTO_TEST_CASE(who_finds_the_daemon_busy_is_told_to_come_no_sooner_than_its_next_report) {
    Settings settings;
    settings.replies.next = Millis(40'000);
    settings.replies.next_jitter = 10;
    const OverloadState overload(settings);
    Replies busy(clock, &overload);
    for (const Code code : {Code::signature_checks_suspended, Code::overloaded}) {
        const auto [soonest, latest] = retry_after_s(busy, {code});
        BOOST_TEST(soonest >= 36);
        BOOST_TEST(soonest <= 40);
        BOOST_TEST(latest >= 60);
        BOOST_TEST(latest <= 66);
    }
}

// Replies has a cache of 64 entries for the most frequent response. The reporting interval `next`
// selects the entry. Two values of `next` that share an entry must not be confused.
BOOST_AUTO_TEST_CASE(each_site_hears_its_own_next) {
    for (int round = 0; round < 2; ++round)
        for (const int64_t next : {27, 30, 30 + 64, 33, 27 + 128, 1, 86'400}) {
            const std::string answer(replies.accepted({.next_s = next}, After::keep_alive));
            const std::string end = fmt::format(R"("next":{}}})", next);
            BOOST_TEST(answer.ends_with(end), answer);
            const size_t body = answer.size() - (answer.find("\r\n\r\n") + 4);
            BOOST_TEST(answer.find(fmt::format("Content-Length: {}\r\n", body)) !=
                       std::string::npos);
        }
}

BOOST_AUTO_TEST_CASE(ispapp_hears_when_its_next_reports_are_due) {
    const auto age = [this](int64_t seconds, int64_t interval) {
        const std::string answer(replies.accepted(
            {.next_s = interval, .dialect = Dialect::ispapp_update, .collectors_age_s = seconds},
            After::keep_alive));
        BOOST_TEST(answer.find("Content-Type: application/json\r\n") != std::string::npos);
        return answer.substr(answer.find("\r\n\r\n") + 4);
    };
    BOOST_TEST(age(0, 30) == R"({"updateFast":false,"lastUpdateOffsetSec":0,)"
                             R"("lastColUpdateOffsetSec":0,"cmds":[]})");
    BOOST_TEST(age(17, 30).find(R"("lastColUpdateOffsetSec":17,)") != std::string::npos);
    // The value is never so large that the router's interval becomes 0, because the router would
    // then stop reporting.
    BOOST_TEST(age(4000, 30).find(R"("lastColUpdateOffsetSec":28,)") != std::string::npos);
    BOOST_TEST(age(4000, 1).find(R"("lastColUpdateOffsetSec":0,)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(ispapp_hears_its_intervals_and_nothing_that_would_reconfigure_it) {
    const std::string answer(
        replies.accepted({.next_s = 28, .dialect = Dialect::ispapp_config}, After::close));
    BOOST_TEST(
        answer.ends_with("\r\n\r\n"
                         R"({"host":{"outageIntervalSeconds":28,"updateIntervalSeconds":28}})"));
}

BOOST_AUTO_TEST_CASE(json_rpc_hears_errors_as_its_own) {
    const auto body = [this](const Error& error, std::string_view id) {
        const Shape shape{.json_rpc = true, .rpc_id = id};
        const std::string answer(replies.refused(error, After::keep_alive, {}, shape));
        BOOST_TEST(answer.starts_with(fmt::format("HTTP/1.1 {} ", info(error.code).http_status)));
        return answer.substr(answer.find("\r\n\r\n") + 4);
    };
    BOOST_TEST(body({Code::malformed_json, 0, 17}, "\"a1\"") ==
               R"({"jsonrpc":"2.0","error":{"code":-32700,"message":)"
               R"("The body is not valid JSON (RFC 8259).",)"
               R"("data":{"code":"malformed_json","offset":17}},"id":"a1"})");
    const auto number = [&](Code code) {
        const std::string text = body({code}, "");
        BOOST_TEST(text.ends_with(R"(}},"id":null})"));
        const size_t at = text.find(R"("code":)") + 7;
        return text.substr(at, text.find(',', at) - at);
    };
    for (const Code code : {Code::malformed_json, Code::trailing_data, Code::too_deep})
        BOOST_TEST(number(code) == "-32700");
    for (const Code code : {Code::unsupported_shape, Code::too_many_items, Code::body_too_large})
        BOOST_TEST(number(code) == "-32600");
    for (const Code code : {Code::ring_full, Code::disk_full, Code::sync_failed})
        BOOST_TEST(number(code) == "-32000");
}

BOOST_AUTO_TEST_CASE(time_in_the_answer_goes_on_with_the_clock) {
    BOOST_TEST(replies.accepted({.next_s = 30}, After::keep_alive).find("1790000000") !=
               std::string::npos);
    clock.pass(std::chrono::seconds(1));
    BOOST_TEST(replies.accepted({.next_s = 30}, After::keep_alive).find("1790000001") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(refusal_has_code_sentence_and_offset) {
    const std::string answer(replies.refused({Code::malformed_json, 0, 17}, After::keep_alive));
    BOOST_TEST(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    BOOST_TEST(answer.ends_with(R"({"status":"error","code":"malformed_json",)"
                                R"("message":"The body is not valid JSON (RFC 8259).",)"
                                R"("offset":17})"));
    BOOST_TEST(replies.refused({Code::not_found}, After::close).find("offset") ==
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(wrong_method_is_told_the_right_ones) {
    const std::string answer(
        replies.refused({Code::method_not_allowed}, After::keep_alive, "POST"));
    BOOST_TEST(answer.find("\r\nAllow: POST\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_is_not_known_is_told_how_to_say_who_it_is) {
    for (const Code code : {Code::no_credential, Code::bad_credential, Code::expired_credential}) {
        const std::string answer(replies.refused({code}, After::close));
        BOOST_TEST(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
        BOOST_TEST(
            answer.find("\r\nWWW-Authenticate: Bearer realm=\"rollcall\"\r\n"
                        "WWW-Authenticate: Basic realm=\"rollcall\", charset=\"UTF-8\"\r\n") !=
            std::string::npos);
    }
    BOOST_TEST(std::string(replies.refused({Code::not_found}, After::close)).find("WWW-") ==
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_code_has_a_status_with_a_reason) {
    for (size_t code = 0; code < std::size(code_names); ++code) {
        const std::string answer(replies.refused({static_cast<Code>(code)}, After::close));
        const std::string line = answer.substr(0, answer.find('\r'));
        // "HTTP/1.1 400 " has 13 characters.
        BOOST_TEST_CONTEXT(code_names[code]) BOOST_TEST(line.size() > 13);
    }
}

BOOST_AUTO_TEST_CASE(answer_to_head_has_the_length_and_no_body) {
    const std::string answer(replies.page(200, "text/plain", "ready\n", After::keep_alive, false));
    BOOST_TEST(answer.find("Content-Length: 6\r\n") != std::string::npos);
    BOOST_TEST(answer.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
