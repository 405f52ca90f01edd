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
    const Report report(
        R"({"foo":{"serial-number":"S","cpu_count":4,"name":"x","uptime":"1d",)"
        R"("version":"7.1"},"cpu":{"usage":12.5},"ram":{"total":100000000,"used":40000000}})");
    BOOST_TEST(report[Column::serial_number] == "S");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(report[Column::version] == "NULL");
    BOOST_TEST(report[Column::cpu_load] == "13");
    BOOST_TEST(report[Column::mem_total] == "100000000");
    BOOST_TEST(report[Column::mem_free] == "60000000");
    BOOST_TEST(report[Column::extra] == R"({"foo":{"name":"x","uptime":"1d","version":"7.1"}})");
}

BOOST_AUTO_TEST_CASE(lists_give_names_with_values_and_the_paths_of_the_first_object) {
    const Report report(
        R"({"health":[{".id":"*D","name":"voltage","type":"V","value":"24.1"},)"
        R"({"name":"fan1-speed","value":5654}],"gauge":[{"name":"Total DHCP Leases","point":23}],)"
        R"("disks":[{"mount":"a","used":10000000,"avail":20000000},{"mount":"b","used":1,"avail":2}],)"
        R"("interfaces":[{"name":"ether1","uptime":"1d","rssi":-40}]})");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::dhcp_leases] == "23");
    BOOST_TEST(report[Column::disk_total] == "30000000");
    BOOST_TEST(report[Column::disk_free] == "20000000");
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
    // In memory, quotes follow a Body. If the decoder read these quotes, they would close the
    // string.
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

// Each of these objects is about another thing than the router, so its values must not become
// columns.
BOOST_AUTO_TEST_CASE(what_other_things_say_is_not_the_routers) {
    const Report report(
        R"({"identity":"R1","cpu_load":7,"neighbors":[{"identity":"N1","serial":"HG709X1Y2Z1",)"
        R"("version":"6.1","uptime":"1w","board":"hEX"},{"identity":"N2","mac-address":)"
        R"("48:A9:8A:77:00:02"}],"leases":[{"mac":"48:A9:8A:77:00:03","hostname":"phone"}],)"
        R"("processes":[{"name":"ssh","value":3,"cpu":99,"memory":5}],"agent":{"version":"3.14",)"
        R"("name":"nsm","uptime":"1d"},"fw":"RouterOS-v3.14.2","wifi":[{"signal":-61,"uptime":"1h"}],)"
        R"("client":{"mac":"48:A9:8A:77:00:04","uptime":"5d","version":"1.0"}})");
    BOOST_TEST(report[Column::identity] == "R1");
    BOOST_TEST(report[Column::cpu_load] == "7");
    for (const Column column : {Column::serial_number, Column::version, Column::uptime_s,
                                Column::board_name, Column::firmware_current, Column::lte_rssi})
        BOOST_TEST(report[column] == "NULL", info(column).name);
    BOOST_TEST(report.device() == "");
}

BOOST_AUTO_TEST_CASE(a_wrapper_of_any_name_is_known_by_what_it_holds) {
    for (const std::string_view name :
         {"system_info", "deviceStatus", "event", "data", "my_router", "Übersicht", "x"}) {
        const Report report(R"({"ts":1,")" + std::string(name) +
                            R"(":{"uptime":"1d","version":"7.16","identity":"R1","cpu-load":7}})");
        BOOST_TEST(report[Column::uptime_s] == "86400", name);
        BOOST_TEST(report[Column::version] == "7.16", name);
        BOOST_TEST(report[Column::identity] == "R1", name);
    }
    const Report shadow(R"({"state":{"reported":{"uptime":"1d","cpu-load":7}}})");
    BOOST_TEST(shadow[Column::uptime_s] == "86400");
    // An object describes another thing if it has no measurement of a router, or if it is not the
    // only object.
    BOOST_TEST(Report(R"({"x":{"uptime":"1d","version":"7.16"}})")[Column::uptime_s] == "NULL");
    BOOST_TEST(Report(R"({"x":{"uptime":"1d","cpu-load":7},"y":{}})")[Column::uptime_s] == "NULL");
}

