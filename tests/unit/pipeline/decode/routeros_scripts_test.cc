// The scripts for routers in config/routeros: properties that can be tested without a router.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pipeline/decode/keys.h"
#include "tests/support/report.h"

using namespace rollcall;

namespace {

// Maximum size of a file that a script can read in RouterOS 6 and in RouterOS 7 before 7.14.
// A variable of RouterOS 6 has the same maximum size.
constexpr size_t variable_bytes_max = 4095;

constexpr const char* scripts[] = {"checkin-v7.rsc", "checkin-v7-early.rsc", "checkin-v6.rsc",
                                   "checkin-mqtt.rsc"};

constexpr size_t token_bytes_max = 200;

// A range of RouterOS versions, as major * 100 + minor.
struct Range {
    int first;
    int last;
};
constexpr Range range_of(std::string_view script) {
    if (script == "checkin-v6.rsc") return {644, 649};
    if (script == "checkin-v7-early.rsc") return {701, 712};
    return {713, 799};
}

// Constructs of the script language, and the versions that support them. Source: the changelogs of
// RouterOS, and its manual, "Scripting" and "Health".
struct Construct {
    const char* pattern;
    Range versions;
};
constexpr Construct constructs[] = {
    {":serialize", {713, 799}},
    {":deserialize", {713, 799}},
    {"options=", {713, 799}},
    {"no-string-conversion", {717, 799}},
    {":onerror", {713, 799}},
    {":retry", {713, 799}},
    {":convert", {712, 799}},
    {":tonsec", {711, 799}},
    {":timestamp", {711, 799}},
    {":rndnum", {706, 799}},
    {":rndstr", {706, 799}},
    {":jobname", {706, 799}},
    {"http-content-encoding", {713, 799}},
    {"idle-timeout", {715, 799}},
    {"/iot ", {701, 799}},
    {"/system health get \\[find name=", {701, 799}},
    {"/system health get \" \\. \\$property", {600, 649}},
    {"as-value", {644, 799}},
    {"http-header-field", {644, 799}},
    {"mode=\\$scheme", {600, 799}},
};

// Keys that the scripts send although no column has them.
const std::set<std::string> extra_keys;

std::string read(const std::string& name) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/config/routeros/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
        found.push_back((*at)[1]);
    return found;
}

// Returns the keys of a report: those that a script sets by name, and those in its lists of
// properties.
std::set<std::string> keys_sent(const std::string& script) {
    std::set<std::string> keys;
    for (const auto& key : matches(script, std::regex("\\$report->\"([^\"]*)\""))) keys.insert(key);
    for (const auto& list : matches(script, std::regex("property in=\\{([^}]*)\\}")))
        for (const auto& key : matches(list, std::regex("\"([^\"]*)\""))) keys.insert(key);
    return keys;
}

// Returns a script without comments and strings, or a message about a malformed string.
std::string bare(const std::string& script) {
    std::string code;
    for (const auto& line : lines_of(script)) {
        if (line.starts_with('#')) continue;
        bool inside = false;
        for (size_t at = 0; at < line.size(); ++at) {
            if (inside && line[at] == '\\')
                ++at;
            else if (line[at] == '"')
                inside = !inside;
            else if (!inside)
                code += line[at];
        }
        // No string of our scripts continues on the next line.
        if (inside) return "string without an end: " + line;
        code += '\n';
    }
    return code;
}

// Returns the brackets that are still open at the end, or the first bracket that closes nothing.
std::string unbalanced(const std::string& code) {
    std::string open;
    for (const char c : code) {
        if (c == '(') open += ')';
        if (c == '[') open += ']';
        if (c == '{') open += '}';
        if (c != ')' && c != ']' && c != '}') continue;
        if (open.empty() || open.back() != c) return open + " but " + c;
        open.pop_back();
    }
    return open;
}

// Returns the report that the README shows.
std::string report_shown() {
    const std::string text = read("README.md");
    const std::string fence = "```json\n";
    const size_t begin = text.find(fence) + fence.size();
    return text.substr(begin, text.find("```", begin) - begin);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_routeros_scripts)

BOOST_DATA_TEST_CASE(every_key_that_is_sent_leads_to_a_column,
                     boost::unit_test::data::make(scripts), name) {
    const auto keys = keys_sent(read(name));
    BOOST_TEST(keys.size() > 20);
    std::set<Column> columns;
    for (const auto& key : keys) {
        if (extra_keys.contains(key)) continue;
        const Key found = find_key(key);
        BOOST_TEST(bool(found), key);
        BOOST_TEST(columns.insert(found->column).second, key << " is sent twice");
    }
}

