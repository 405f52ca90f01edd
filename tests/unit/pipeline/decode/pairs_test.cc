#include "pipeline/decode/pairs.h"

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
    const Report report("ver=7.24.1+%28stable%29&board=hAP%20lite&cpu=7%25&sn=A%2BB%26C%3DD");
    BOOST_TEST(report[Column::version] == "7.24.1");
    BOOST_TEST(report[Column::channel] == "stable");
    BOOST_TEST(report[Column::board_name] == "hAP lite");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::serial_number] == "A+B&C=D");
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

BOOST_AUTO_TEST_SUITE_END()
