#include "pipeline/decode/extra.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/random.h"
#include "tests/support/report.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_extra)

BOOST_AUTO_TEST_CASE(members_and_elements_become_one_object) {
    Extra extra;
    extra.clear();
    BOOST_TEST(extra.json() == "");
    extra.text("level", "6");
    const auto list = extra.open("interfaces", '[');
    const auto first = extra.open({}, '{');
    extra.text("name", "ether1");
    extra.literal("rx-byte", "18446744073709551615");
    extra.close(first, '}');
    extra.literal({}, "null");
    extra.close(list, ']');
    BOOST_TEST(extra.json() == R"({"level":"6","interfaces":[{"name":"ether1",)"
                               R"("rx-byte":18446744073709551615},null]})");
}

BOOST_AUTO_TEST_CASE(what_json_does_not_allow_is_escaped) {
    Extra extra;
    extra.clear();
    extra.text("a\"b", "x\\y\n\x01 long enough to be looked at by words é");
    BOOST_TEST(extra.json() ==
               R"({"a\"b":"x\\y\u000a\u0001 long enough to be looked at by words é"})");
}

BOOST_AUTO_TEST_CASE(empty_objects_and_lists_are_left_out) {
    Extra extra;
    extra.clear();
    extra.text("a", "1");
    const auto object = extra.open("b", '{');
    const auto list = extra.open("c", '[');
    extra.close(list, ']');
    extra.close(object, '}');
    extra.text("d", "2");
    BOOST_TEST(extra.json() == R"({"a":"1","d":"2"})");
}

BOOST_AUTO_TEST_CASE(what_is_taken_back_leaves_no_trace) {
    Extra extra;
    extra.clear();
    const auto list = extra.open("health", '[');
    for (const std::string_view name : {"voltage", "fan", "power"}) {
        const auto row = extra.open({}, '{');
        extra.text("name", name);
        if (name != "fan") extra.take_back(row);
        extra.close(row, '}');
    }
    extra.close(list, ']');
    BOOST_TEST(extra.json() == R"({"health":[{"name":"fan"}]})");
}

BOOST_AUTO_TEST_CASE(secrets_are_known_by_their_names) {
    for (const std::string_view name : {"key",
                                        "token",
                                        "password",
                                        "Wi-Fi Password",
                                        "wpa2-pre-shared-key",
                                        "X-Device-Secret",
                                        "private_key",
                                        "authToken",
                                        "passphrase",
                                        "imsi",
                                        "ICCID",
                                        "sim-imei",
                                        "user-pwd",
                                        "psk",
                                        "api.key",
                                        "Authorization",
                                        "credentials",
                                        "router-secret",
                                        "session_cookie",
                                        "uicc",
                                        "subscriber-number",
                                        "MSISDN",
                                        "phone",
                                        "phone_number",
                                        "sim-pin",
                                        "community",
                                        "snmpCommunity",
                                        "otp",
                                        "totp",
                                        "jwt",
                                        "wepkey",
                                        "static-wep-key"})
        BOOST_TEST(is_secret(name), name);
    for (const std::string_view name :
         {"", "keytypes", "ssid", "software-id", "passive", "interfaces", "keepalive", "comment",
          "spin-up", "uuid", "tx-ccq", "platform", "hotkey", "public-key", "monkey", "primary_key",
          "laptop", "key-count"})
        BOOST_TEST(!is_secret(name), name);
}

BOOST_AUTO_TEST_CASE(what_identifies_a_subscriber_is_kept_only_if_it_shall_be) {
    for (const std::string_view name : {"uicc", "iccid", "imsi", "imei", "msisdn",
                                        "subscriber-number", "phone-number", "sim-number"}) {
        BOOST_TEST((privacy_of(name) == Privacy::subscriber), name);
        BOOST_TEST(Dictionary().look_up(name).secret, name);
        BOOST_TEST(!Dictionary(true).look_up(name).secret, name);
    }
    for (const std::string_view name : {"token", "sim-pin", "community", "otp", "jwt", "key"})
        BOOST_TEST(Dictionary(true).look_up(name).secret, name);
}

BOOST_AUTO_TEST_CASE(secrets_are_left_out_with_all_that_is_in_them) {
    Extra extra;
    extra.clear();
    const auto secret = extra.open("secrets", '{');
    const auto inner = extra.open("a", '[');
    extra.text({}, "1");
    extra.close(inner, ']');
    extra.close(secret, '}');
    extra.text("key", "hunter2");
    extra.text("ssid", "Tower12");
    BOOST_TEST(extra.json() == R"({"ssid":"Tower12"})");
    BOOST_TEST(!extra.cut());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_left_out_and_the_rest_is_json) {
    Extra extra;
    extra.clear();
    extra.text("pad", std::string(5000, 'x'));
    BOOST_TEST(extra.cut());
    extra.text("small", "1");
    const auto list = extra.open("list", '[');
    for (int i = 0; i < 1000; ++i) {
        const auto row = extra.open({}, '{');
        extra.literal("i", std::to_string(i));
        extra.close(row, '}');
    }
    extra.close(list, ']');
    BOOST_TEST(extra.json().size() <= bytes_max(Column::extra));
    BOOST_TEST(extra.json().starts_with(R"({"small":"1","list":[{"i":0},)"));
    BOOST_TEST(is_json(extra.json()));
}

BOOST_AUTO_TEST_CASE(whatever_is_said_is_json_and_fits) {
    Random random("whatever_is_said_is_json_and_fits");
    Extra extra;
    for (int round = 0; round < 2000; ++round) {
        extra.clear();
        struct Open {
            Extra::Mark mark;
            char closer;
        };
        std::vector<Open> open;
        const auto in_list = [&] { return !open.empty() && open.back().closer == ']'; };
        for (auto steps = random.below(300); steps > 0; --steps) {
            std::string text(random.below(random.below(20) == 0 ? 3000 : 12), 'x');
            for (char& c : text) c = static_cast<char>(random.below(128));
            const std::string name = in_list() ? "" : "n" + text.substr(0, 9);
            switch (random.below(open.size() < json_depth_max - 1 ? 5 : 2)) {
                case 0: extra.text(name, text); break;
                case 1: extra.literal(name, "-1.5e3"); break;
                case 2: open.push_back({extra.open(name, '{'), '}'}); break;
                case 3: open.push_back({extra.open(name, '['), ']'}); break;
                default:
                    if (open.empty()) break;
                    if (random.below(8) == 0) extra.take_back(open.back().mark);
                    extra.close(open.back().mark, open.back().closer);
                    open.pop_back();
            }
        }
        for (; !open.empty(); open.pop_back()) extra.close(open.back().mark, open.back().closer);
        const auto json = extra.json();
        BOOST_REQUIRE(json.size() <= bytes_max(Column::extra));
        BOOST_REQUIRE((json.empty() || is_json(json)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
