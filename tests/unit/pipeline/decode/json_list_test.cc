#include "pipeline/decode/json_list.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/report.h"

using namespace rollcall;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    JsonLines lines;
    BOOST_TEST(lines.open(text, 8).has_value());
    std::vector<std::string> taken;
    while (!lines.at_end()) taken.emplace_back(lines.take());
    return taken;
}

// Returns the texts of an array's elements, with "-" for each element that is not an object.
std::vector<std::string> elements_of(std::string_view text) {
    const Body body(text);
    JsonArray array;
    JsonReportReader reader(text.size());
    Columns rows(8, 8 * row_text_max);
    Fields fields;
    BOOST_TEST(array.open(body.view(), 8).has_value());
    std::vector<std::string> taken;
    while (!array.at_end()) {
        if (!array.at_object()) {
            BOOST_TEST(array.skip().has_value());
            taken.emplace_back("-");
            continue;
        }
        fields.begin(rows);
        taken.emplace_back(array.read(reader, fields).value());
    }
    return taken;
}

}  // namespace

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(decode_json_list)

BOOST_AUTO_TEST_CASE(an_array_is_a_batch_in_which_each_report_is_stored_or_refused) {
    const Report report(R"([{"sn":"A"}, 7, {"sn":"B","cpu_load":101},[{}],{}])");
    BOOST_TEST(report.outcome() == "ok");
    BOOST_TEST(report.rows() == 3);
    BOOST_TEST(report.at(1, Column::serial_number) == "B");
    BOOST_TEST(report.refusals() == "1 unsupported_shape, 3 unsupported_shape");
}

BOOST_AUTO_TEST_CASE(an_array_that_is_not_json_or_too_long_is_refused_as_a_whole) {
    const Report cut(R"([{"sn":"A"},{"sn":"B"},)");
    BOOST_TEST(cut.outcome() == "malformed_json at 23");
    BOOST_TEST(cut.rows() == 0);
    const Report longer("[{},{},{},{},{},{},{},{},{}]");  // One report more than the class Report
                                                          // accepts.
    BOOST_TEST(longer.outcome() == "too_many_items");
    BOOST_TEST(longer.rows() == 0);
}

BOOST_AUTO_TEST_CASE(elements_of_an_array_come_in_order_with_their_text) {
    BOOST_TEST(elements_of("[]").empty());
    BOOST_TEST(elements_of(" [ ] ").empty());
    BOOST_TEST(
        elements_of("[ {\"sn\" : 1} ,7, {} ,[{}]]") == Texts({"{\"sn\" : 1}", "-", "{}", "-"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(elements_that_are_skipped_are_not_read) {
    const Body body(R"([{"sn":"A"},{"sn":"B"}])");
    JsonArray array;
    BOOST_TEST(array.open(body.view(), 8).has_value());
    BOOST_TEST(array.skip().has_value());
    BOOST_TEST(!array.at_end());
    BOOST_TEST(array.skip().has_value());
    BOOST_TEST(array.at_end());
}

BOOST_AUTO_TEST_CASE(the_depth_of_an_array_counts) {
    const auto nested = [](size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    const Body allowed(nested(json_depth_max));
    const Body too_deep(nested(json_depth_max + 1));
    JsonArray array;
    BOOST_TEST(array.open(allowed.view(), 8).has_value());
    BOOST_TEST(array.skip().has_value());
    BOOST_TEST(array.open(too_deep.view(), 8).has_value());
    BOOST_TEST((array.skip().error().code == Code::too_deep));
}

BOOST_AUTO_TEST_CASE(fault_after_the_first_element_is_found_before_the_rest_is_read) {
    struct Case {
        const char* text;
        const char* fault;
    };
    constexpr Case cases[] = {
        {"[{},", "malformed_json at 4"},           {"[{},]", "malformed_json at 4"},
        {"[{} {}]", "malformed_json at 4"},        {"[{}", "malformed_json at 3"},
        {"[{}}", "malformed_json at 3"},           {"[{}] x", "trailing_data at 5"},
        {"[{}],", "trailing_data at 4"},           {"[{},{\"a\":}]", "malformed_json at 9"},
        {"[{},{\"a\":1}", "malformed_json at 11"}, {"[{},{},{},{}]", "too_many_items"},
        {"[{},{},{},]", "malformed_json at 10"},   {"[{},{},{},{},{},x]", "malformed_json at 16"},
        {"[{},7,]", "malformed_json at 6"},        {"[{},{\"a\":\"\\x\"}]", "malformed_json at 11"},
    };
    const auto shown = [](const Error& error) {
        const std::string code(to_text(error.code));
        return error.offset < 0 ? code : code + " at " + std::to_string(error.offset);
    };
    for (const auto& [text, fault] : cases) {
        const Body body(text);
        JsonReportReader reader(body.view().size());
        Columns rows(8, 8 * row_text_max);
        Fields fields;
        JsonArray array;
        BOOST_TEST_REQUIRE(array.open(body.view(), 3).has_value());
        const auto checked = JsonArray(array).check_rest();
        BOOST_TEST((!checked && shown(checked.error()) == fault), text);
        Result<void> read;
        while (read && !array.at_end()) {
            fields.begin(rows);
            if (!array.at_object())
                read = array.skip();
            else if (const auto element = array.read(reader, fields); !element)
                read = std::unexpected(element.error());
        }
        BOOST_TEST((!read && shown(read.error()) == fault), text);
    }
}

BOOST_AUTO_TEST_CASE(lines_that_are_blank_are_no_reports) {
    BOOST_TEST(lines_of("").empty());
    BOOST_TEST(lines_of("\n \r\n\t\n").empty());
    BOOST_TEST(lines_of("\n{}\r\n\n {\"sn\":1}\n \n") == Texts({"{}\r", " {\"sn\":1}"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(more_lines_than_allowed_are_refused_as_a_whole) {
    JsonLines lines;
    BOOST_TEST(lines.open("1\n2\n\n", 2).has_value());
    BOOST_TEST((lines.open("1\n2\n\n3", 2).error().code == Code::too_many_items));
}

BOOST_AUTO_TEST_CASE(each_line_is_stored_or_refused_on_its_own) {
    const Report report("{\"sn\":\"A\"}\n{\"sn\":\n[]\n\n{\"sn\":\"B\"}\n", BodyHint::json_lines);
    BOOST_TEST(report.outcome() == "ok");
    BOOST_TEST(report.rows() == 2);
    BOOST_TEST(report.at(1, Column::serial_number) == "B");
    BOOST_TEST(report.refusals() == "1 malformed_json, 2 unsupported_shape");
}

BOOST_AUTO_TEST_SUITE_END()
