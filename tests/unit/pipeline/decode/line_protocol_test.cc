#include "pipeline/decode/line_protocol.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/report.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_line_protocol)

BOOST_AUTO_TEST_CASE(a_line_is_told_from_pairs) {
    for (const std::string_view text :
         {"system cpu_load=7i", "system,host=a cpu_load=7i 1795860000", "# c\n\nm,t=1 f=\"x y\" 1",
          "my\\ m,t\\,a=1 f=1"})
        BOOST_TEST(opens_line_protocol(text), text);
    for (const std::string_view text :
         {"", "system", "name=a b=c", "name=a;cpu=7", "a,b=c", "cpu=7 uptime=1d", "system cpu_load",
          "m f=1 tomorrow", "m{a=\"b\"} 7", "m a=1&b=2", "# only a comment", "m =1"})
        BOOST_TEST(!opens_line_protocol(text), text);
}

BOOST_AUTO_TEST_CASE(tags_and_fields_are_keys) {
    const Report report(
        R"(system,serial=HG709X1Y2Z4,board=hAP\ ax\,2 cpu_load=7i,free_memory=190840832i,)"
        R"_(version="7.16.2 (stable)",uptime="1w2d03:04:05",running=true 1795860000000000000)_");
    BOOST_TEST(report[Column::serial_number] == "HG709X1Y2Z4");
    BOOST_TEST(report[Column::board_name] == "hAP ax,2");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::mem_free] == "190840832");
    BOOST_TEST(report[Column::version] == "7.16.2");
    BOOST_TEST(report[Column::uptime_s] == "788645");
    BOOST_TEST(report[Column::reported_at] == "1795860000000000");
    BOOST_TEST(report[Column::extra] == R"({"running":"true"})");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(a_measurement_is_an_object_of_its_fields) {
    const Report report(
        "cpu,host=a load=7i\nmem,host=a free=100000000i,total=200000000i\n"
        "disk,host=a free=5000000i\n");
    BOOST_TEST(report.rows() == 1);
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::mem_free] == "100000000");
    BOOST_TEST(report[Column::mem_total] == "200000000");
    BOOST_TEST(report[Column::disk_free] == "5000000");
}

BOOST_AUTO_TEST_CASE(another_thing_does_not_speak_for_the_router) {
    const Report report("interface,serial-number=HG709X1Y2Z4,name=ether1 uptime=\"1d\",rx=5i");
    BOOST_TEST(report[Column::serial_number] == "HG709X1Y2Z4");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(Report("system,name=system cpu_load=7i")[Column::identity] == "NULL");
}

BOOST_AUTO_TEST_CASE(lines_of_several_routers_are_several_reports) {
    const Report report(
        "system,serial=HG709X1Y2Z4 cpu_load=7i\nhealth,serial=HG709X1Y2Z4 voltage=24.1"
        "\nsystem,serial=HG709X1Y2Z5 cpu_load=9i");
    BOOST_TEST(report.rows() == 2);
    BOOST_TEST(report.at(0, Column::voltage_v) == "24.1");
    BOOST_TEST(report.at(1, Column::serial_number) == "HG709X1Y2Z5");
    BOOST_TEST(report.at(1, Column::cpu_load) == "9");
}

BOOST_AUTO_TEST_CASE(lines_without_a_known_key_are_no_report) {
    BOOST_TEST(Report("weather,town=Riga wind=5").outcome() == "malformed_pairs");
}

BOOST_AUTO_TEST_SUITE_END()
