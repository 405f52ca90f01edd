#include "pipeline/decode/json_report.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/report.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_json_report)

BOOST_AUTO_TEST_CASE(members_of_every_type_reach_their_columns) {
    const Report report(R"({"identity":"caf\u00e9 \"A\"","cpu_load":7,"voltage":24.1,)"
                        R"("uptime":"1d","cpu_count":null,"seq":9007199254740993})");
    BOOST_TEST(report[Column::identity] == "café \"A\"");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report[Column::cpu_count] == "NULL");
    BOOST_TEST(report[Column::seq] == "9007199254740993");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(numbers_for_text_columns_keep_their_characters_wherever_they_stand) {
    const Report report(R"( { "x" : {"version":1,"a":["}",2]} , "y":"\"version\":9,\\", "z":[],)"
                        "\n"
                        R"("version" : 7.20 , "q":1.5e3,"serial":12345.000000,"name":7e0})");
    BOOST_TEST(report[Column::version] == "7.20");
    BOOST_TEST(report[Column::serial_number] == "12345");
    BOOST_TEST(report[Column::identity] == "7e0");
    BOOST_TEST(report.warnings() == "serial_from_number");
}

BOOST_AUTO_TEST_CASE(a_truth_value_is_no_number) {
    const Report report(R"({"cpu_load":true,"cpu_count":4})");
    BOOST_TEST(report[Column::cpu_load] == "NULL");
    BOOST_TEST(report.warnings() == "bad_value:cpu_load");
}

BOOST_AUTO_TEST_CASE(a_group_is_read_as_if_its_members_stood_at_the_top) {
    const Report report(R"({"identity":{"name":"core"},"resource":{"uptime":"1d","cpu":"ARM",)"
                        R"("cpu-count":"2","board-name":"hEX"},"routerboard":{"model":"M"}})");
    BOOST_TEST(report[Column::identity] == "core");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report[Column::cpu_count] == "2");
    BOOST_TEST(report[Column::board_name] == "hEX");
    BOOST_TEST(report[Column::model] == "M");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(other_objects_give_what_only_a_router_has) {
    const Report report(R"({"foo":{"serial-number":"S","cpu_count":4,"name":"x","uptime":"1d",)"
                        R"("version":"7.1"},"cpu":{"usage":12.5},"ram":{"total":100,"used":40}})");
    BOOST_TEST(report[Column::serial_number] == "S");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(report[Column::version] == "NULL");
    BOOST_TEST(report[Column::cpu_load] == "13");
    BOOST_TEST(report[Column::mem_total] == "100");
    BOOST_TEST(report[Column::mem_free] == "60");
    BOOST_TEST(report[Column::extra] == R"({"foo":{"name":"x","uptime":"1d","version":"7.1"}})");
}

BOOST_AUTO_TEST_CASE(lists_give_names_with_values_and_the_paths_of_the_first_object) {
    const Report report(
        R"({"health":[{".id":"*D","name":"voltage","type":"V","value":"24.1"},)"
        R"({"name":"fan1-speed","value":5654}],"gauge":[{"name":"Total DHCP Leases","point":23}],)"
        R"("disks":[{"mount":"a","used":10,"avail":20},{"mount":"b","used":1,"avail":2}],)"
        R"("interfaces":[{"name":"ether1","uptime":"1d","rssi":-40}]})");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::dhcp_leases] == "23");
    BOOST_TEST(report[Column::disk_total] == "30");
    BOOST_TEST(report[Column::disk_free] == "20");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(report[Column::lte_rssi] == "NULL");
    BOOST_TEST(report[Column::extra] ==
               R"({"health":[{"name":"fan1-speed","value":5654}],"disks":[{"mount":"a"},)"
               R"({"mount":"b","used":1,"avail":2}],)"
               R"("interfaces":[{"name":"ether1","uptime":"1d","rssi":-40}]})");
}

BOOST_AUTO_TEST_CASE(a_key_of_two_objects_is_no_duplicate_and_the_later_one_counts) {
    const Report report(R"({"inventory":{"uptime":"1d"},"metrics":{"uptime":"2d"}})");
    BOOST_TEST(report[Column::uptime_s] == "172800");
    BOOST_TEST(report.warnings() == "");
    BOOST_TEST(Report(R"({"metrics":{"uptime":"1d","uptime":"2d"}})").warnings() ==
               "duplicate_key:uptime");
}

