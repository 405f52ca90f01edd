#include "pipeline/columns/columns.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <numeric>

#include "tests/support/random.h"
#include "tests/support/rows.h"

namespace rollcall {

namespace {

// Returns the column numbers of a record of the current version.
std::array<uint8_t, spool_columns_count> same_columns() {
    std::array<uint8_t, spool_columns_count> columns;
    std::iota(columns.begin(), columns.end(), uint8_t{0});
    return columns;
}

Result<bool> append(Columns& to, const std::string& payload) {
    return to.append_record(std::as_bytes(std::span(payload)), same_columns());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(columns)

BOOST_AUTO_TEST_CASE(committed_row_returns_the_values_that_were_set) {
    Columns columns(2, test_text_max);
    columns.set_text(Column::identity, "Gården");
    columns.set_integer(Column::uptime_s, 788645);
    columns.set_real(Column::voltage_v, 24.1);
    columns.commit_row();
    BOOST_TEST(columns.rows() == 1);
    BOOST_TEST(columns.text(0, Column::identity) == "Gården");
    BOOST_TEST(columns.integer(0, Column::uptime_s) == 788645);
    BOOST_TEST(columns.real(0, Column::voltage_v) == 24.1);
    BOOST_TEST(!columns.has(0, Column::cpu_load));
}

BOOST_AUTO_TEST_CASE(row_of_another_table_is_appended_unchanged_or_not_at_all) {
    Random random("row_of_another_table_is_appended_unchanged_or_not_at_all");
    Columns from(50, 50 * row_text_max);
    for (int64_t row = 0; row < 50; ++row) {
        from.set_real(Column::voltage_v, 24.1);
        if (random.one_in(2)) from.set_integer(Column::uptime_s, row);
        from.set_text(Column::extra, std::string(100 + random.below(200), 'x'));
        add_row(from, "site", row);
    }
    Columns all(50, 50 * row_text_max);
    for (size_t row = 0; row < 50; ++row) BOOST_TEST_REQUIRE(all.append_row(from, row));
    for (size_t row = 0; row < 50; ++row) {
        BOOST_TEST(all.mask(row) == from.mask(row));
        BOOST_TEST(all.text(row, Column::extra) == from.text(row, Column::extra));
        BOOST_TEST(all.text(row, Column::site_id) == "site");
        BOOST_TEST(all.integer(row, Column::seq) == static_cast<int64_t>(row));
        BOOST_TEST(all.real(row, Column::voltage_v) == 24.1);
    }
    BOOST_TEST(!all.append_row(from, 0));  // There is no room for another row.
    Columns narrow(200, row_text_max);
    while (narrow.append_row(from, 0)) {
    }
    const std::string full = payload_of(narrow);
    BOOST_TEST(narrow.rows() < 200);  // The text space is full before the maximum number of rows is
                                      // reached.
    BOOST_TEST(!narrow.append_row(from, 0));
    BOOST_TEST((payload_of(narrow) == full));
}

BOOST_AUTO_TEST_CASE(value_set_twice_is_the_last_one) {
    Columns columns(2, test_text_max);
    columns.set_text(Column::identity, "first");
    columns.set_text(Column::identity, "second");
    columns.commit_row();
    BOOST_TEST(columns.text(0, Column::identity) == "second");
}

BOOST_AUTO_TEST_CASE(discarded_row_leaves_no_byte) {
    Columns touched(4, test_text_max);
    add_row(touched, "S1", 1);
    touched.set_text(Column::site_id, "gone");
    touched.set_real(Column::lat, 56.9);
    touched.discard_row();
    add_row(touched, "S2", 2);

    Columns untouched(4, test_text_max);
    add_row(untouched, "S1", 1);
    add_row(untouched, "S2", 2);
    BOOST_TEST(payload_of(touched) == payload_of(untouched));
}

BOOST_AUTO_TEST_CASE(unset_value_is_absent) {
    Columns columns(1, test_text_max);
    columns.set_integer(Column::mem_free, 5);
    columns.unset(Column::mem_free);
    columns.set_integer(Column::seq, 1);
    columns.commit_row();
    BOOST_TEST(!columns.has(0, Column::mem_free));
    BOOST_TEST(columns.has(0, Column::seq));
}

BOOST_AUTO_TEST_CASE(cleared_columns_give_the_bytes_of_new_ones) {
    Columns columns(4, test_text_max);
    for (int64_t seq : {1, 2, 3}) add_row(columns, "a longer site", seq);
    columns.clear();
    add_row(columns, "S", 9);
    BOOST_TEST(payload_of(columns) == payload_of(one_row("S", 9)));
}

BOOST_AUTO_TEST_CASE(there_is_no_room_when_rows_or_text_are_full) {
    Columns by_rows(1, test_text_max);
    BOOST_TEST(by_rows.room());
    add_row(by_rows, "S", 1);
    BOOST_TEST(!by_rows.room());

    Columns by_text(100, row_text_max);
    BOOST_TEST(by_text.room());
    add_row(by_text, "S", 1);
    BOOST_TEST(!by_text.room());
}

BOOST_AUTO_TEST_CASE(appended_record_follows_the_rows_before_it) {
    Columns batch(8, test_text_max);
    BOOST_TEST(append(batch, payload_of(one_row("S1", 1))).value());
    Columns two(2, test_text_max);
    add_row(two, "S2", 2);
    two.set_text(Column::identity, "");  // The value is present, but empty.
    two.commit_row();
    BOOST_TEST(append(batch, payload_of(two)).value());
    BOOST_TEST(batch.rows() == 3);
    BOOST_TEST(batch.text(0, Column::site_id) == "S1");
    BOOST_TEST(batch.text(1, Column::site_id) == "S2");
    BOOST_TEST(batch.integer(1, Column::seq) == 2);
    BOOST_TEST(batch.has(2, Column::identity));
    BOOST_TEST(batch.text(2, Column::identity) == "");
    BOOST_TEST(!batch.has(2, Column::seq));
}

BOOST_AUTO_TEST_CASE(record_that_does_not_fit_changes_nothing) {
    Columns batch(1, test_text_max);
    BOOST_TEST(append(batch, payload_of(one_row("S1", 1))).value());
    const std::string before = payload_of(batch);
    BOOST_TEST(!append(batch, payload_of(one_row("S2", 2))).value());
    BOOST_TEST(payload_of(batch) == before);
}

BOOST_AUTO_TEST_CASE(record_of_an_older_daemon_is_read_into_the_current_columns) {
    // The old record has a column that no longer exists, and site_id under another number.
    Columns old(2, test_text_max);
    old.set_integer(Column::id, 77);
    old.set_text(Column::site_id, "S");
    old.commit_row();
    const std::array<uint8_t, 2> columns_at = {spool_columns_count,
                                               static_cast<uint8_t>(index(Column::identity))};
    Columns batch(2, test_text_max);
    const std::string payload = payload_of(old);
    BOOST_TEST(batch.append_record(std::as_bytes(std::span(payload)), columns_at).value());
    BOOST_TEST(batch.mask() == bit(Column::identity));
    BOOST_TEST(batch.mask(0) == bit(Column::identity));
    BOOST_TEST(batch.text(0, Column::identity) == "S");
}

BOOST_AUTO_TEST_CASE(assigned_integer_is_present_in_its_row_alone) {
    Columns batch(4, test_text_max);
    add_row(batch, "S1", 1);
    add_row(batch, "S2", 2);
    batch.assign_integer(1, Column::id, 42);
    BOOST_TEST(!batch.has(0, Column::id));
    BOOST_TEST(batch.integer(1, Column::id) == 42);
}

BOOST_AUTO_TEST_CASE(remaining_rows_equal_those_of_a_table_without_the_removed_ones) {
    Random random("columns.removed_rows");
    for (int round = 0; round < 500; ++round) {
        Columns some(40, 40 * row_text_max);
        Columns expected(40, 40 * row_text_max);
        std::vector<uint32_t> removed;
        const uint64_t share = random.below(4);
        for (uint32_t row = 0; row < 30; ++row) {
            const bool goes = random.below(4) < share;
            if (goes) removed.push_back(row);
            for (Columns* const columns : {&some, &expected}) {
                if (goes && columns == &expected) continue;
                if (goes) columns->set_integer(Column::dhcp_leases, row);
                if (row % 3 == 0) columns->set_integer(Column::uptime_s, row);
                add_row(*columns, "S", row);
            }
        }
        some.remove_rows(removed);
        BOOST_TEST_REQUIRE(some.rows() == expected.rows());
        BOOST_TEST_REQUIRE(some.mask() == expected.mask());
        for (size_t row = 0; row < some.rows(); ++row) {
            BOOST_TEST_REQUIRE(some.mask(row) == expected.mask(row));
            BOOST_TEST_REQUIRE(some.text(row, Column::site_id) == "S");
            for (const Column column : {Column::seq, Column::uptime_s, Column::dhcp_leases})
                BOOST_TEST_REQUIRE(some.integer(row, column) == expected.integer(row, column));
        }
        some.clear();
        add_row(some, "S", 9);
        BOOST_TEST_REQUIRE(payload_of(some) == payload_of(one_row("S", 9)));
    }
}

BOOST_AUTO_TEST_CASE(rows_after_an_earlier_end_can_be_cut) {
    Columns rows(8, test_text_max);
    for (int64_t seq : {1, 2}) add_row(rows, "site", seq);
    const std::string before = payload_of(rows);
    const Columns::End end = rows.end();
    add_row(rows, "another site", 3);
    rows.set_integer(Column::dhcp_leases, 7);
    rows.commit_row();
    rows.set_text(Column::identity, "open");
    rows.cut(end);
    BOOST_TEST(rows.rows() == 2);
    BOOST_TEST(payload_of(rows) == before);
    // The cells of the removed rows are empty again.
    Columns others(8, test_text_max);
    for (int64_t seq : {1, 2, 3}) add_row(others, "site", seq);
    add_row(rows, "site", 3);
    BOOST_TEST(payload_of(rows) == payload_of(others));
}

BOOST_AUTO_TEST_CASE(damaged_payload_is_refused_or_read_within_its_bounds) {
    Random random("columns.damaged_payload");
    Columns rows(4, test_text_max);
    for (int64_t seq : {1, 2, 3}) add_row(rows, "site", seq);
    const std::string sound = payload_of(rows);
    for (int round = 0; round < 20'000; ++round) {
        std::string payload = sound;
        for (uint64_t flips = 1 + random.below(4); flips > 0; --flips)
            payload[random.below(payload.size())] ^= static_cast<char>(1 + random.below(255));
        payload.resize(payload.size() - random.below(3));
        Columns batch(8, test_text_max);
        add_row(batch, "before", 7);
        const auto done = append(batch, payload);
        if (done && *done) {
            for (size_t row = 0; row < batch.rows(); ++row)
                if (batch.has(row, Column::site_id))
                    BOOST_TEST_REQUIRE(batch.text(row, Column::site_id).size() <= payload.size());
        } else {
            BOOST_TEST_REQUIRE(payload_of(batch) == payload_of(one_row("before", 7)));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