BOOST_AUTO_TEST_CASE(objects_of_other_things_do_not_name_the_router) {
    for (const std::string_view name :
         {"neighbor", "Neighbours", "peer", "client", "modem", "lte", "ups", "usb", "disk", "agent",
          "server", "controller", "switch"}) {
        const Report report(R"({"cpu_load":7,")" + std::string(name) +
                            R"(":{"serial-number":"HG709X1Y2Z1","router-id":"x","uptime":"5d",)"
                            R"("system-id":"Yx0pCUtpWmF","free":190840832,"name":"N1"}})");
        for (const Column column : {Column::serial_number, Column::system_id, Column::uptime_s,
                                    Column::identity, Column::mem_free})
            BOOST_TEST(report[column] == "NULL", name << ' ' << info(column).name);
        BOOST_TEST(report.device() == "", name);
        BOOST_TEST(report[Column::cpu_load] == "7", name);
    }
}

BOOST_AUTO_TEST_CASE(a_part_of_the_router_is_no_wrapper_of_the_report) {
    const Report report(
        R"({"memory":{"free":190840832,"total":268435456,"name":"ddr","uptime":"5d"}})");
    BOOST_TEST(report[Column::mem_free] == "190840832");
    BOOST_TEST(report[Column::mem_total] == "268435456");
    BOOST_TEST(report[Column::identity] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
}

BOOST_AUTO_TEST_CASE(health_of_version_6_as_a_text_is_a_list) {
    const Report report(R"({"identity":"t","version":"6.49.10",)"
                        R"("health":"cpu-temperature=51;temperature=38;voltage=241"})");
    BOOST_TEST(report[Column::cpu_temp_c] == "51");
    BOOST_TEST(report[Column::temp_c] == "38");
    BOOST_TEST(report[Column::voltage_v] == "24.1");
    BOOST_TEST(report[Column::extra] == "NULL");
    const Report rows(R"({"health":".id=*D;name=voltage;type=V;value=24.2","uptime":"1d"})");
    BOOST_TEST(rows[Column::voltage_v] == "24.2");
    BOOST_TEST(rows[Column::identity] == "NULL");
    BOOST_TEST(Report(R"({"status":"a=b","cpu_load":7})")[Column::extra] == R"({"status":"a=b"})");
}

BOOST_AUTO_TEST_CASE(the_name_of_a_processor_is_kept_and_is_no_load) {
    const Report report(R"({"cpu":"ARM64","cpu-load":7,"uptime":"1d"})");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::extra] == R"({"cpu":"ARM64"})");
    BOOST_TEST(report.warnings() == "");
}

BOOST_AUTO_TEST_CASE(telegraf_names_the_measurement_not_the_router) {
    for (const std::string_view body :
         {R"({"fields":{"cpu_load":7},"name":"system","tags":{"host":"a"}})",
          R"({"name":"system","tags":{"host":"a"},"fields":{"cpu_load":7}})"}) {
        BOOST_TEST(Report(body)[Column::identity] == "NULL");
        BOOST_TEST(Report(body)[Column::cpu_load] == "7");
    }
}

BOOST_AUTO_TEST_CASE(rows_are_read_under_any_label_word) {
    for (const std::string_view label : {"name", "key", "sensor", "metric", "measurement", "item"})
        for (const std::string_view value : {"value", "point", "val", "reading"}) {
            const Report report(R"({"data":[{")" + std::string(label) + R"(":"cpu-load",")" +
                                std::string(value) + R"(":"7"},{")" + std::string(value) +
                                R"(":"1d",")" + std::string(label) + R"(":"uptime"}]})");
            BOOST_TEST(report[Column::cpu_load] == "7", label << ' ' << value);
            BOOST_TEST(report[Column::uptime_s] == "86400", label << ' ' << value);
            BOOST_TEST(report[Column::extra] == "NULL", label << ' ' << value);
        }
}

BOOST_AUTO_TEST_CASE(members_of_a_labelled_row_are_about_the_thing_of_its_label) {
    const Report report(
        R"({"rows":[{"free":100000000,"total":200000000,"type":"memory"},)"
        R"({"sensor":"cpu","temp":51},{"name":"router","version":"6.1","uptime":"1d"},)"
        R"({"type":"ether","name":"ether1"}]})");
    BOOST_TEST(report[Column::mem_free] == "100000000");
    BOOST_TEST(report[Column::mem_total] == "200000000");
    BOOST_TEST(report[Column::cpu_temp_c] == "51");
    BOOST_TEST(report[Column::version] == "NULL");
    BOOST_TEST(report[Column::uptime_s] == "NULL");
    BOOST_TEST(report[Column::identity] == "NULL");
}

