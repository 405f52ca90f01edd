// Lines of sinks/text/tsv, loaded by LOAD DATA of MariaDB and read back value by value.
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>

#include "sinks/text/tsv.h"
#include "sinks/text/utc_text.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/random.h"
#include "tests/support/rows.h"

using namespace rollcall;

namespace {

struct Loaded {
    Loaded() {
        server.make_tables();
        database.emplace(*Database::connect(server.options("rollcall")));
    }

    // Loads the rows and returns the rows of the table, ordered by id.
    Rows round_trip(const Columns& rows) {
        std::string text(rows.rows() * tsv_row_bytes_max, '?');
        char* end = text.data();
        for (size_t row = 0; row < rows.rows(); ++row) end = append_tsv(rows, row, end).value();
        text.resize(static_cast<size_t>(end - text.data()));
        size_t at = 0;
        const auto loaded =
            database->load("LOAD DATA LOCAL INFILE 'x' INTO TABLE site_checkins " + load_clauses(),
                           [&](char* to, size_t room) -> std::optional<size_t> {
                               const size_t bytes = text.copy(to, room, at);
                               at += bytes;
                               return bytes;
                           });
        BOOST_TEST_REQUIRE(loaded.value() == rows.rows());
        if (database->warnings() > 0) {
            const auto warnings = database->query("SHOW WARNINGS LIMIT 1").value();
            BOOST_TEST_REQUIRE(false, warnings[0][2].value());
        }
        return database->query("SELECT * FROM site_checkins ORDER BY id").value();
    }

