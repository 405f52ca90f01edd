#include "pipeline/decode/key_words.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <string>

using namespace rollcall;

namespace {

struct KeyExample {
    std::string_view name;
    Column column;
    double scale = 1;
};

// Returns three spellings of a key of several words: joined, with separators, in camel case.
std::array<std::string, 3> spellings(std::initializer_list<std::string> words) {
    std::array<std::string, 3> all;
    for (std::string word : words) {
        if (!all[1].empty()) all[1] += '_';
        all[0] += word;
        all[1] += word;
        word[0] = static_cast<char>(word[0] & ~0x20);
        all[2] += word;
    }
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_key_words)

// These keys describe other things than the router. They must match no column, even when the table
// grows.
BOOST_AUTO_TEST_CASE(one_unknown_word_makes_another_thing_of_a_name) {
    for (const std::string_view name : {"neighbor_serial",
                                        "neighborSerialNumber",
                                        "client_mac",
                                        "clientMacAddress",
                                        "lease_mac",
                                        "process_name",
                                        "processMemory",
                                        "process_cpu_usage",
                                        "agent_version",
                                        "agentUptime",
                                        "script_version",
                                        "app_version",
                                        "package_version",
                                        "peer_uptime",
                                        "user_name",
                                        "interface_name",
                                        "interfaceMac",
                                        "ssid_name",
                                        "session_uptime",
                                        "link_uptime",
                                        "ppp_uptime",
                                        "lease_time",
                                        "sfp_temperature",
                                        "battery_voltage",
                                        "modem_temperature",
                                        "total_rx_bytes",
                                        "totalTxBytes",
                                        "rx_bytes",
                                        "free_ports",
                                        "max_memory",
                                        "swap_free",
                                        "user_id",
                                        "agent_id",
                                        "site_id",
                                        "request_id",
                                        "session_id",
                                        "gateway_ip",
                                        "dns_address",
                                        "remote_address",
                                        "hardware_version",
                                        "board_version",
                                        "license_count",
                                        "container_memory_used",
                                        "routerboard",
                                        "last_uptime",
                                        "boot_count",
                                        "client_version"})
        BOOST_TEST(composed_key({}, name) == nullptr, name);
    for (const auto& [object, name] :
         std::initializer_list<std::pair<const char*, const char*>>{{"client", "uptime"},
                                                                    {"neighbor", "version"},
                                                                    {"neighbor", "identity"},
                                                                    {"interface", "name"},
                                                                    {"process", "memory"},
                                                                    {"agent", "version"},
                                                                    {"peer", "address"},
                                                                    {"cpu", "name"},
                                                                    {"cpu", "model"},
                                                                    {"disk", "name"},
                                                                    {"cpu", "unit"},
                                                                    {"memory", "type"}})
        BOOST_TEST(composed_key(object, name) == nullptr, object << '.' << name);
}

BOOST_AUTO_TEST_CASE(known_words_in_other_spellings_mean_the_same_column) {
    for (const KeyExample& example :
         std::initializer_list<KeyExample>{{"router_os_ver", Column::version},
                                           {"mikrotikVersion", Column::version},
                                           {"systemVersion", Column::version},
                                           {"device_os_version", Column::version},
                                           {"hardwareSerialNumber", Column::serial_number},
                                           {"serialNum", Column::serial_number},
                                           {"serialRB", Column::serial_number},
                                           {"serial_no", Column::serial_number},
                                           {"board-serial", Column::serial_number},
                                           {"deviceUptime", Column::uptime_s},
                                           {"system_uptime", Column::uptime_s},
                                           {"deviceIdentity", Column::identity},
                                           {"device_name", Column::identity},
                                           {"router_model", Column::model},
                                           {"systemCPULoad", Column::cpu_load},
                                           {"cpu_utilization", Column::cpu_load},
                                           {"current_cpu_load", Column::cpu_load},
                                           {"num_cpus", Column::cpu_count},
                                           {"cpu_cores", Column::cpu_count},
                                           {"systemTotalRAM", Column::mem_total},
                                           {"ram_free", Column::mem_free},
                                           {"available_memory", Column::mem_free},
                                           {"systemTotalHDD", Column::disk_total},
                                           {"storage_free", Column::disk_free},
                                           {"outsideIp", Column::wan_ip},
                                           {"external_address", Column::wan_ip},
                                           {"cpuTemperature", Column::cpu_temp_c},
                                           {"system_temperature", Column::temp_c},
                                           {"supply_voltage", Column::voltage_v},
                                           {"router_mac", Column::site_id},
                                           {"deviceCode", Column::site_id},
                                           {"router_time", Column::reported_at}}) {
        const KnownKey* const key = composed_key({}, example.name);
        BOOST_REQUIRE_MESSAGE(key != nullptr, example.name);
        BOOST_TEST(info(key->column).name == info(example.column).name, example.name);
    }
}

BOOST_AUTO_TEST_CASE(a_unit_in_the_key_scales_the_value) {
    for (const KeyExample& example :
         std::initializer_list<KeyExample>{{"freeMemoryBytes", Column::mem_free},
                                           {"mem_free_kb", Column::mem_free, 1024},
                                           {"mem_free_mb", Column::mem_free, 1048576},
                                           {"totalMemoryMiB", Column::mem_total, 1048576},
                                           {"disk_total_gb", Column::disk_total, 1073741824},
                                           {"freeDiskBytes", Column::disk_free},
                                           {"uptime_ms", Column::uptime_s, 0.001},
                                           {"uptimeMinutes", Column::uptime_s, 60},
                                           {"uptime_hours", Column::uptime_s, 3600},
                                           {"uptime_days", Column::uptime_s, 86400},
                                           {"cpu_freq_ghz", Column::cpu_freq_mhz, 1000},
                                           {"cpu_mhz", Column::cpu_freq_mhz},
                                           {"cpu_load_percent", Column::cpu_load},
                                           {"total_memory_size", Column::mem_total},
                                           {"disk_size_total_mb", Column::disk_total, 1048576},
                                           {"cpu_pct", Column::cpu_load},
                                           {"ram_used_pct", Column::mem_used_pct},
                                           {"voltage_mv", Column::voltage_v, 0.001},
                                           {"voltage_dv", Column::voltage_v, 0.1},
                                           {"power_watts", Column::power_w},
                                           {"temperature_c", Column::temp_c}}) {
        const KnownKey* const key = composed_key({}, example.name);
        BOOST_REQUIRE_MESSAGE(key != nullptr, example.name);
        BOOST_TEST(info(key->column).name == info(example.column).name, example.name);
        BOOST_TEST(key->scale == example.scale, example.name);
    }
    // A unit of another quantity means that the key describes another thing.
    for (const std::string_view name :
         {"mem_free_percent", "uptime_mb", "voltage_c", "cpu_count_s"})
        BOOST_TEST(composed_key({}, name) == nullptr, name);
}

BOOST_AUTO_TEST_CASE(order_and_separators_of_the_words_do_not_matter) {
    for (const auto& [first, second] : std::initializer_list<std::pair<const char*, const char*>>{
             {"free", "memory"}, {"total", "ram"}, {"available", "disk"}, {"used", "hdd"}}) {
        const KnownKey* const key = composed_key({}, std::string(first) + second);
        BOOST_REQUIRE(key != nullptr);
        for (const auto& spelling : spellings({"device", first, second}))
            BOOST_TEST((composed_key({}, spelling)->column == key->column), spelling);
        for (const auto& spelling : spellings({"system", second, first}))
            BOOST_TEST((composed_key({}, spelling)->column == key->column), spelling);
        BOOST_TEST((composed_key(second, first)->column == key->column), second);
    }
}

BOOST_AUTO_TEST_CASE(a_composed_key_wins_over_no_listed_one) {
    for (const std::string_view name : {"deviceUptime", "ram_free", "router_os_ver"}) {
        const KnownKey* const key = composed_key({}, name);
        BOOST_TEST(key->number >= listed_keys(), name);
        BOOST_TEST(key->number < keys_max, name);
        BOOST_TEST(key->weak, name);
    }
}

BOOST_AUTO_TEST_CASE(names_of_any_length_and_bytes_are_taken) {
    BOOST_TEST(composed_key({}, "") == nullptr);
    BOOST_TEST(composed_key({}, std::string(1000, 'm')) == nullptr);
    BOOST_TEST(composed_key({}, "device\xC3\xA9uptime") == nullptr);
    std::string name;
    while (name.size() < 44) name += "ram";
    BOOST_TEST(composed_key({}, name) == nullptr);
}

BOOST_AUTO_TEST_CASE(an_object_is_a_report_if_its_name_says_nothing_else) {
    for (const std::string_view name :
         {"system_info", "deviceStatus", "router_data", "mikrotik", "system-stats", "routerInfo"})
        BOOST_TEST(names_a_report(name), name);
    for (const std::string_view name :
         {"", "client_info", "interface_stats", "neighbors", "process", "memory", "lte_info"})
        BOOST_TEST(!names_a_report(name), name);
}

BOOST_AUTO_TEST_SUITE_END()
