#include "sinks/text/tsv.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/random.h"
#include "tests/support/rows.h"

using namespace rollcall;

namespace {

std::string line_of(const Columns& rows, size_t row = 0) {
    std::string line(tsv_row_bytes_max, '?');
    const auto end = append_tsv(rows, row, line.data());
    BOOST_TEST_REQUIRE(end.has_value());
    line.resize(static_cast<size_t>(*end - line.data()));
    return line;
}

std::vector<std::string> fields_of(const std::string& line) {
    BOOST_TEST_REQUIRE(line.ends_with('\n'));
    std::vector<std::string> fields(1);
    for (const char letter : line.substr(0, line.size() - 1)) {
        if (letter == '\t')
            fields.emplace_back();
        else
            fields.back() += letter;
    }
    BOOST_TEST_REQUIRE(fields.size() == columns_count);
    return fields;
}

// Returns the field of a row in which only this column has a value.
std::string field_of(Column column, std::string_view text) {
    Columns rows(1, test_text_max);
    rows.set_text(column, text);
    rows.commit_row();
    return fields_of(line_of(rows))[index(column)];
}
std::string field_of(Column column, double value) {
    Columns rows(1, test_text_max);
    rows.set_real(column, value);
    rows.commit_row();
    return fields_of(line_of(rows))[index(column)];
}

std::string refusal(Columns& rows) {
    rows.commit_row();
    std::string line(tsv_row_bytes_max, '?');
    const auto end = append_tsv(rows, 0, line.data());
    BOOST_TEST_REQUIRE(!end.has_value());
    return describe(end.error());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_tsv)

BOOST_AUTO_TEST_CASE(row_is_one_line_with_a_field_for_each_column_in_their_order) {
    Columns rows(2, test_text_max);
    rows.set_integer(Column::id, 42);
    rows.set_integer(Column::online, 1);
    rows.set_text(Column::source_ip, "192.0.2.1");
    rows.set_real(Column::voltage_v, 24.1);
    add_row(rows, "HX1", INT64_MAX);
    add_row(rows, "HX2", 7);
    const auto fields = fields_of(line_of(rows));
    BOOST_TEST(fields[index(Column::id)] == "42");
    BOOST_TEST(fields[index(Column::site_id)] == "HX1");
    BOOST_TEST(fields[index(Column::received_at)] == "2026-09-21 14:13:20.000000");
    BOOST_TEST(fields[index(Column::online)] == "1");
    BOOST_TEST(fields[index(Column::transport)] == "\\N");
    BOOST_TEST(fields[index(Column::source_ip)] == "192.0.2.1");
    BOOST_TEST(fields[index(Column::voltage_v)] == "24.1");
    BOOST_TEST(fields[index(Column::seq)] == "9223372036854775807");
    BOOST_TEST(fields_of(line_of(rows, 1))[index(Column::seq)] == "7");
}

BOOST_AUTO_TEST_CASE(empty_text_is_an_empty_field_and_no_text_is_null) {
    BOOST_TEST(field_of(Column::identity, "") == "");
    BOOST_TEST(field_of(Column::model, "m") == "m");
    Columns rows(1, test_text_max);
    rows.commit_row();
    for (const auto& field : fields_of(line_of(rows))) BOOST_TEST(field == "\\N");
}

BOOST_AUTO_TEST_CASE(what_would_end_a_field_or_a_row_is_escaped_wherever_it_stands) {
    for (size_t before = 0; before < 20; ++before) {
        for (size_t after = 0; after < 20; ++after) {
            const std::string left(before, 'l');
            const std::string right(after, 'r');
            BOOST_TEST(field_of(Column::identity, left + "\t" + right) == left + "\\t" + right);
            BOOST_TEST(field_of(Column::identity, left + "\n" + right) == left + "\\n" + right);
            BOOST_TEST(field_of(Column::identity, left + "\r" + right) == left + "\\r" + right);
            BOOST_TEST(field_of(Column::identity, left + "\\" + right) == left + "\\\\" + right);
        }
    }
}

BOOST_AUTO_TEST_CASE(text_that_looks_like_null_is_not_null) {
    BOOST_TEST(field_of(Column::identity, "\\N") == "\\\\N");
    BOOST_TEST(field_of(Column::identity, "NULL") == "NULL");
}

BOOST_AUTO_TEST_CASE(every_other_byte_stands_for_itself) {
    std::string all;
    for (int byte = 1; byte < 256; ++byte)
        if (std::string_view("\t\n\r\\").find(static_cast<char>(byte)) == std::string::npos)
            all += static_cast<char>(byte);
    BOOST_TEST(field_of(Column::identity, all) == all);
}

BOOST_AUTO_TEST_CASE(short_decimals_are_written_as_people_write_them) {
    BOOST_TEST(field_of(Column::voltage_v, 24.1) == "24.1");
    BOOST_TEST(field_of(Column::voltage_v, 0) == "0");
    BOOST_TEST(field_of(Column::temp_c, -0.05) == "-0.05");
    BOOST_TEST(field_of(Column::temp_c, -12.345) == "-12.345");
    BOOST_TEST(field_of(Column::temp_c, 100) == "100");
    BOOST_TEST(field_of(Column::lat, 56.94968) == "56.94968");
}

BOOST_AUTO_TEST_CASE(random_real_is_read_back_as_the_same_double) {
    Random random("tsv");
    for (int i = 0; i < 200'000; ++i) {
        double value = std::bit_cast<double>(random.below(UINT64_MAX));
        if (i % 2 == 0)  // With as many digits as routers send.
            value = static_cast<double>(random.below(100'000'000)) /
                    std::pow(10, static_cast<double>(random.below(6)));
        if (!std::isfinite(value)) continue;
        const std::string field = field_of(Column::lat, value);
        const double back = std::strtod(field.c_str(), nullptr);
        BOOST_TEST_REQUIRE(std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(value));
    }
}

BOOST_AUTO_TEST_CASE(value_that_a_database_would_alter_is_refused_with_its_column) {
    Columns nul(1, test_text_max);
    nul.set_text(Column::identity, std::string_view("a\0b", 3));
    BOOST_TEST(refusal(nul) == "identity holds a NUL");
    for (const double value :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        Columns real(1, test_text_max);
        real.set_real(Column::lat, value);
        BOOST_TEST(refusal(real) == "lat is not a finite number");
    }
    Columns late(1, test_text_max);
    late.set_integer(Column::reported_at, INT64_MAX);
    BOOST_TEST(refusal(late) == "reported_at is outside the years 1000 to 9999");
}

BOOST_AUTO_TEST_CASE(largest_row_fits_where_tsv_row_bytes_max_are_free) {
    Columns rows(1, test_text_max);
    for (size_t number = 0; number < columns_count; ++number) {
        const auto column = static_cast<Column>(number);
        switch (info(column).kind) {
            case Kind::text:
                rows.set_text(column, std::string(static_cast<size_t>(info(column).high), '\\'));
                break;
            case Kind::integer:
            case Kind::flag: rows.set_integer(column, INT64_MIN); break;
            case Kind::real: rows.set_real(column, -2.2250738585072014e-308); break;
            case Kind::time: rows.set_integer(column, 0); break;
        }
    }
    rows.commit_row();
    std::string room(tsv_row_bytes_max + 16, '?');
    const auto end = append_tsv(rows, 0, room.data());
    BOOST_TEST_REQUIRE(end.has_value());
    BOOST_TEST((*end <= room.data() + tsv_row_bytes_max));
    BOOST_TEST(room.substr(tsv_row_bytes_max) == std::string(16, '?'));
}

BOOST_AUTO_TEST_CASE(line_is_written_without_an_allocation) {
    Columns rows(1, test_text_max);
    rows.set_text(Column::extra, R"({"text":"with \" and \\ and more"})");
    rows.set_real(Column::lat, 56.949677);
    add_row(rows, "HX1", 1);
    std::string room(tsv_row_bytes_max, '?');
    const size_t before = allocations();
    BOOST_TEST(append_tsv(rows, 0, room.data()).has_value());
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_SUITE_END()
