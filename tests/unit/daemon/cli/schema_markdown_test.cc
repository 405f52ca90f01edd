#include "daemon/cli/schema_markdown.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "pipeline/columns/columns.h"

using namespace rollcall;

namespace {

// Returns the rows of the table without its head.
std::vector<std::string> table_rows() {
    std::vector<std::string> rows;
    std::istringstream document(schema_markdown());
    for (std::string line; std::getline(document, line);)
        if (line.starts_with("| `")) rows.push_back(line);
    return rows;
}

// Returns the texts between back quotes. The first one is the name of the column.
std::vector<std::string> backquoted(const std::string& row) {
    std::vector<std::string> words;
    std::istringstream pieces(row);
    std::string piece;
    for (bool inside = false; std::getline(pieces, piece, '`'); inside = !inside)
        if (inside) words.push_back(piece);
    return words;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_schema_markdown)

BOOST_AUTO_TEST_CASE(every_column_has_its_row_in_the_order_for_people) {
    const auto rows = table_rows();
    BOOST_TEST_REQUIRE(rows.size() == columns_count);
    for (size_t i = 0; i < columns_count; ++i) {
        const ColumnInfo& column = info(columns_as_shown[i]);
        BOOST_TEST(backquoted(rows[i])[0] == column.name);
        BOOST_TEST(rows[i].find(column.help) != std::string::npos, rows[i]);
    }
    BOOST_TEST(backquoted(rows[1])[0] == "site_id");
    BOOST_TEST(backquoted(rows[2])[0] == "tenant");
    BOOST_TEST(columns_table[columns_count - 1].name == "tenant");  // Every table has a tenant.
}

BOOST_AUTO_TEST_CASE(every_row_has_four_cells) {
    for (const auto& row : table_rows()) BOOST_TEST(std::ranges::count(row, '|') == 5, row);
}

BOOST_AUTO_TEST_CASE(every_name_is_printed_without_its_marks) {
    const auto rows = table_rows();
    for (size_t i = 0; i < columns_count; ++i) {
        const auto names = backquoted(rows[i]);
        const auto keys = info(columns_as_shown[i]).keys;
        const auto keys_count = keys.empty() ? 0 : std::ranges::count(keys, ' ') + 1;
        BOOST_TEST(names.size() == 1 + static_cast<size_t>(keys_count), rows[i]);
        for (size_t name = 1; name < names.size(); ++name)
            BOOST_TEST(names[name].find_first_of("?+~,=^%# ") == std::string::npos, names[name]);
    }
}

BOOST_AUTO_TEST_CASE(a_column_that_no_report_sets_says_so) {
    for (const auto& row : table_rows())
        BOOST_TEST((backquoted(row).size() == 1) == row.ends_with("| set by rollcalld |"), row);
}

BOOST_AUTO_TEST_CASE(the_document_in_the_tree_is_what_the_table_gives) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/config/routeros/fields.md");
    const std::string shipped{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST((shipped == schema_markdown()),
               "rollcalld schema show > config/routeros/fields.md writes it anew");
}

BOOST_AUTO_TEST_SUITE_END()