    MariadbServer& server = mariadb_server();
    std::optional<Database> database;
};

// Returns a value as MariaDB prints it, except for reals, where MariaDB may choose other digits.
std::optional<std::string> shown(const Columns& rows, size_t row, Column column) {
    if (!rows.has(row, column)) return std::nullopt;
    switch (info(column).kind) {
        case Kind::text: return std::string(rows.text(row, column));
        case Kind::time: {
            std::string text(utc_text_size, '?');
            write_utc(rows.integer(row, column), text.data());
            return text;
        }
        case Kind::integer:
        case Kind::flag: return std::to_string(rows.integer(row, column));
        case Kind::real: return "";
    }
    return std::nullopt;
}

void check_same(const Columns& rows, const Rows& stored) {
    BOOST_TEST_REQUIRE(stored.size() == rows.rows());
    for (size_t row = 0; row < rows.rows(); ++row) {
        for (size_t number = 0; number < columns_count; ++number) {
            const auto column = static_cast<Column>(number);
            const auto& value = stored[row][number];
            if (info(column).kind == Kind::real && rows.has(row, column)) {
                BOOST_TEST_REQUIRE(value.has_value());
                const double back = std::strtod(value->c_str(), nullptr);
                BOOST_TEST_REQUIRE(back == rows.real(row, column), info(column).name);
            } else {
                BOOST_TEST_REQUIRE(
                    (value == shown(rows, row, column)),
                    info(column).name << " of row " << row << " is " << value.value_or("NULL"));
            }
        }
    }
}

// Returns text of at most `bytes_max` bytes. Many of its characters must be escaped in TSV or are
// long in UTF-8.
std::string random_text(Random& random, size_t bytes_max) {
    static const std::vector<std::string> pieces = {
        "\t",   "\n",   "\r",   "\\",   "\\N",    "\\t", "N",    "'",  "\"", "`",
        ",",    " ",    "a",    "Z",    "0",      "é",   "ß",    "☕", "漢", "\U0001F4E1",
        "\x01", "\x1a", "\x7f", "NULL", "router", "\\0", "\n\n", "%",  "_",  "\xef\xbb\xbf"};
    std::string text;
    for (size_t count = random.below(30); count > 0; --count) {
        const auto& piece = pieces[random.below(pieces.size())];
        if (text.size() + piece.size() <= bytes_max) text += piece;
    }
    return text;
}

double random_real(Random& random) {
    switch (random.below(4)) {
        case 0: return static_cast<double>(random.below(10'000)) / 100 - 50;
        case 1: return static_cast<double>(random.below(1'000'000'000)) / 1e6;
        case 2: return 0;
        default: {
            const double any = std::bit_cast<double>(random.below(UINT64_MAX));
            return std::isfinite(any) ? any : 1;
        }
    }
}

void set_random(Columns& rows, Column column, Random& random) {
    const auto& about = info(column);
    switch (about.kind) {
        case Kind::text:
            rows.set_text(column, random_text(random, static_cast<size_t>(about.high)));
            return;
        case Kind::integer:
            rows.set_integer(column, random.below(2) == 0
                                         ? static_cast<int64_t>(random.below(UINT64_MAX))
                                         : static_cast<int64_t>(random.below(100)));
            return;
        case Kind::flag: rows.set_integer(column, static_cast<int64_t>(random.below(2))); return;
        case Kind::real: rows.set_real(column, random_real(random)); return;
        case Kind::time:
            rows.set_integer(column, -30'610'224'000'000'000 + static_cast<int64_t>(random.below(
                                                                   283'996'000'000'000'000)));
            return;
    }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tsv_mariadb, Loaded)

BOOST_AUTO_TEST_CASE(random_rows_come_back_as_they_were) {
    Random random("tsv_mariadb");
    constexpr size_t count = 3000;
    Columns rows(count, count * row_text_max);
    for (size_t row = 0; row < count; ++row) {
        for (size_t number = 0; number < columns_count; ++number) {
            const auto column = static_cast<Column>(number);
            const bool required = is_required(info(column));
            if (required || random.below(3) > 0) set_random(rows, column, random);
        }
        rows.set_integer(Column::id, static_cast<int64_t>(row));
        rows.commit_row();
    }
    check_same(rows, round_trip(rows));
}

BOOST_AUTO_TEST_CASE(largest_and_smallest_values_come_back) {
    Columns rows(4, 4 * row_text_max);
    for (int64_t id = 0; id < 3; ++id) {
        for (size_t number = 0; number < columns_count; ++number) {
            const auto column = static_cast<Column>(number);
            const auto& about = info(column);
            if (about.kind == Kind::text) {
                // The longest text of 4-byte characters, the longest text of 1-byte characters, and
                // an empty text.
                std::string text;
                const auto most = static_cast<size_t>(about.high);
                if (id == 0)
                    while (text.size() + 4 <= most) text += "\U0001F4E1";
                if (id == 1) text.assign(most, '\\');
                rows.set_text(column, text);
            }
            if (about.kind == Kind::integer)
                rows.set_integer(column, id == 0 ? INT64_MAX : id == 1 ? INT64_MIN : 0);
            if (about.kind == Kind::real)
                rows.set_real(column, id == 0   ? 1.7976931348623157e308
                                      : id == 1 ? -2.2250738585072014e-308
                                                : 0.1);
            if (about.kind == Kind::time)
                rows.set_integer(column, id == 0   ? 253'402'300'799'999'999
                                         : id == 1 ? -30'610'224'000'000'000
                                                   : 1);
        }
        rows.set_integer(Column::online, id == 0 ? 1 : 0);
        rows.set_integer(Column::id, id);
        rows.commit_row();
    }
    check_same(rows, round_trip(rows));
}

BOOST_AUTO_TEST_CASE(extra_keeps_a_number_of_64_bits) {
    Columns rows(1, row_text_max);
    rows.set_integer(Column::id, 1);
    rows.set_text(Column::extra, R"({"rx-byte":18446744073709551615})");
    add_row(rows, "S", 1);
    BOOST_TEST(round_trip(rows)[0][index(Column::extra)].value() ==
               R"({"rx-byte":18446744073709551615})");
    BOOST_TEST(server.ask("SELECT JSON_VALUE(extra, '$.\"rx-byte\"') FROM site_checkins") ==
               "18446744073709551615");
}

BOOST_AUTO_TEST_SUITE_END()