BOOST_DATA_TEST_CASE(every_report_says_who_it_is_and_how_many_cores_it_has,
                     boost::unit_test::data::make(scripts), name) {
    const auto keys = keys_sent(read(name));
    for (const char* key : {"serial-number", "system-id", "cpu-count", "uptime"})
        BOOST_TEST(keys.contains(key), key);
}

BOOST_DATA_TEST_CASE(every_string_ends_and_every_bracket_is_closed,
                     boost::unit_test::data::make(scripts), name) {
    const std::string code = bare(read(name));
    BOOST_TEST(!code.starts_with("string"), code);
    BOOST_TEST(unbalanced(code) == "");
}

BOOST_DATA_TEST_CASE(every_variable_is_declared_before_it_is_used,
                     boost::unit_test::data::make(scripts), name) {
    std::set<std::string> declared{"1"};  // The argument of a function.
    for (const auto& line : lines_of(read(name))) {
        if (line.starts_with('#')) continue;
        for (const auto& variable : matches(line, std::regex(":(?:local|global) (\\w+)")))
            declared.insert(variable);
        for (const auto& list : matches(line, std::regex(":foreach ([\\w,]+) in=")))
            for (const auto& variable : matches(list, std::regex("(\\w+)")))
                declared.insert(variable);
        for (const auto& variable : matches(line, std::regex("\\$(\\w+)")))
            BOOST_TEST(declared.contains(variable), line);
        for (const auto& variable : matches(line, std::regex(":set (\\w+)")))
            BOOST_TEST(declared.contains(variable), line);
    }
}

BOOST_DATA_TEST_CASE(what_is_logged_or_printed_holds_no_variable,
                     boost::unit_test::data::make(scripts), name) {
    for (const auto& said :
         matches(read(name), std::regex("(:(?:log|put|error|execute)\\b[^\n]*)")))
        BOOST_TEST(said.find('$') == std::string::npos, said);
}

BOOST_DATA_TEST_CASE(a_token_goes_into_one_header_and_nowhere_else,
                     boost::unit_test::data::make(scripts), name) {
    size_t uses = 0;
    for (const auto& line : lines_of(read(name))) {
        if (line.find("oken") == std::string::npos || line.starts_with('#')) continue;
        const bool is_declared_empty = line == ":local token \"\"";
        const bool goes_into_the_header =
            line.starts_with(":if ([:len $token] > 0) do={ :set headers ");
        BOOST_TEST((is_declared_empty || goes_into_the_header), line);
        ++uses;
    }
    BOOST_TEST(uses == (std::string_view(name) == "checkin-mqtt.rsc" ? 0 : 2));
}

// If a script is pasted into a terminal, `?` asks for help and a tab completes a word.
BOOST_DATA_TEST_CASE(a_script_can_be_pasted_and_read_from_a_file,
                     boost::unit_test::data::make(scripts), name) {
    const std::string script = read(name);
    BOOST_TEST(script.size() + token_bytes_max <= variable_bytes_max);
    for (const char c : script)
        BOOST_TEST((c == '\n' || (c >= ' ' && c <= '~' && c != '?')), "byte " << int(c));
}

BOOST_DATA_TEST_CASE(a_report_fails_alone_and_one_at_a_time, boost::unit_test::data::make(scripts),
                     name) {
    const std::string script = read(name);
    for (const char* part :
         {"job print count-only where script=\"checkin\"] > 1", "} on-error={ :set failed true }",
          ":if ($period >= 27s) do={ :delay ($hash % 16) }",
          "interval=30s start-time=startup on-event=checkin"})
        BOOST_TEST(script.find(part) != std::string::npos, part);
    // A menu that a script uses directly, not in a string, must exist on every router.
    for (const auto& menu : matches(bare(script), std::regex("\\B(/[a-z]+ [a-z]+)")))
        BOOST_TEST((std::set<std::string>{"/system script", "/system scheduler", "/tool fetch",
                                          "/iot mqtt"}
                        .contains(menu)),
                   menu);
}

BOOST_DATA_TEST_CASE(a_script_has_no_construct_that_a_version_of_its_range_lacks,
                     boost::unit_test::data::make(scripts), name) {
    const std::string script = read(name);
    const Range range = range_of(name);
    size_t found = 0;
    for (const auto& [pattern, versions] : constructs) {
        if (!std::regex_search(script, std::regex(pattern))) continue;
        ++found;
        BOOST_TEST((versions.first <= range.first && range.last <= versions.last), pattern);
    }
    BOOST_TEST(found >= 2);
}

BOOST_DATA_TEST_CASE(one_line_installs_script_and_schedule_with_the_same_policies,
                     boost::unit_test::data::make(scripts), name) {
    const auto lines = lines_of(read(name));
    const std::regex install(
        "# /system script add name=checkin policy=([a-z,]+) source=\\[/file get ([a-z0-9.-]+) "
        "contents\\]; /system scheduler add name=checkin interval=30s start-time=startup "
        "on-event=checkin policy=([a-z,]+)");
    std::smatch found;
    BOOST_TEST_REQUIRE(std::regex_match(lines.at(1), found, install));
    BOOST_TEST(found[1] == found[3]);
    BOOST_TEST(found[2] == name);
}

