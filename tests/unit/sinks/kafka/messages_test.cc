#include "sinks/kafka/messages.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "sinks/text/tsv.h"
#include "tests/support/random.h"
#include "tests/support/rows.h"

using namespace rollcall;

namespace {

constexpr size_t message_bytes_max = 4096;

int32_t by_length(std::string_view site) { return static_cast<int32_t>(site.size() % 3); }

Columns rows_of(const std::vector<std::string>& sites) {
    Columns rows(sites.size() + 1, test_text_max);
    for (size_t i = 0; i < sites.size(); ++i) add_row(rows, sites[i], static_cast<int64_t>(i));
    return rows;
}

std::string line_of(const Columns& rows, size_t row) {
    std::string line(tsv_row_bytes_max, '?');
    line.resize(static_cast<size_t>(append_tsv(rows, row, line.data()).value() - line.data()));
    return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_messages)

BOOST_AUTO_TEST_CASE(one_row_is_one_message_with_its_site_as_key_in_the_order_of_the_batch) {
    const Columns rows = rows_of({"a", "bb", "ccc", "dd"});
    KafkaMessages messages(1, message_bytes_max);
    messages.cut(rows, message_bytes_max, 3, by_length);
    BOOST_TEST_REQUIRE(messages.messages().size() == 4);
    for (size_t row = 0; row < 4; ++row) {
        const auto& message = messages.messages()[row];
        BOOST_TEST(message.key == rows.text(row, Column::site_id));
        BOOST_TEST(message.partition == by_length(message.key));
        BOOST_TEST(message.lines == line_of(rows, row));
    }
    BOOST_TEST(messages.dead_letters().empty());
}

BOOST_AUTO_TEST_CASE(several_rows_of_one_partition_share_a_message_without_a_key) {
    const Columns rows = rows_of({"a", "bb", "a", "bb", "a"});
    KafkaMessages messages(2, message_bytes_max);
    messages.cut(rows, message_bytes_max, 3, by_length);
    std::map<int32_t, std::vector<std::string>> lines;
    for (const auto& message : messages.messages()) {
        BOOST_TEST(message.key == "");
        lines[message.partition].emplace_back(message.lines);
    }
    BOOST_TEST(lines[1] == std::vector({line_of(rows, 0) + line_of(rows, 2), line_of(rows, 4)}));
    BOOST_TEST(lines[2] == std::vector({line_of(rows, 1) + line_of(rows, 3)}));
}

BOOST_AUTO_TEST_CASE(message_is_closed_before_it_grows_beyond_its_limit) {
    const Columns rows = rows_of({"a", "a", "a"});
    const size_t two_rows = line_of(rows, 0).size() + line_of(rows, 1).size();
    KafkaMessages messages(100, message_bytes_max);
    messages.cut(rows, two_rows, 3, by_length);
    BOOST_TEST_REQUIRE(messages.messages().size() == 2);
    BOOST_TEST(messages.messages()[0].lines.size() == two_rows);
    messages.cut(rows, two_rows - 1, 3, by_length);
    BOOST_TEST(messages.messages().size() == 3);
}

BOOST_AUTO_TEST_CASE(row_larger_than_a_message_is_a_dead_letter_and_the_others_are_sent) {
    Columns rows(3, test_text_max);
    add_row(rows, "a", 1);
    rows.set_text(Column::identity, std::string(255, 'x'));
    add_row(rows, "a", 2);
    add_row(rows, "a", 3);
    for (const size_t rows_max : {size_t{1}, size_t{10}}) {
        KafkaMessages messages(rows_max, message_bytes_max);
        messages.cut(rows, 256, 3, by_length);
        std::string sent;
        for (const auto& message : messages.messages()) sent += message.lines;
        BOOST_TEST(sent == line_of(rows, 0) + line_of(rows, 2));
        BOOST_TEST_REQUIRE(messages.dead_letters().size() == 1);
        const auto& letter = messages.dead_letters()[0];
        BOOST_TEST(letter.row == 1);
        BOOST_TEST((letter.reason == DeadReason::too_large));
        BOOST_TEST(letter.line == line_of(rows, 1));
    }
}

BOOST_AUTO_TEST_CASE(row_that_tsv_cannot_say_is_a_dead_letter_that_names_the_column) {
    Columns rows(2, test_text_max);
    rows.set_text(Column::identity, std::string("a\0b", 3));
    add_row(rows, "a", 1);
    add_row(rows, "a", 2);
    KafkaMessages messages(1, message_bytes_max);
    messages.cut(rows, message_bytes_max, 3, by_length);
    BOOST_TEST(messages.messages().size() == 1);
    BOOST_TEST_REQUIRE(messages.dead_letters().size() == 1);
    BOOST_TEST((messages.dead_letters()[0].reason == DeadReason::not_representable));
    BOOST_TEST(messages.dead_letters()[0].detail.starts_with("identity "));
    BOOST_TEST(messages.dead_letters()[0].line == "");
}

BOOST_AUTO_TEST_CASE(memory_is_that_of_the_batch_however_many_partitions_there_are) {
    constexpr size_t count = 4000;
    Columns rows(count, count * row_text_max);
    size_t lines_bytes = 0;
    for (size_t i = 0; i < count; ++i) {
        add_row(rows, "site-" + std::to_string(i), static_cast<int64_t>(i));
        lines_bytes += line_of(rows, i).size();
    }
    for (const size_t bytes_max : {size_t{1024}, size_t{256 * 1024}}) {
        for (const size_t partitions : {size_t{1}, size_t{1000}}) {
            KafkaMessages messages(100, bytes_max);
            messages.cut(rows, bytes_max, partitions, [&](std::string_view site) {
                return static_cast<int32_t>(std::hash<std::string_view>()(site) % partitions);
            });
            BOOST_TEST(messages.memory_bytes() < 2 * lines_bytes + lines_bytes / 10 + 300 * 1024);
        }
    }
}

// One object packs many batches with different limits.
BOOST_AUTO_TEST_CASE(every_row_of_a_random_batch_is_in_one_message_or_one_dead_letter) {
    Random random("every_row_of_a_random_batch_is_in_one_message_or_one_dead_letter");
    for (const size_t rows_max : {size_t{1}, size_t{7}, size_t{1000}}) {
        KafkaMessages messages(rows_max, 64 * 1024);
        for (int batch = 0; batch < 20; ++batch) {
            const size_t count = 1 + random.below(3000);
            Columns rows(count, count * row_text_max);
            std::map<std::string, int> expected;
            for (size_t i = 0; i < count; ++i) {
                rows.set_text(Column::identity, std::string(random.below(256), 'x'));
                add_row(rows, std::string(1 + random.below(9), 's'), static_cast<int64_t>(i));
                ++expected[line_of(rows, i)];
            }
            const size_t limit = 200 + random.below(2000);
            messages.cut(rows, limit, 3, by_length);
            std::map<std::string, int> found;
            for (const auto& letter : messages.dead_letters()) {
                BOOST_TEST(letter.line.size() > limit);
                ++found[std::string(letter.line)];
            }
            for (const auto& message : messages.messages()) {
                BOOST_TEST(message.lines.size() <= limit);
                size_t in_message = 0;
                for (size_t at = 0; at < message.lines.size(); ++in_message) {
                    const size_t end = message.lines.find('\n', at) + 1;
                    ++found[std::string(message.lines.substr(at, end - at))];
                    at = end;
                }
                BOOST_TEST(in_message <= rows_max);
            }
            BOOST_TEST((found == expected));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
