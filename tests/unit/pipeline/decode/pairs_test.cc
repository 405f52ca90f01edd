#include "pipeline/decode/pairs.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/report.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_pairs)

BOOST_AUTO_TEST_CASE(a_key_ends_at_the_first_equals_sign) {
    const Report report("name=a=b;cpu-load=5;revision=;");
    BOOST_TEST(report[Column::identity] == "a=b");
    BOOST_TEST(report[Column::cpu_load] == "5");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(a_list_is_taken_as_it_is) {
    const Report report("model=RB5009UG+S+;name=100%25;cpu-load=7%");
    BOOST_TEST(report[Column::model] == "RB5009UG+S+");
    BOOST_TEST(report[Column::identity] == "100%25");
    BOOST_TEST(report[Column::cpu_load] == "7");
}

BOOST_AUTO_TEST_CASE(spaces_around_pairs_do_not_matter) {
    const Report report(" cpu-load = 5 ; uptime=1d;\n cpu-count=4 \n");
    BOOST_TEST(report[Column::cpu_load] == "5");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(what_broke_off_a_value_is_told_from_an_unknown_key) {
    BOOST_TEST(Report("cpu-load=5;software-id=X;.id=*1;build_time=1").warnings() == "");
    BOOST_TEST(Report("name=Shop; Main St=5;cpu-load=5").warnings() == "kv_fragment_ignored");
    BOOST_TEST(Report("name=Shop; upstairs;cpu-load=5").warnings() == "kv_fragment_ignored");
    BOOST_TEST(Report("=5;cpu-load=5").warnings() == "kv_fragment_ignored");
}

BOOST_AUTO_TEST_CASE(a_form_is_decoded) {
    const Report report("ver=7.24.1+%28stable%29&board=hAP%20lite&cpu=7%25&model=A%2BB%26C%3DD");
    BOOST_TEST(report[Column::version] == "7.24.1");
    BOOST_TEST(report[Column::channel] == "stable");
    BOOST_TEST(report[Column::board_name] == "hAP lite");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::model] == "A+B&C=D");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(a_form_that_nobody_encoded_is_taken_as_it_is) {
    const Report report("ver=7.24.1 (stable)&model=RB5009UG+S+&cpu=7%&name=5%zz");
    BOOST_TEST(report[Column::version] == "7.24.1");
    BOOST_TEST(report[Column::model] == "RB5009UG+S+");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::identity] == "5%zz");
}

BOOST_AUTO_TEST_CASE(bytes_of_a_form_that_decode_to_no_utf8_are_windows_1252) {
    const Report report("name=G%E5rden+%C3%96stra&cpu=7");
    BOOST_TEST(report[Column::identity] == "Gården Östra");
    BOOST_TEST(report.warnings() == "charset_cp1252");
    BOOST_TEST(Report("name=a%00b&cpu=7").warnings() == "bad_value:name");
}

BOOST_AUTO_TEST_CASE(health_rows_inside_a_form_are_values_by_name) {
    const Report report(
        "cpu=7&health=.id=*1;name=voltage;type=V;value=24.1;.id=*2;name=psu1-state;type=;value="
        "fail;"
        ".id=*3;name=temperature;type=C;value=41&uptime=1d");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::temp_c] == "41");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(rows_of_sensors_at_the_end_of_a_list_are_read_by_name) {
    const Report report(
        "identity=x;.id=*1;name=cpu-temperature;type=C;value=43;"
        ".id=*2;name=voltage;type=V;value=24.1");
    BOOST_TEST(report[Column::identity] == "x");
    BOOST_TEST(report[Column::cpu_temp_c] == "43");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::serial_number] == "NULL");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(the_number_of_a_row_is_no_serial_number) {
    const Report report(".id=*1;name=hAP;cpu-load=5");
    BOOST_TEST(report[Column::serial_number] == "NULL");
    BOOST_TEST(report[Column::identity] == "hAP");
}

BOOST_AUTO_TEST_CASE(lines_are_parts_if_nothing_else_separates_them) {
    const Report report("name=R1\r\ncpu-load=5\r\nuptime=1d\r\n");
    BOOST_TEST(report[Column::identity] == "R1");
    BOOST_TEST(report[Column::cpu_load] == "5");
    BOOST_TEST(report[Column::uptime_s] == "86400");
}

BOOST_AUTO_TEST_CASE(a_plus_is_a_plus_unless_the_form_is_encoded) {
    BOOST_TEST(Report("model=RB5009UG+S+&cpu=7")[Column::model] == "RB5009UG+S+");
    BOOST_TEST(Report("model=RB5009UG+S+&cpu=7%")[Column::model] == "RB5009UG+S+");
    BOOST_TEST(Report("name=a+b%21&cpu=7")[Column::identity] == "a b!");
    BOOST_TEST(Report("", BodyHint::unknown, "model=RB5009UG+S+&cpu=7")[Column::model] ==
               "RB5009UG+S+");
}

BOOST_AUTO_TEST_CASE(an_ampersand_in_a_text_of_a_raw_form_separates_nothing) {
    const Report report("model=RB924i-2nD-BT5&BG77&sn=E9C80EAE1F0D&cpu=7&online&uptime=1d");
    BOOST_TEST(report[Column::model] == "RB924i-2nD-BT5&BG77");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::uptime_s] == "86400");
    BOOST_TEST(report.warnings() == "kv_fragment_ignored");
    BOOST_TEST(Report("model=a&b&c&cpu=7")[Column::model] == "a&b&c");
    BOOST_TEST(Report("model=a%20x&b&cpu=7")[Column::model] == "a x");
}

