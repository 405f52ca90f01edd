// The corpus: bodies as routers send them, and in expect.json what each must become.
#define BOOST_BIND_GLOBAL_PLACEHOLDERS  // Boost 1.74 remarks on its own includes otherwise.
#include <boost/property_tree/json_parser.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "tests/support/report.h"

using namespace rollcall;
using boost::property_tree::ptree;

namespace {

// Cases that decode does not meet, and why. One that is met may not stay here.
const std::map<std::string, std::string> not_yet = {
    {"13-nsm-legacy-headers-empty-body.http", "values in headers"},
    {"28-query-string-phone-home.http", "values in the request target"},
    {"37-gzip-body.json.gz", "Content-Encoding"},
    {"38-batch-store-forward.json", "batches"},
    {"92-retry-duplicate-of-07.json", "nested members, duplicates"},
    {"99-mqtt-lwt-offline.txt", "MQTT wills"},
    {"66-oversize-70000.json", "refused by the daemon"},
    {"94-raw-space-request-target.http", "refused by the daemon"},
    {"95-header-comma-split.http", "refused by the daemon"},
    {"96-obs-fold-header.http", "refused by the daemon"},
    {"97-http10-no-host.http", "a whole request"},
};

std::string corpus_file(const std::string& name) {
    return ROLLCALL_SOURCE_DIR "/tests/corpus/" + name;
}

std::vector<ptree> cases() {
    ptree expectations;
    read_json(corpus_file("expect.json"), expectations);
    std::vector<ptree> all;
    for (const auto& [_, expected] : expectations.get_child("cases")) all.push_back(expected);
    return all;
}

std::string body_of(const ptree& expected) {
    std::ifstream stream(corpus_file(expected.get<std::string>("file")), std::ios::binary);
    BOOST_REQUIRE(stream);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

const Column* column_named(std::string_view name) {
    static const std::map<std::string_view, Column> by_name = [] {
        std::map<std::string_view, Column> names;
        for (size_t i = 0; i < columns_count; ++i)
            names[columns_table[i].name] = static_cast<Column>(i);
        return names;
    }();
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &found->second;
}

// What a body became that it should not have; empty if all is as expected.
std::string difference(const ptree& expected) {
    const Report report(body_of(expected), body_hint(expected.get<std::string>("content_type")));
    const std::string code = expected.get("error.code", "ok");
    if (const std::string outcome = report.outcome(); outcome.substr(0, outcome.find(' ')) != code)
        return outcome + " instead of " + code;
    if (!report.result()) return {};

    for (const auto& [name, value] : expected.get_child("row")) {
        const Column* column = column_named(name);
        if (column == nullptr) return name + " is no column";
        // The parser of the test writes null as a text.
        const std::string wanted = value.data() == "null" ? "NULL" : value.data();
        if (report[*column] != wanted)
            return fmt::format("{} is {} instead of {}", name, report[*column], wanted);
    }

    std::set<std::string> wanted;  // Their order is free.
    for (const auto& [_, warning] : expected.get_child("warnings")) wanted.insert(warning.data());
    std::set<std::string> made;
    std::istringstream list(report.warnings());
    for (std::string warning; std::getline(list, warning, ',');) made.insert(warning);
    if (made != wanted) return "the warnings are " + report.warnings();
    return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(corpus)

BOOST_AUTO_TEST_CASE(every_body_becomes_what_is_expected_of_it) {
    size_t met = 0;
    for (const ptree& expected : cases()) {
        const auto file = expected.get<std::string>("file");
        if (not_yet.contains(file)) continue;
        const std::string problem = difference(expected);
        BOOST_TEST(problem == "", file << ": " << problem);
        ++met;
    }
    BOOST_TEST(met + not_yet.size() == cases().size());
}

BOOST_AUTO_TEST_CASE(what_is_not_met_yet_is_really_not_met) {
    std::set<std::string> found;
    for (const ptree& expected : cases()) {
        const auto file = expected.get<std::string>("file");
        if (!not_yet.contains(file)) continue;
        BOOST_TEST(difference(expected) != "", file << " is met");
        found.insert(file);
    }
    BOOST_TEST(found.size() == not_yet.size());
}

BOOST_AUTO_TEST_SUITE_END()
