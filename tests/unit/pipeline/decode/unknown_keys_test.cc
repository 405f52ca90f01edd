#include "pipeline/decode/unknown_keys.h"

#include <boost/test/unit_test.hpp>
#include <map>

#include "pipeline/columns/columns.h"
#include "tests/support/report.h"
#include "tests/support/rows.h"

using namespace rollcall;

namespace {

struct UnknownKeysFixture {
    void take(std::string_view body, size_t times = 1) {
        const Body sent(body);
        for (size_t time = 0; time < times; ++time) {
            taken.clear();
            BOOST_TEST_REQUIRE(taken.take(decoder, {.body = sent.view()}).has_value(), body);
        }
    }
    // Returns each unknown key as "name count shape", where the shape describes one of its values.
    // The keys are sorted and separated by commas.
    std::string counted() {
        std::map<std::string, std::string> all;
        for (const auto& entry : taken.fields.unknown_keys().names().entries())
            all[std::string(entry.name())] =
                fmt::format("{} {}", entry.count, shape_of(entry.note));
        std::string text;
        for (const auto& [name, about] : all)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, about);
        return text;
    }

    Decoder decoder{4096, 8};
    Rows taken{8, 8 * row_text_max};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(decode_unknown_keys, UnknownKeysFixture)

BOOST_AUTO_TEST_CASE(known_keys_are_not_counted) {
    take(R"({"serial_number":"HX1","cpu_load":3,"uptime":"1d","cpu":{"load":3},"mem_free_mb":5})");
    take(R"({"health":[{"name":"voltage","value":24.1}]})");
    take("serial-number=HX1;cpu-load=3");
    take("system,serial=HX1 cpu_load=3i");
    BOOST_TEST(counted() == "");
}

BOOST_AUTO_TEST_CASE(unknown_key_is_counted_in_every_format_with_the_shape_of_a_value) {
    take(R"({"cpu_load":3,"vendor":"abcdef","flag":true,"nothing":null,"number":1.5,)"
         R"("since":"1d2h","gateway":"192.0.2.1","digits":"12"})",
         3);
    BOOST_TEST(counted() ==
               "digits 3 number, flag 3 true/false, gateway 3 address, nothing 3 null, "
               "number 3 number, since 3 duration, vendor 3 text of 6 bytes");
    take("cpu-load=3;vendor=x", 2);
    take("cpu-load=3&vendor=x", 2);
    take("system,serial=HX1 cpu_load=3i,vendor=\"x\"", 2);
    BOOST_TEST(counted().find("vendor 7 text of 6 bytes") != std::string::npos, counted());
    BOOST_TEST(counted().find("system.vendor 2 text of 1 bytes") != std::string::npos, counted());
}

BOOST_AUTO_TEST_CASE(member_of_an_object_is_counted_with_its_path_and_a_list_as_a_whole) {
    take(R"({"cpu_load":3,"foo":{"bar":1,"deep":{"x":2}},"interfaces":[{"mtu":1},{"mtu":2}]})", 2);
    BOOST_TEST(counted() == "deep.x 2 number, foo.bar 2 number, interfaces 2 list");
}

BOOST_AUTO_TEST_CASE(member_of_a_wrapper_is_counted_only_if_it_is_not_understood) {
    take(R"({"thing":{"uptime":"1d","cpu-load":5,"vendor":1}})", 2);
    BOOST_TEST(counted() == "thing.vendor 2 number");
    take(R"({"thing":{"uptime":"1d"}})", 2);
    BOOST_TEST(counted() == "thing.uptime 2 duration, thing.vendor 2 number");
}

BOOST_AUTO_TEST_CASE(secret_and_subscriber_show_no_more_than_the_type) {
    take(R"({"cpu_load":3,"wifi-password":"12345678","imsi":"901280000000001","pin":1234})");
    BOOST_TEST(counted() == "imsi 1 text, pin 1 number, wifi-password 1 text");
}

BOOST_AUTO_TEST_CASE(many_keys_need_no_more_memory_and_leave_the_frequent_ones) {
    for (size_t report = 0; report < 2000; ++report)
        take(fmt::format(
            R"({{"cpu_load":3,"router_vers":"7","x{}":1,"a_long_name_of_a_member_{}":1}})", report,
            report));
    BOOST_TEST(taken.fields.unknown_keys().names().entries().size() ==
               Fields::unknown_keys_default);
    BOOST_TEST(counted().find("router_vers 2000 number") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(key_resembles_the_column_of_the_nearest_known_key) {
    constexpr std::pair<std::string_view, std::optional<Column>> examples[] = {
        {"cpu_laod", Column::cpu_load},
        {"router_os_vers", Column::version},
        {"foo.uptime", Column::uptime_s},
        {"Serial-Nummer", Column::serial_number},
        {"temperatur", Column::temp_c},
        {"ssid", {}},
        {"entirely_different", {}},
        {"", {}},
        {"x.", {}},
        {"\xC3\xA9", {}},
    };
    for (const auto& [key, column] : examples) BOOST_TEST((resembled_column(key) == column), key);
}

BOOST_AUTO_TEST_SUITE_END()