BOOST_AUTO_TEST_CASE(health_is_read_as_versions_6_and_7_write_it) {
    const Report v6("ver=6.49.10&health=cpu-temperature=51;temperature=38;voltage=241&cpu=7");
    BOOST_TEST(v6[Column::cpu_temp_c] == "51");
    BOOST_TEST(v6[Column::temp_c] == "38");
    BOOST_TEST(v6[Column::voltage_v] == "24.1");
    BOOST_TEST(v6.warnings() == "");
}

BOOST_AUTO_TEST_CASE(rows_of_sensors_end_with_their_value) {
    const Report report(
        "uptime=1d;.id=*D;name=voltage;type=V;value=24.2;.id=*E;name=temperature;type=C;value=41;"
        "current-firmware=7.16.2;model=RB4011iGS+;name=core-1");
    BOOST_TEST(report[Column::voltage_v] == "24.2");
    BOOST_TEST(report[Column::temp_c] == "41");
    BOOST_TEST(report[Column::firmware_current] == "7.16.2");
    BOOST_TEST(report[Column::model] == "RB4011iGS+");
    BOOST_TEST(report[Column::identity] == "core-1");
}

BOOST_AUTO_TEST_CASE(rows_of_other_menus_are_parts_of_the_router) {
    const Report report(
        ".id=*1;name=ether1;uptime=1d;mac-address=48:A9:8A:77:00:02;.id=*2;name=ether2;cpu-load=7");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report.device() == "");
}

BOOST_AUTO_TEST_CASE(lists_are_read_however_they_are_separated) {
    for (const std::string_view body :
         {"identity=core 1;cpu-load=7;uptime=1d", "identity=core 1\ncpu-load=7\nuptime=1d",
          "identity=core 1,cpu-load=7,uptime=1d", "identity=core 1|cpu-load=7|uptime=1d",
          "identity=\"core 1\" cpu-load=7 uptime=1d",
          "identity: core 1\r\ncpu-load: 7\r\nuptime: 1d",
          "  identity: core 1\n  cpu-load: 7%\n uptime: 1d"}) {
        const Report report(body);
        BOOST_TEST(report[Column::identity] == "core 1", body);
        BOOST_TEST(report[Column::cpu_load] == "7", body);
        BOOST_TEST(report[Column::uptime_s] == "86400", body);
        BOOST_TEST(report.warnings() == "", body);
    }
    BOOST_TEST(Report(R"(name="a \"b\"";cpu-load=5)")[Column::identity] == "a \"b\"");
}

BOOST_AUTO_TEST_CASE(an_id_that_is_no_serial_number_is_kept_as_an_unknown_field) {
    for (const std::string_view id : {"Kwik Shop 2", "42", "shop", "a-7"}) {
        const Report report("id=" + std::string(id) + "&cpu=7");
        BOOST_TEST(report[Column::serial_number] == "NULL", id);
        BOOST_TEST(report[Column::extra] == fmt::format(R"({{"id":"{}"}})", id));
        BOOST_TEST(report.warnings() == "", id);
    }
    for (const std::string_view id : {"HX1", "HF609BYEWH9", "hf609byewh9"})
        BOOST_TEST(Report("id=" + std::string(id) + "&cpu=7")[Column::serial_number] != "NULL", id);
}

BOOST_AUTO_TEST_CASE(an_ampersand_in_an_unknown_field_separates_nothing) {
    BOOST_TEST(Report("note=A&B&cpu=7")[Column::extra] == R"({"note":"A&B"})");
}

BOOST_AUTO_TEST_CASE(header_fields_beside_a_body_only_name_the_router) {
    const Report report("{}", BodyHint::json, "", "X-Router-ID=RTR-1\nX-NSM-CPU-Load=7\n");
    BOOST_TEST(report.device() == "RTR-1");
    BOOST_TEST(report[Column::cpu_load] == "NULL");
    BOOST_TEST(report.warnings() == "");
    BOOST_TEST(Report("{}", BodyHint::json, "",
                      "X-Serial-Number=HG709X1Y2Z4\n")[Column::serial_number] == "HG709X1Y2Z4");
    // Fields about the request or its client do not name the router.
    for (const std::string_view header :
         {"X-Client-MAC=48:A9:8A:77:00:02\n", "X-Request-ID=7\n", "X-Real-IP=1.2.3.4\n",
          "X-User-Name=a\n", "X-Forwarded-Host=a\n", "X-Server-Name=a\n",
          "X-Correlation-ID=abcdef123456\n", "X-Amzn-Trace-Id=Root=1-6789-abc\n"}) {
        const Report other("{}", BodyHint::json, "", header);
        BOOST_TEST(other.device() == "", header);
        BOOST_TEST(other[Column::identity] == "NULL", header);
        BOOST_TEST(other.warnings() == "no_metrics", header);
        const Report alone("", BodyHint::unknown, "", header);
        BOOST_TEST(alone.device() == "", header);
        BOOST_TEST(alone[Column::identity] == "NULL", header);
        BOOST_TEST(alone[Column::extra] == "NULL", header);
    }
}

BOOST_AUTO_TEST_SUITE_END()
