// Tidy: checks the architecture by reading the source. It does not check style.
//
// Includes must follow the order of layers, and each third-party library belongs to one module.
// Headers must begin with a comment, and each memory order must have a reason. The program must use
// every metric of metrics.def and every setting of settings.def. Every module and every MQTT
// statement must have a test.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace {

// The folders of the source, in the order of their dependencies. A file may include files of its
// own folder and of the folders in earlier lines. Folders in the same line must not include each
// other. Tests and benchmarks may include anything.
const std::vector<std::vector<std::string>> folder_order = {
    {"config"},
    {"pipeline/base"},
    {"pipeline/columns"},
    {"pipeline/decode", "pipeline/spool"},
    {"pipeline/ingest", "pipeline/delivery"},
    {"pipeline"},
    {"sinks/text", "sinks/sql"},
    {"sinks/sqlite", "sinks/kafka", "sinks/singlestore"},
    {"sinks"},
    {"daemon/net"},
    {"daemon/security", "daemon/overload"},
    {"daemon/ingest"},
    {"daemon/http", "daemon/mqtt"},
    {"daemon/admin"},
    {"daemon"},
    {"daemon/cli"},
};

// Prefixes of third-party headers, each with the name of the part that may include them. The name
// is a module, a folder if it ends with /, or the prefix of several modules if it ends with _.
const std::multimap<std::string, std::string> foreign_headers = {
    {"toml++/", "config/toml"},
    {"isa-l", "pipeline/base/checksum"},
    {"simdjson", "pipeline/base/utf8"},
    {"highwayhash/", "pipeline/base/hash"},
    {"xxh", "pipeline/base/hash"},
    {"iconv.h", "pipeline/decode/charset"},
    {"zlib.h", "pipeline/decode/inflate"},
    {"zstd", "pipeline/decode/inflate"},
    {"sqlite3.h", "sinks/sqlite/sink"},
    {"librdkafka/", "sinks/kafka/"},
    {"mysql.h", "sinks/sql/database"},
    {"mysqld_error.h", "sinks/sql/database"},
    {"errmsg.h", "sinks/sql/database"},
    {"prometheus/", "daemon/admin/metrics_export"},
    {"nlohmann/", "daemon/admin/status"},
    {"CLI/", "daemon/cli/"},
    {"uv.h", "daemon/"},
    // TLS connections and token signatures are separate uses of OpenSSL that share no code.
    {"openssl/", "daemon/security/signatures"},
    {"openssl/", "daemon/net/tls_"},
    {"fmt/", ""},
};

// Headers of the compiler and the kernel. Their names have no dot or are listed here.
const std::regex system_header(
    "[a-z_0-9]+|(sys|netinet|arpa)/"
    "[a-z]+\\.h|(dirent|fcntl|netdb|poll|pthread|pwd|sched|strings|unistd)\\.h");

const std::set<std::string> files_with_atomics = {
    "pipeline/base/cursor.h",   "pipeline/base/latest.h",      "pipeline/base/shared_count.h",
    "config/metrics.h",         "daemon/overload/last_seen.h", "daemon/overload/last_seen.cc",
    "daemon/overload/quotas.cc"};

// The files that may read metrics, because they show them. All other code only writes metrics, so
// the daemon's behaviour does not depend on a metric.
const std::set<std::string> readers_of_metrics = {"config/metrics.h",
                                                  "daemon/admin/metrics_snapshot.h",
                                                  "daemon/admin/metrics_snapshot.cc",
                                                  "daemon/admin/metrics_export.cc",
                                                  "daemon/admin/status.cc",
                                                  "daemon/cli/reference.cc"};

// Settings that no other code has to use, because config/cross_checks enforces them.
const std::set<std::string> obeyed_by_load = {"auth.mode", "auth.anonymous_anywhere"};