BOOST_DATA_TEST_CASE(only_a_change_is_logged_and_written, boost::unit_test::data::make(scripts),
                     name) {
    for (const auto& line : lines_of(read(name))) {
        if (line.find(":log ") != std::string::npos)
            BOOST_TEST((line.starts_with(":if ($failed && ($checkinFailed != true)) do={ ") ||
                        line.starts_with(":if ((!$failed) && ($checkinFailed = true)) do={ ")),
                       line);
        if (line.find("scheduler set") != std::string::npos)
            BOOST_TEST(line.find(":if ($wanted != $period) do={") != std::string::npos, line);
    }
}

BOOST_AUTO_TEST_CASE(
    a_message_over_mqtt_is_published_over_a_new_connection_if_the_old_one_is_lost) {
    BOOST_TEST(read("checkin-mqtt.rsc").find("qos=1 force=yes\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(versions_without_serialize_replace_every_control_character) {
    std::string controls;
    for (unsigned c = 1; c < ' '; ++c) controls += fmt::format("\\{:02X}", c);
    for (const char* name : {"checkin-v6.rsc", "checkin-v7-early.rsc"})
        BOOST_TEST(read(name).find('"' + controls + '"') != std::string::npos);
}

// The bodies that corpus_test sends must have the form that the scripts build: the same keys in the
// same order, and each value a JSON string.
BOOST_DATA_TEST_CASE(the_body_in_the_corpus_is_what_the_script_builds,
                     boost::unit_test::data::make(scripts), name) {
    const std::string script = read(name);
    for (const char* part : {":set body ($body . \"\\\"\" . $key . \"\\\":\" . [$quote $value])",
                             ":if ([:len $body] > 0) do={ :set body ($body . \",\") }",
                             ":set body (\"{\" . $body . \"}\")"})
        BOOST_TEST(script.find(part) != std::string::npos, part);
    const std::string stem = std::string(name).substr(0, std::string_view(name).find(".rsc"));
    std::ifstream file(ROLLCALL_SOURCE_DIR "/tests/corpus_scripts/" + stem + ".json");
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    std::string rendered;
    const std::string string = R"re("((?:[^"\\]|\\["\\])*)")re";
    for (const auto& key : keys_sent(script)) {
        const auto values = matches(body, std::regex("\"" + key + "\":" + string));
        BOOST_TEST_REQUIRE(values.size() == 1, key);
        rendered += (rendered.empty() ? "" : ",") + ("\"" + key + "\":\"" + values[0] + "\"");
    }
    BOOST_TEST("{" + rendered + "}" == body);
    BOOST_TEST(Report(body).outcome() == "ok");
    BOOST_TEST(Report(body).warnings() == "");
}

BOOST_AUTO_TEST_CASE(a_report_of_version_6_fits_into_a_variable) {
    const std::string script = read("checkin-v6.rsc");
    BOOST_TEST(read("checkin-v7-early.rsc").find("do={ :set text [:pick $text 0 128] }") !=
               std::string::npos);
    const size_t value_bytes_max = 128;
    BOOST_TEST(script.find(":if ([:len $text] > 128) do={ :set text [:pick $text 0 128] }") !=
               std::string::npos);
    // The two braces, and 128 bytes that escaping can add. The identity may consist of 128
    // backslashes, which escaping doubles.
    size_t report_bytes_max = 2 + value_bytes_max;
    for (const auto& key : keys_sent(script))
        report_bytes_max += value_bytes_max + key.size() + std::string_view(R"("":"",)").size();
    BOOST_TEST(report_bytes_max <= variable_bytes_max);
}

BOOST_AUTO_TEST_CASE(the_report_in_the_readme_is_what_the_scripts_send_and_is_read_without_remark) {
    const std::string body = report_shown();
    const Report report(body);
    BOOST_TEST(report.outcome() == "ok");
    BOOST_TEST(report.warnings() == "");
    BOOST_TEST(report[Column::serial_number] == "0012345");
    BOOST_TEST(report[Column::identity] == "Shop \"Nord\"");
    BOOST_TEST(report[Column::version] == "7.20");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report[Column::power_w] == "NULL");
    const auto shown = matches(body, std::regex("\"([a-z-]+)\":"));
    for (const char* name : scripts)
        BOOST_TEST((keys_sent(read(name)) == std::set<std::string>(shown.begin(), shown.end())),
                   name);
}

BOOST_AUTO_TEST_SUITE_END()