BOOST_AUTO_TEST_CASE(secrets_are_stored_nowhere) {
    const Report report(R"({"cpu_count":4,"token":"t0ps3cret","wireless":[{"ssid":"A",)"
                        R"("key":"t0ps3cret"}],"sim":{"imsi":"t0ps3cret"}})");
    BOOST_TEST(report[Column::extra] == R"({"wireless":[{"ssid":"A"}]})");
}

BOOST_AUTO_TEST_CASE(json_rpc_is_known_by_its_version_and_its_id_is_kept) {
    const Report report(R"({"jsonrpc":"2.0","method":"agent.report","id":"a1",)"
                        R"("params":{"report":{"cpu":{"usage":7},"uptime":3600}}})");
    BOOST_TEST(report.shape().json_rpc);
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::uptime_s] == "3600");
}

BOOST_AUTO_TEST_CASE(what_is_nested_is_held_to_the_grammar_too) {
    BOOST_TEST(Report(R"({"a":{"b":[1,]},"cpu_count":4})").outcome() == "malformed_json at 13");
}

BOOST_AUTO_TEST_CASE(only_an_object_is_a_report) {
    for (const std::string_view body : {"1", "\"text\"", "null"})
        BOOST_TEST(Report(body, BodyHint::json).outcome() == "unsupported_shape", body);
}

BOOST_AUTO_TEST_CASE(a_number_too_large_costs_its_column_only) {
    const Report report(R"({"cpu_load":1e400,"total_memory":123456789012345678901234567890,)"
                        R"("serial":123456789012345678901234567890,"unknown":-1e999,)"
                        R"("free_memory":null,"version":null,"cpu_count":4})");
    BOOST_TEST(report[Column::cpu_load] == "NULL");
    BOOST_TEST(report[Column::mem_total] == "NULL");
    BOOST_TEST(report[Column::serial_number] == "123456789012345678901234567890");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report.warnings() == "bad_value:cpu_load,bad_value:total_memory,serial_from_number");
    BOOST_TEST(Report(R"({"mem_free":18446744073709551615})").warnings() == "bad_value:mem_free");
}

BOOST_AUTO_TEST_CASE(half_a_surrogate_pair_costs_one_character_only) {
    BOOST_TEST(Report(R"({"identity":"a\ud800b"})")[Column::identity] == "a\uFFFDb");
}

BOOST_AUTO_TEST_CASE(a_nul_reaches_no_column) {
    const Report report(R"({"identity":"a\u0000b","cpu_count":4})");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report.warnings() == "bad_value:identity");
}

BOOST_AUTO_TEST_CASE(the_depth_that_is_refused_is_the_one_that_is_told) {
    for (size_t depth = json_depth_max - 2; depth <= json_depth_max + 2; ++depth) {
        const std::string inner = std::string(depth - 1, '[') + "1" + std::string(depth - 1, ']');
        const Report report("{\"a\":" + inner + "}");
        BOOST_TEST(report.outcome() == (depth <= json_depth_max ? "ok" : "too_deep at 36"), depth);
    }
}

BOOST_AUTO_TEST_CASE(what_lies_behind_the_body_does_not_count) {
    // A Body is followed by quotes, which would close the string.
    BOOST_TEST(Report(R"({"identity":"a)").outcome() == "malformed_json at 14");
    BOOST_TEST(Report(R"({"cpu_count":4)").outcome() == "malformed_json at 14");
}

BOOST_AUTO_TEST_CASE(an_object_called_like_a_key_gives_its_value) {
    const Report report(R"({"health":{"cpu-temperature":{"value":43,"unit":"C"}},)"
                        R"("voltage":{"value":"24.1","type":"V"},"identity":{"name":"R1"}})");
    BOOST_TEST(report[Column::cpu_temp_c] == "43");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::identity] == "R1");
    BOOST_TEST(report[Column::extra] == "NULL");
}

BOOST_AUTO_TEST_CASE(menus_are_groups_too) {
    const Report report(R"({"/system/resource":{"uptime":"1d","cpu-load":"5"}})");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report[Column::cpu_load] == "5");
}

BOOST_AUTO_TEST_SUITE_END()