// Modules without a unit test, and where they are tested instead.
const std::map<std::string, std::string> tested_elsewhere = {
    {"sinks/kafka/connection", "tests/unit/sinks/kafka/sink_test.cc"},
    {"sinks/kafka/position", "tests/unit/sinks/kafka/sink_test.cc"},
    {"sinks/kafka/producer", "tests/unit/sinks/kafka/sink_test.cc"},
    {"sinks/kafka/topics", "tests/unit/sinks/kafka/sink_test.cc"},
    {"sinks/sql/database", "tests/integration/database_test.cc"},
    {"sinks/singlestore/sink", "tests/integration/singlestore_sink_test.cc"},
    {"sinks/singlestore/watch", "tests/integration/singlestore_watch_test.cc"},
    {"daemon/cli/check_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/command", "tests/integration/command_line_test.cc"},
    {"daemon/cli/main", "tests/integration/command_line_test.cc"},
    {"daemon/cli/reference_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/schema_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/serve_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/settings_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/spool_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/cli/token_arguments", "tests/integration/command_line_test.cc"},
    {"daemon/daemon", "tests/integration/service_test.cc"},
    {"daemon/signals", "tests/integration/service_test.cc"},
};

struct File {
    std::string path;  // Relative to the root of the source.
    std::vector<std::string> lines;
    std::string text;

    [[nodiscard]] std::string folder() const { return path.substr(0, path.rfind('/')); }
    [[nodiscard]] std::string module() const { return path.substr(0, path.rfind('.')); }
    [[nodiscard]] bool is(std::string_view extension) const { return path.ends_with(extension); }
};

File read(const fs::path& path) {
    std::ifstream stream(path);
    File file{fs::relative(path, ROLLCALL_SOURCE_DIR), {}, {}};
    for (std::string line; std::getline(stream, line); file.text += line + "\n")
        file.lines.push_back(line);
    return file;
}

std::vector<File> sources_in(const std::vector<std::string>& folders) {
    std::vector<File> files;
    for (const auto& folder : folders)
        for (const auto& entry :
             fs::recursive_directory_iterator(fs::path(ROLLCALL_SOURCE_DIR) / folder))
            if (const auto extension = entry.path().extension();
                extension == ".h" || extension == ".cc")
                files.push_back(read(entry.path()));
    return files;
}

const std::vector<File>& program_sources() {
    static const auto files = sources_in({"config", "pipeline", "sinks", "daemon"});
    return files;
}

// Returns the first two arguments of each line that begins with `MACRO(one, two,` in a table.
std::vector<std::vector<std::string>> table(const std::string& path, const std::string& macro) {
    std::vector<std::vector<std::string>> rows;
    const std::regex row("^" + macro + "\\((\\w+), (\\w+),.*");
    std::smatch words;
    for (const auto& line : read(fs::path(ROLLCALL_SOURCE_DIR) / path).lines)
        if (std::regex_match(line, words, row)) rows.push_back({words[1], words[2]});
    return rows;
}

