// Dialects: decode must find every value again, in whatever form a router reports it.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "tests/support/dialects.h"
#include "tests/support/report.h"

using namespace rollcall;

namespace {

std::string joined(const std::set<std::string>& words) {
    return fmt::format("[{}]", fmt::join(words, ","));
}

std::set<std::string> words_of(const std::string& list) {
    std::set<std::string> words;
    std::istringstream stream(list == "NULL" ? "" : list);
    for (std::string word; std::getline(stream, word, ',');) words.insert(word);
    return words;
}

std::string meant(const RandomRow& row, Column column) {
    const auto cell = row.cells.find(column);
    return cell == row.cells.end() ? "NULL" : shown(cell->second);
}

// Returns the first difference from the expected rows; empty if there is none.
std::string difference(const Sent& sent) {
    const Report report(sent.body, sent.hint, sent.query, sent.header);
    if (report.outcome() != "ok") return report.outcome();
    if (report.rows() != sent.rows.size())
        return fmt::format("{} rows, refused: {}", report.rows(), report.refusals());
    for (size_t number = 0; number < sent.rows.size(); ++number) {
        const RandomRow& row = sent.rows[number];
        for (size_t i = 0; i < columns_count; ++i) {
            const auto column = static_cast<Column>(i);
            // device(), below, checks the source of the site_id.
            if (info(column).value == Value::given || column == Column::site_id) continue;
            const std::string wanted = meant(row, column);
            const std::string made = report.at(number, column);
            if (made != wanted)
                return fmt::format("{} of row {} is {} instead of {}", info(column).name, number,
                                   made, wanted);
        }
        const auto warnings = words_of(report.at(number, Column::warnings));
        if (warnings != row.warnings)
            return fmt::format("the warnings of row {} are {} instead of {}", number,
                               joined(warnings), joined(row.warnings));
    }
    const std::string device = report.device().empty() ? "NULL" : report.device();
    const std::string wanted = meant(sent.rows.back(), Column::site_id);
    if (device != wanted) return fmt::format("the device is {} instead of {}", device, wanted);
    return {};
}

// Returns the number of rows; `./dev soak` sets a larger one.
size_t rounds() {
    const char* given = std::getenv("ROLLCALL_DIALECTS");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20'000;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_dialects)

BOOST_AUTO_TEST_CASE(a_random_row_in_a_random_dialect_is_found_again) {
    Random random("dialects.a_random_row_in_a_random_dialect_is_found_again");
    std::map<std::string, size_t> met;
    for (size_t round = rounds(); round > 0; --round) {
        const Sent sent = random_report(random);
        ++met[sent.dialect];
        const std::string problem = difference(sent);
        BOOST_TEST_REQUIRE(problem == "", sent.dialect << ": " << problem << "\nbody " << sent.body
                                                       << "\nquery " << sent.query << "\nheader "
                                                       << sent.header);
    }
    BOOST_TEST(met.size() == 11);
}

BOOST_AUTO_TEST_SUITE_END()
