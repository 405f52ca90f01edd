#include "daemon/http/checkins.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

namespace rollcall {

namespace {

struct CheckinsFixture {
    Result<Admission> admit(std::string_view method, std::string_view target,
                            std::string_view fields = {}) {
        HttpHead head;
        head.fields = fields;
        head.method = method;
        head.target = target;
        return checkins.admit(head, request, allow);
    }

    static Settings with_a_path() {
        Settings settings;
        settings.http.paths = {"/mine"};
        return settings;
    }

    Settings settings = with_a_path();
    Wakeup wakeup;
    Clock clock;
    MetricShard shard;
    Intake intake{{2, 4, 2 * row_text_max, 65536, 10}, {}, wakeup, shard};
    Replies replies{clock};
    OverloadState overload{settings};
    LastSeen last_seen{1024};
    Liveness liveness{intake, last_seen, shard};
    CredentialFiles credential_files{settings};
    Credentials credentials{settings, credential_files, clock};
    Quotas quotas{settings};
    Refusals refusals{clock, shard};
    const IngestContext context{.settings = settings,
                                .clock = clock,
                                .intake = intake,
                                .liveness = liveness,
                                .credentials = credentials,
                                .quotas = quotas,
                                .refusals = refusals};
    Checkins checkins{context, replies, overload, last_seen};
    HttpRequest request;
    std::string_view allow;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_checkins, CheckinsFixture)

BOOST_AUTO_TEST_CASE(check_ins_are_taken_on_the_known_paths_and_those_of_the_settings) {
    for (const char* path : {"/v1/checkins", "/poll", "/update", "/config", "/bandwidth",
                             "/adopt/abc", "/mine", "/poll?login=x"})
        BOOST_TEST(admit("POST", path).has_value());
    for (const char* path : {"/", "/v1/checkins/", "/adopt/", "/adopt", "/POLL", "/theirs"})
        BOOST_TEST((admit("POST", path).error().code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(device_comes_from_the_adopt_path_alone) {
    BOOST_TEST(admit("POST", "/adopt/abc?x=y").has_value());
    BOOST_TEST(request.device == "abc");
    BOOST_TEST(admit("POST", "/poll").has_value());
    BOOST_TEST(request.device == "");
    BOOST_TEST(admit("POST", "/adopt/" + std::string(500, 'x')).has_value());
    BOOST_TEST(request.device.size() == 128);
    // RFC 3986, section 2.1: `%3A` and `:` mean the same character.
    BOOST_TEST(admit("POST", "/adopt/4C%3A5E:0d%20%C3%A4+7%").has_value());
    BOOST_TEST(request.device == "4C:5E:0d \u00e4+7%");
}

BOOST_AUTO_TEST_CASE(token_is_no_value_of_the_report) {
    BOOST_TEST(admit("GET", "/poll?login=4c:5e&key=secret&cpu=4").has_value());
    BOOST_TEST(request.query == "login=4c:5e&cpu=4");
    BOOST_TEST(admit("POST", "/poll",
                     "POST /poll HTTP/1.1\r\nX-Rollcall-Token: secret\r\n"
                     "X-Nsm-Cpu: 4\r\nX-Rollcall-Site: s1\r\n")
                   .has_value());
    BOOST_TEST(request.header == "X-Nsm-Cpu=4\n");
}

BOOST_AUTO_TEST_CASE(where_a_credential_is_asked_for_a_head_without_one_is_refused) {
    settings.auth.mode = "tokens";
    Credentials asking(settings, credential_files, clock);
    const IngestContext asking_context{.settings = settings,
                                       .clock = clock,
                                       .intake = intake,
                                       .liveness = liveness,
                                       .credentials = asking,
                                       .quotas = quotas,
                                       .refusals = refusals};
    Checkins strict(asking_context, replies, overload, last_seen);
    const auto code = [&](std::string_view path, std::string_view authorization) {
        HttpHead head;
        head.method = "POST";
        head.target = path;
        head.authorization = authorization;
        return strict.admit(head, request, allow).error().code;
    };
    BOOST_TEST((code("/poll", "") == Code::no_credential));
    BOOST_TEST((code("/poll", "Bearer x") == Code::bad_credential));
    BOOST_TEST((code("/poll", "two") == Code::bad_credential));
    BOOST_TEST((code("/elsewhere", "") == Code::not_found));
}

BOOST_AUTO_TEST_CASE(other_methods_are_told_which_one_is_taken) {
    for (const char* method : {"GET", "PATCH", "DELETE", "post", "put"}) {
        BOOST_TEST((admit(method, "/poll").error().code == Code::method_not_allowed));
        BOOST_TEST(allow == "POST, PUT");
    }
    BOOST_TEST((admit("DELETE", "/poll?cpu=4").error().code == Code::method_not_allowed));
    BOOST_TEST(allow == "GET, POST, PUT");
}

BOOST_AUTO_TEST_CASE(put_is_taken_as_a_post) {
    for (const char* path : {"/poll", "/v1/checkins", "/adopt/x", "/update", "/write"})
        for (const char* method : {"POST", "PUT"})
            BOOST_TEST((admit(method, path) == Admission::by_service), method << ' ' << path);
}

BOOST_AUTO_TEST_CASE(parameters_of_influxdb_are_no_fields) {
    for (const char* path : {"/write", "/api/v2/write"})
        BOOST_TEST(
            (admit("POST", fmt::format("{}?db=x&u=root&p=secret", path)) == Admission::by_service));
    BOOST_TEST(request.query == "");
    BOOST_TEST((admit("POST", "/poll?login=x") == Admission::by_service));
    BOOST_TEST(request.query == "login=x");
}

BOOST_AUTO_TEST_CASE(load_balancers_may_ask_for_the_health_of_the_daemon_and_for_its_methods) {
    settings.auth.mode = "tokens";
    for (const char* method : {"GET", "HEAD"})
        BOOST_TEST((admit(method, "/healthz").value() == Admission::healthy));
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "TRACE"}) {
        allow = {};
        BOOST_TEST((admit(method, "/healthz").error().code == Code::method_not_allowed), method);
        BOOST_TEST(allow == "GET, HEAD, OPTIONS", method);
    }
    allow = {};
    BOOST_TEST((admit("OPTIONS", "/healthz").value() == Admission::options));
    BOOST_TEST(allow == "GET, HEAD, OPTIONS");
    BOOST_TEST((admit("POST", "/healthz/").error().code == Code::not_found));
    for (const char* target : {"*", "/poll", "/adopt/a", "/v1/checkins?a=b"}) {
        BOOST_TEST((admit("OPTIONS", target).value() == Admission::options));
        BOOST_TEST(allow == "GET, POST, PUT, OPTIONS");
    }
    BOOST_TEST((admit("OPTIONS", "/elsewhere").error().code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(dialect_is_that_of_the_agents_which_report_to_the_path) {
    const auto dialect = [this](std::string_view target, BodyHint hint) {
        request.hint = hint;
        BOOST_TEST(admit("POST", target).has_value());
        return request.dialect;
    };
    BOOST_TEST((dialect("/update?login=x", BodyHint::json) == Dialect::ispapp_update));
    BOOST_TEST((dialect("/bandwidth", BodyHint::json) == Dialect::ispapp_update));
    BOOST_TEST((dialect("/config?login=x", BodyHint::json) == Dialect::ispapp_config));
    BOOST_TEST((dialect("/poll", BodyHint::text) == Dialect::text));
    BOOST_TEST((dialect("/poll", BodyHint::json) == Dialect::canonical));
    BOOST_TEST((dialect("/v1/checkins", BodyHint::text) == Dialect::canonical));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