// Returns true if code uses the word. A table that lists the word does not use it.
bool used(const std::string& word) {
    const std::regex whole_word("\\b" + word + "\\b");
    return std::ranges::any_of(program_sources(), [&](const File& file) {
        return (file.is(".cc") || file.is(".h")) && std::regex_search(file.text, whole_word);
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tidy)

BOOST_AUTO_TEST_CASE(every_include_goes_to_the_same_folder_or_to_one_that_is_listed_above_it) {
    std::map<std::string, size_t> line_of;
    for (size_t line = 0; line < folder_order.size(); ++line)
        for (const auto& folder : folder_order[line]) line_of[folder] = line;
    const std::regex include("#include \"(.*)/[^/]*\"");
    std::smatch words;
    for (const auto& file : program_sources()) {
        BOOST_TEST(line_of.contains(file.folder()), file.path << ": its folder is not listed");
        for (const auto& line : file.lines) {
            if (!std::regex_match(line, words, include) || words[1] == file.folder()) continue;
            BOOST_TEST(
                (line_of.contains(words[1]) && line_of.at(words[1]) < line_of.at(file.folder())),
                file.path << ": " << line);
        }
    }
}

BOOST_AUTO_TEST_CASE(each_foreign_library_is_included_by_one_module_only) {
    const std::regex include("\\s*#\\s*include <(.*)>");
    std::smatch words;
    for (const auto& file : program_sources()) {
        for (const auto& line : file.lines) {
            if (!std::regex_match(line, words, include)) continue;
            const std::string header = words[1];
            if (std::regex_match(header, system_header)) continue;
            bool known = false;
            bool allowed = false;
            for (const auto& [beginning, module] : foreign_headers) {
                if (!header.starts_with(beginning)) continue;
                known = true;
                const bool is_many =
                    module.empty() || module.ends_with('/') || module.ends_with('_');
                allowed |= is_many ? file.path.starts_with(module) : file.module() == module;
            }
            BOOST_TEST(known, file.path << ": who is " << header << "?");
            BOOST_TEST(allowed, file.path << ": " << header << " is another module's");
        }
    }
}

// fmt/format.h makes a file compile five times as slowly, because it compiles all of fmt.
BOOST_AUTO_TEST_CASE(all_of_fmt_is_included_only_for_what_its_core_has_not) {
    const std::regex needs_it("fmt::(join|gmtime|format_to)");
    for (const auto& file : sources_in({"config", "pipeline", "sinks", "daemon", "tests", "bench"}))
        if (file.text.find("#include <fmt/"
                           "format.h>") != std::string::npos)
            BOOST_TEST(std::regex_search(file.text, needs_it), file.path);
}

// Clang 19 and GCC give vformat_to(), which fmt::format_to() calls, different symbol names. The
// fuzzers are built with Clang and Debian's libfmt with GCC. So a fuzzer would not link if it
// needed the function of libfmt.
BOOST_AUTO_TEST_CASE(file_that_uses_format_to_includes_all_of_fmt) {
    for (const auto& file : sources_in({"config", "pipeline", "sinks", "daemon"}))
        if (file.text.find("fmt::format_to(") != std::string::npos)
            BOOST_TEST(file.text.find("#include <fmt/format.h>") != std::string::npos, file.path);
}

BOOST_AUTO_TEST_CASE(every_header_begins_with_its_head_and_is_included_once) {
    for (const auto& file :
         sources_in({"config", "pipeline", "sinks", "daemon", "tests", "bench"})) {
        if (!file.is(".h")) continue;
        BOOST_TEST(file.text.starts_with("// "), file.path);
        BOOST_TEST(std::ranges::count(file.lines, "#pragma once") == 1, file.path);
    }
}

BOOST_AUTO_TEST_CASE(atomics_are_where_their_orders_are_explained) {
    for (const auto& file : program_sources())
        if (!files_with_atomics.contains(file.path))
            BOOST_TEST(file.text.find("std::atomic") == std::string::npos, file.path);
}

BOOST_AUTO_TEST_CASE(each_memory_order_has_its_reason_in_the_lines_above) {
    constexpr size_t lines_above = 3;
    const std::regex named("#define (\\w+) std::memory_order_(\\w+)");
    const std::regex order("std::memory_order_(\\w+)");
    std::smatch words;
    for (const auto& file : program_sources()) {
        std::map<std::string, std::string> names;  // Macros that stand for a memory order.
        for (size_t at = 0; at < file.lines.size(); ++at) {
            const std::string& line = file.lines[at];
            if (std::regex_match(line, words, named)) names[words[1]] = words[2];
            if (line.starts_with('#')) continue;
            std::set<std::string> orders;
            if (std::regex_search(line, words, order)) orders.insert(words[1]);
            for (const auto& [name, meaning] : names)
                if (line.find(name) != std::string::npos) orders.insert(meaning);
            for (const auto& wanted : orders) {
                const auto above = file.lines.begin() + static_cast<ptrdiff_t>(at);
                const auto first = above - static_cast<ptrdiff_t>(std::min(at, lines_above));
                BOOST_TEST(std::any_of(first, above,
                                       [&](const std::string& comment) {
                                           return comment.find("// " + wanted) != std::string::npos;
                                       }),
                           file.path << ":" << at + 1 << ": why " << wanted << "?");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_metric_is_counted_somewhere) {
    const auto metrics = table("config/metrics.def", "METRIC");
    BOOST_TEST(!metrics.empty());
    for (const auto& row : metrics) BOOST_TEST(used("Metric::" + row[1]), row[1]);
}

BOOST_AUTO_TEST_CASE(metrics_are_read_by_the_pages_that_show_them_only) {
    // Matches MetricShard::read(), a call of a function of metrics_snapshot.h, and the inclusion of
    // this header.
    const std::regex reads(
        "([.>]read|\\b(sum|observed|values_of))\\(([^()]*,)?\\s*Metric::"
        "|#include \"daemon/admin/metrics_snapshot\\.h\"");
    const std::set<std::string> admin_headers = {"daemon/admin/admin.h", "daemon/admin/status.h",
                                                 "daemon/admin/metrics_export.h"};
    for (const auto& file : program_sources())
        if (!readers_of_metrics.contains(file.path) && !admin_headers.contains(file.path))
            BOOST_TEST(!std::regex_search(file.text, reads), file.path);
}

BOOST_AUTO_TEST_CASE(every_setting_is_obeyed_somewhere) {
    const auto settings = table("config/settings.def", "SETTING");
    BOOST_TEST(!settings.empty());
    for (const auto& row : settings)
        BOOST_TEST(used(row[0] + "\\." + row[1]), row[0] << "." << row[1]);
}

BOOST_AUTO_TEST_CASE(every_module_has_its_unit_test_and_every_test_is_run) {
    const File list = read(ROLLCALL_SOURCE_DIR "/tests/CMakeLists.txt");
    for (const auto& file : program_sources()) {
        if (!file.is(".cc")) continue;
        const auto elsewhere = tested_elsewhere.find(file.module());
        const fs::path test = elsewhere != tested_elsewhere.end()
                                  ? elsewhere->second
                                  : fmt::format("tests/unit/{}_test.cc", file.module());
        BOOST_TEST(fs::exists(ROLLCALL_SOURCE_DIR / test), file.path << " has no " << test);
    }
    for (const auto& file : sources_in({"tests"})) {
        const std::string stem = fs::path(file.path).stem();
        if (!stem.ends_with("_test")) continue;
        const size_t folder = std::string("tests/").size();
        const std::string name =
            file.path.substr(folder, file.path.size() - folder - std::string("_test.cc").size());
        BOOST_TEST(std::regex_search(list.text, std::regex("\\b" + name + "(_test.cc)?\\b")),
                   file.path << " is not in tests/CMakeLists.txt");
    }
}

BOOST_AUTO_TEST_CASE(each_statement_of_mqtt_is_listed_once_with_cases_that_are_there_or_a_reason) {
    std::set<std::string> statements;
    std::set<std::string> cases;  // As suite/case.
    const std::regex a_suite("BOOST_(AUTO|FIXTURE)_TEST_SUITE\\((\\w+)");
    const auto tests = sources_in({"tests"});
    const std::regex a_case("BOOST_AUTO_TEST_CASE\\(\\s*(\\w+)\\s*\\)");
    for (const auto& file : tests) {
        std::smatch suite;
        if (!std::regex_search(file.text, suite, a_suite)) continue;
        for (std::sregex_iterator at(file.text.begin(), file.text.end(), a_case), end; at != end;
             ++at)
            cases.insert(suite[2].str() + "/" + (*at)[1].str());
    }
    const std::regex line_of_table(
        "(MQTT5?-[0-9.]+-[0-9]+)\t(server|client|both)\t([^\t]+)\t([^\t]+)");
    std::smatch words;
    for (const auto& line : read(ROLLCALL_SOURCE_DIR "/tests/conformance/mqtt.tsv").lines) {
        if (line.starts_with('#')) continue;
        BOOST_TEST_REQUIRE(std::regex_match(line, words, line_of_table), line);
        BOOST_TEST(statements.insert(words[1]).second, line);
        std::istringstream shown(words[4]);
        for (std::string name; shown >> name && name != "-";)
            BOOST_TEST(cases.contains(name), words[1] << ": no case " << name);
    }
    // Every MQTT statement that the source names must be in the list.
    const std::regex named("MQTT5?-[0-9]+(\\.[0-9]+)+-[0-9]+");
    for (const auto* files : {&program_sources(), &tests})
        for (const auto& file : *files)
            for (std::sregex_iterator at(file.text.begin(), file.text.end(), named), end; at != end;
                 ++at)
                BOOST_TEST(statements.contains(at->str()), file.path << ": " << at->str());
}

BOOST_AUTO_TEST_CASE(nothing_is_left_to_do_and_nothing_depends_on_a_machine) {
    const std::regex left("\\b(TODO|FIXME|XXX)\\b|[\" ]/(home|root|work)/");
    for (const auto& file :
         sources_in({"config", "pipeline", "sinks", "daemon", "tests/support", "tests/unit",
                     "tests/integration", "tests/fault", "tests/stress", "tests/fuzz", "bench"}))
        for (const auto& line : file.lines)
            BOOST_TEST(!std::regex_search(line, left), file.path << ": " << line);
}

BOOST_AUTO_TEST_SUITE_END()