BOOST_AUTO_TEST_CASE(of_the_cores_of_a_processor_the_mean_counts) {
    for (const std::string_view body :
         {R"({"cpu":[{"cpu":"cpu0","load":3},{"cpu":"cpu1","load":8}]})",
          R"({"cpus":[{"load":3},{"load":"8%"}]})", R"({"cpu_load":[3,8]})",
          R"([{".id":"*0","cpu":"cpu0","load":3,"irq":0},{".id":"*1","cpu":"cpu1","load":8}])"})
        BOOST_TEST(Report(body)[Column::cpu_load] == "6", body);
    BOOST_TEST(Report(R"({"cpu_load":[3,800]})").warnings() == "out_of_range:cpu_load");
}

BOOST_AUTO_TEST_CASE(objects_of_readings_give_each_reading) {
    const Report report(R"({"temperature":{"cpu":51,"board":38},"voltage":{"psu1":0,"psu2":12.1},)"
                        R"("memory":{"free_mb":64,"total_mb":128},"wan":{"ip":"203.0.113.9"}})");
    BOOST_TEST(report[Column::cpu_temp_c] == "51");
    BOOST_TEST(report[Column::temp_c] == "38");
    BOOST_TEST(report[Column::mem_free] == "67108864");
    BOOST_TEST(report[Column::mem_total] == "134217728");
    BOOST_TEST(report[Column::wan_ip] == "203.0.113.9");
}

BOOST_AUTO_TEST_CASE(a_menu_is_one_report_whose_rows_are_parts) {
    const Report health(R"([{".id":"*D","name":"voltage","type":"V","value":24.2},)"
                        R"({".id":"*E","name":"temperature","type":"C","value":41}])");
    BOOST_TEST(health.rows() == 1);
    BOOST_TEST(health[Column::voltage_v] == "24.2");
    BOOST_TEST(health[Column::temp_c] == "41");
    BOOST_TEST(health[Column::identity] == "NULL");
    BOOST_TEST(health[Column::extra] == "NULL");
    const Report interfaces(R"([{".id":"*1","name":"ether1","mac-address":"48:A9:8A:77:00:02",)"
                            R"("uptime":"1d"},{".id":"*2","name":"ether2"}])");
    BOOST_TEST(interfaces.rows() == 1);
    BOOST_TEST(interfaces[Column::identity] == "NULL");
    BOOST_TEST(interfaces[Column::uptime_s] == "NULL");
    BOOST_TEST(interfaces.device() == "");
    BOOST_TEST(interfaces[Column::extra] ==
               R"({"rows":[{".id":"*1","name":"ether1","mac-address":"48:A9:8A:77:00:02",)"
               R"("uptime":"1d"},{".id":"*2","name":"ether2"}]})");
    BOOST_TEST(Report(R"([{".id":"*D","name":"voltage"},])").outcome() == "malformed_json at 31");
    BOOST_TEST(Report(R"([{"sn":"A"},{"sn":"B"}])").rows() == 2);
}

BOOST_AUTO_TEST_CASE(a_text_that_is_json_is_read_in_a_group_only) {
    const Report report(R"({"payload":"{\"cpu_load\":7,\"name\":\"caf\\u00e9\"}","cpu_count":4})");
    BOOST_TEST(report[Column::cpu_load] == "7");
    BOOST_TEST(report[Column::identity] == "café");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(Report(R"({"note":"{\"cpu_load\":7}"})")[Column::cpu_load] == "NULL");
    BOOST_TEST(Report(R"({"data":"{broken"})")[Column::extra] == R"({"data":"{broken"})");
}

// Both names are too long for the cache. The first name contains a line feed, which must be escaped
// in `extra`. The second name needs no escape.
BOOST_AUTO_TEST_CASE(text_that_is_no_list_is_stored_under_the_name_that_was_sent) {
    const Report report(R"({"health\n--------------------":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkk=1"})");
    BOOST_TEST(report[Column::extra] ==
               R"({"health\u000a--------------------":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkk=1"})");
}

BOOST_AUTO_TEST_SUITE_END()
