#include "config/cross_checks.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

namespace {

struct CrossChecksFixture {
    // Returns the names of the settings that the problems are about, in order.
    [[nodiscard]] List blamed() const {
        List names;
        for (const auto& [setting, message] : contradictions_in(settings)) {
            BOOST_TEST(!message.empty());
            names.emplace_back(setting);
        }
        return names;
    }

    Settings settings;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cross_checks, CrossChecksFixture)

BOOST_AUTO_TEST_CASE(defaults_do_not_contradict_each_other) { BOOST_TEST(blamed() == List{}); }

BOOST_AUTO_TEST_CASE(each_contradiction_names_the_setting_to_change) {
    settings.http.listen = {"0.0.0.0:8080"};
    settings.admin.listen = {"nowhere"};
    settings.http.paths = {"a"};
    settings.mqtt.topics = {"a#"};
    settings.tls.certificate = {"a"};
    settings.general.sinks = {};
    settings.kafka.brokers = {};
    settings.delivery.batch_text_max = Bytes{1};
    BOOST_TEST(blamed() == List({"http.listen", "admin.listen", "http.paths", "mqtt.topics",
                                 "tls.key", "sinks", "kafka.brokers", "delivery.batch_text_max"}));
}

BOOST_AUTO_TEST_CASE(anonymous_check_ins_from_the_network_are_allowed_explicitly) {
    settings.mqtt.listen = {"[::]:1883"};
    BOOST_TEST(blamed() == List{"mqtt.listen"});
    settings.auth.anonymous_anywhere = true;
    BOOST_TEST(blamed() == List{});
    settings.auth.anonymous_anywhere = false;
    settings.auth.mode = "tokens";
    settings.auth.tokens_file = "/t";
    BOOST_TEST(blamed() == List{});
}

BOOST_AUTO_TEST_CASE(trusted_proxies_are_networks_or_addresses) {
    settings.http.trusted_proxies = {"192.0.2.0/24", "2001:db8::1"};
    BOOST_TEST(blamed() == List{});
    settings.http.trusted_proxies = {"192.0.2.0/24", "proxy.example", "192.0.2.0/33"};
    BOOST_TEST(blamed() == List({"http.trusted_proxies", "http.trusted_proxies"}));
}

BOOST_AUTO_TEST_CASE(every_setting_that_is_named_is_in_the_table) {
    settings.http.tls_listen = {"127.0.0.1:1"};
    settings.auth.mode = "tokens";
    settings.kafka.sasl_mechanism = "PLAIN";
    settings.kafka.tls_key = "k";
    const List names = blamed();
    BOOST_TEST(names == List({"auth.mode", "http.tls_listen", "kafka.sasl_mechanism",
                              "kafka.tls_certificate"}));
    for (const auto& name : names) {
        bool known = false;
        for_each_setting(settings, [&](const SettingInfo& setting, const auto&, const auto&) {
            known |= setting.name == name;
        });
        BOOST_TEST(known, name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
