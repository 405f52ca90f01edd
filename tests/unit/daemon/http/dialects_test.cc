#include "daemon/http/dialects.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(http_dialects)

BOOST_AUTO_TEST_CASE(path_tells_the_agent_and_the_content_type_a_script) {
    BOOST_TEST((dialect_at("/update", BodyHint::json) == Dialect::ispapp_update));
    BOOST_TEST((dialect_at("/bandwidth", BodyHint::text) == Dialect::ispapp_update));
    BOOST_TEST((dialect_at("/config", BodyHint::unknown) == Dialect::ispapp_config));
    BOOST_TEST((dialect_at("/poll", BodyHint::text) == Dialect::text));
    BOOST_TEST((dialect_at("/adopt/abc", BodyHint::text) == Dialect::text));
    BOOST_TEST((dialect_at("/adopt/abc", BodyHint::form) == Dialect::canonical));
    BOOST_TEST((dialect_at("/v1/checkins", BodyHint::text) == Dialect::canonical));
    BOOST_TEST((dialect_at("/updates", BodyHint::json) == Dialect::canonical));
    BOOST_TEST((dialect_at("/write", BodyHint::text) == Dialect::influx));
    BOOST_TEST((dialect_at("/api/v2/write", BodyHint::form) == Dialect::influx));
    for (const char* path : {"/poll", "/adopt/abc"}) BOOST_TEST(runs_responses(path));
    for (const char* path : {"/polls", "/v1/checkins", "/update", "/write"})
        BOOST_TEST(!runs_responses(path));
}

BOOST_AUTO_TEST_CASE(ispapp_is_asked_for_intervals_that_every_version_accepts) {
    BOOST_TEST(ispapp_interval_s(0) == 2);
    BOOST_TEST(ispapp_interval_s(2) == 2);
    BOOST_TEST(ispapp_interval_s(30) == 30);
    BOOST_TEST(ispapp_interval_s(300) == 300);
    BOOST_TEST(ispapp_interval_s(86'400) == 300);
}

BOOST_AUTO_TEST_CASE(ispapp_never_gets_an_offset_that_would_stop_its_scheduler) {
    for (const int64_t interval_s : {2, 3, 30, 300})
        for (const int64_t age_s : {-5, 0, 1, 29, 30, 4000}) {
            std::string body;
            append_ispapp_update(body, interval_s, age_s);
            const int64_t offset_s =
                std::stoll(body.substr(body.find("ColUpdateOffsetSec\":") + 20));
            BOOST_TEST(offset_s >= 0);
            BOOST_TEST(interval_s - offset_s >= 2);
        }
}

BOOST_AUTO_TEST_CASE(malformed_body_is_json_rpc_if_it_has_the_member) {
    BOOST_TEST(names_json_rpc(R"({"jsonrpc":"2.0","id":1,)"));
    BOOST_TEST(!names_json_rpc(R"({"cpu_load":"jsonrpc)"));
    BOOST_TEST(json_rpc_id("") == "null");
    BOOST_TEST(json_rpc_id("\"a\"") == "\"a\"");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
