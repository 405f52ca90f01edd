#include "pipeline/decode_json.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "pipeline/json_fault.h"
#include "tests/support/report.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_json)

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

BOOST_AUTO_TEST_CASE(nested_members_are_checked_and_passed_over) {
    const Report report(R"({"identity":{"name":"inner"},"cpu_load":[1,2],"cpu_count":4})");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::cpu_load] == "NULL");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report.warnings() == "");
    BOOST_TEST(Report(R"({"a":{"b":[1,]},"cpu_count":4})").outcome() == "malformed_json at 13");
}

BOOST_AUTO_TEST_CASE(only_an_object_is_a_report) {
    for (const std::string_view body : {"[]", "[{\"cpu_load\":1}]"})
        BOOST_TEST(Report(body).outcome() == "unsupported_shape", body);
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
    BOOST_TEST(Report(R"({"mem_free":18446744073709551615})").warnings() ==
               "out_of_range:mem_free");
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

BOOST_AUTO_TEST_SUITE_END()
