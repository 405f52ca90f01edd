// The sink with librdkafka's mock brokers. The mock brokers do not support aborted transactions.
// tests/fault/kafka_brokers_test.cc tests aborted transactions with real brokers.
#include "sinks/kafka/sink.h"

#include <fmt/core.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <set>

#include "tests/support/kafka_client.h"
#include "tests/support/loopback.h"
#include "tests/support/refusals.h"
#include "tests/support/rows.h"
#include "tests/support/standard_error.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/why.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

// Codes of the protocol: https://kafka.apache.org/protocol#protocol_error_codes
enum Answer : int {
    unknown_topic = 3,
    not_leader = 6,
    message_too_large = 10,
    topic_authorization_failed = 29,
    producer_fenced = 90,
    transactional_id_authorization_failed = 53,
    coordinator_not_available = 15,
    disconnect = -195  // RD_KAFKA_RESP_ERR__TRANSPORT; only the mock uses it.
};

struct KafkaFixture {
    KafkaFixture() {
        mock.create_topic("rows.v2", 3);
        mock.create_topic("positions", 1);
        mock.create_topic("dead", 1);
        settings.kafka.brokers = {mock.brokers()};
        settings.kafka.topic = "rows.v2";
        settings.kafka.position_topic = "positions";
        settings.kafka.dead_letter_topic = "dead";
        settings.kafka.timeout_max = 3s;
        settings.kafka.open_timeout_max = 5s;
        settings.kafka.properties["linger.ms"] = "0";  // Batches in this test are small.
        spool[0] = std::byte{0xab};
    }

    [[nodiscard]] std::vector<KafkaRecord> records(const std::string& topic) const {
        return KafkaClient(mock.brokers()).written(topic);
    }
    // Returns the position in the last record of the topic.
    [[nodiscard]] std::string position() const {
        const auto all = records("positions");
        return all.empty() ? "" : all.back().value;
    }
    [[nodiscard]] static int64_t counted(const KafkaSink& sink, Metric metric) {
        return sink.counters()->read(metric, 0);
    }
    static Columns rows(int64_t first, int64_t count) {
        Columns columns(static_cast<size_t>(count), test_text_max * static_cast<size_t>(count));
        for (int64_t seq = first; seq < first + count; ++seq) {
            columns.set_integer(Column::id, seq);
            add_row(columns, "site-" + std::to_string(seq % 7), seq);
        }
        return columns;
    }
    static Result<void> write(KafkaSink& sink, const Columns& rows, uint64_t end_record) {
        return sink.write({rows, 0, end_record});
    }

    MockKafka mock;
    Settings settings;
    SpoolId spool{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kafka_sink, KafkaFixture)

BOOST_AUTO_TEST_CASE(rows_and_position_are_stored_and_found_again) {
    {
        KafkaSink sink(settings);
        BOOST_TEST(sink.open(spool).value().next_record == 0);
        BOOST_TEST(write(sink, rows(0, 100), 7).has_value());
        BOOST_TEST(write(sink, rows(100, 100), 9).has_value());
    }
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 9);
    const auto stored = records("rows.v2");
    BOOST_TEST(stored.size() == 200);
    std::map<std::string, std::set<int32_t>> partitions;
    for (const auto& record : stored) {
        BOOST_TEST(record.value.find("\t" + record.key + "\t") != std::string::npos);
        BOOST_TEST(record.value.ends_with('\n'));
        partitions[record.key].insert(record.partition);
    }
    BOOST_TEST(partitions.size() == 7);
    for (const auto& [site, in] : partitions) BOOST_TEST(in.size() == 1, site);
}

// The expected partitions are the hashes in Kafka's own test, UtilsTest.testMurmur2(), made
// positive and taken modulo 3.
BOOST_AUTO_TEST_CASE(site_lies_in_the_partition_that_other_clients_of_kafka_look_for_it_in) {
    const std::map<std::string, int32_t> expected = {
        {"21", 0},
        {"foobar", 0},
        {"a-little-bit-long-string", 2},
        {"abc", 0},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 2}};
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    Columns columns(expected.size(), test_text_max);
    for (const auto& [site, partition] : expected) add_row(columns, site, 1);
    BOOST_TEST(write(sink, columns, 1).has_value());
    std::map<std::string, int32_t> found;
    for (const auto& record : records("rows.v2")) found[record.key] = record.partition;
    BOOST_TEST((found == expected));
}

BOOST_AUTO_TEST_CASE(several_rows_of_a_partition_go_in_one_message) {
    settings.kafka.rows_per_message = 10;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 100), 1).has_value());
    size_t lines = 0;
    const auto stored = records("rows.v2");
    for (const auto& record : stored) {
        lines += static_cast<size_t>(std::ranges::count(record.value, '\n'));
        BOOST_TEST(record.key == "");
    }
    BOOST_TEST(lines == 100);
    BOOST_TEST(stored.size() <=
               13);  // The last message of each of the three partitions can be smaller.
}

BOOST_AUTO_TEST_CASE(batch_without_rows_moves_the_position) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, Columns(1, test_text_max), 5).has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 5);
}

BOOST_AUTO_TEST_CASE(positions_of_two_spools_do_not_mix) {
    SpoolId other{};
    other[0] = std::byte{1};
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 1), 5).has_value());
    KafkaSink another(settings);
    BOOST_TEST(another.open(other).value().next_record == 0);
    BOOST_TEST(write(another, rows(0, 1), 3).has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 5);
    BOOST_TEST(another.open(other).value().next_record == 3);
}

BOOST_AUTO_TEST_CASE(position_is_found_behind_many_others) {
    SpoolId other{};
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 1), 5).has_value());
    OpenTransaction busy(mock.brokers(), "rollcall-" + to_text(other));
    for (int record = 1; record <= 1500; ++record)
        busy.produce("positions", 0, to_text(other), std::to_string(record));
    busy.commit();
    BOOST_TEST(sink.open(spool).value().next_record == 5);
    BOOST_TEST(KafkaSink(settings).open(other).value().next_record == 1500);
}

BOOST_AUTO_TEST_CASE(position_that_somebody_has_taken_away_is_none) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 1), 5).has_value());
    {
        OpenTransaction other(mock.brokers(), "another");
        other.produce_tombstone("positions", 0, to_text(spool));
        other.commit();
    }
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 1), 6).has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 6);
}

BOOST_AUTO_TEST_CASE(without_transactions_the_position_is_stored_when_the_rows_are) {
    settings.kafka.transactions = false;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 10), 4).has_value());
    // librdkafka does not retry after topic_authorization_failed. The rows are not stored, so the
    // position must not change.
    mock.answer(MockKafka::produce, std::vector<int>(50, topic_authorization_failed));
    BOOST_TEST((write(sink, rows(10, 10), 8).error().code == Code::sink_down));
    BOOST_TEST(position() == "4");
    mock.answer(MockKafka::produce, {});
    BOOST_TEST(sink.counters()->read(Metric::kafka_delivery_errors_total, 0) == 10);
}

BOOST_AUTO_TEST_CASE(passing_errors_of_brokers_do_not_fail_a_batch) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    mock.answer(MockKafka::produce, {not_leader, disconnect, 0, not_leader});
    mock.answer(MockKafka::add_partitions, {coordinator_not_available});
    mock.answer(MockKafka::end_transaction, {coordinator_not_available});
    BOOST_TEST(write(sink, rows(0, 50), 3).has_value());
    BOOST_TEST(records("rows.v2").size() == 50);
    BOOST_TEST(counted(sink, Metric::kafka_producers_total) == 1);
}

BOOST_AUTO_TEST_CASE(refused_message_fails_the_batch_and_the_next_producer_stores_it) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    mock.answer(MockKafka::produce, {topic_authorization_failed});
    BOOST_TEST((write(sink, rows(0, 5), 1).error().action() == Action::retry));
    BOOST_TEST(counted(sink, Metric::kafka_delivery_errors_total) > 0);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    BOOST_TEST(counted(sink, Metric::kafka_producers_total) == 2);
}

// A refusal arrives while the many parts of dead letters are being handed to librdkafka.
BOOST_AUTO_TEST_CASE(message_refused_while_others_are_handed_over_is_counted) {
    constexpr size_t large = 2000;
    settings.kafka.message_size_max = 1_KiB;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    mock.answer(MockKafka::produce, std::vector<int>(50, topic_authorization_failed));
    Columns columns(large + 1, (large + 1) * row_text_max);
    add_row(columns, "small", 0);
    for (size_t row = 1; row <= large; ++row) {
        columns.set_text(Column::extra, std::string(3000, 'x'));
        add_row(columns, "large", static_cast<int64_t>(row));
    }
    const auto failed = write(sink, columns, 1);
    BOOST_TEST(why(failed).find("authorization") != std::string::npos, why(failed));
    BOOST_TEST(counted(sink, Metric::kafka_delivery_errors_total) > 0);
}

// For each message, librdkafka only reports that it has given up the message. The sink must name
// the cause: the brokers refuse writes to the partition.
BOOST_AUTO_TEST_CASE(partition_that_may_not_be_written_is_told_as_the_cause) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    mock.answer(MockKafka::add_partitions, {topic_authorization_failed});
    const auto failed = write(sink, rows(0, 5), 1);
    BOOST_TEST((failed.error().code == Code::sink_down));
    BOOST_TEST(why(failed).find("allow kafka.user to write") != std::string::npos, why(failed));
}

BOOST_AUTO_TEST_CASE(fatal_error_is_followed_by_a_new_producer) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    mock.answer(MockKafka::end_transaction, {producer_fenced});
    BOOST_TEST((write(sink, rows(0, 5), 1).error().code == Code::sink_down));
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    BOOST_TEST(position() == "1");
}

BOOST_AUTO_TEST_CASE(refusal_to_begin_transactions_is_a_sink_that_is_down) {
    mock.answer(MockKafka::init_producer_id, {transactional_id_authorization_failed});
    KafkaSink sink(settings);
    BOOST_TEST((sink.open(spool).error().code == Code::sink_down));
    BOOST_TEST(sink.open(spool).has_value());
}

BOOST_AUTO_TEST_CASE(brokers_that_are_away_are_noticed_at_once_and_found_again) {
    KafkaSink sink(settings);
    mock.set_down();
    settings.kafka.open_timeout_max = 1min;
    KafkaSink patient(settings);
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST((patient.open(spool).error().code == Code::sink_down));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 20s));
    mock.set_up();
    BOOST_TEST(patient.open(spool).has_value());
    BOOST_TEST(write(patient, rows(0, 5), 1).has_value());
}

BOOST_AUTO_TEST_CASE(brokers_that_do_not_answer_hold_a_call_no_longer_than_its_limit) {
    settings.kafka.timeout_max = 1s;
    settings.kafka.open_timeout_max = 1500ms;
    KafkaSink sink(settings);
    BOOST_TEST_REQUIRE(sink.open(spool).has_value());
    mock.delay(MockKafka::produce, 20, 5s);
    auto begin = std::chrono::steady_clock::now();
    BOOST_TEST((write(sink, rows(0, 5), 1).error().code == Code::sink_down));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 4s));
    mock.delay(MockKafka::init_producer_id, 20, 5s);
    begin = std::chrono::steady_clock::now();
    BOOST_TEST((sink.open(spool).error().code == Code::sink_down));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 4s));
}

// Servers that accept connections and never respond.
BOOST_AUTO_TEST_CASE(brokers_that_say_nothing_at_first_are_not_waited_for) {
    const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    settings.kafka.brokers = {fmt::format("127.0.0.1:{}", listen_on_loopback(silent))};
    settings.kafka.open_timeout_max = 1min;
    KafkaSink sink(settings);
    const auto begin = std::chrono::steady_clock::now();
    const auto failed = sink.open(spool);
    BOOST_TEST((failed.error().code == Code::sink_down));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
    BOOST_TEST(why(failed).find("no broker answers") != std::string::npos, why(failed));
    ::close(silent);
}

BOOST_AUTO_TEST_CASE(topic_whose_name_does_not_tell_the_tables_version_is_remarked) {
    settings.kafka.topic = "checkins";
    BOOST_TEST(standard_error_of([&] {
                   KafkaSink sink(settings);
               }).find("kafka.topic: checkins does not end in v2, the version of the table") !=
               std::string::npos);
    settings.kafka.topic = "rows.v2";
    BOOST_TEST(standard_error_of([&] { KafkaSink sink(settings); }) == "");
    settings.kafka.topic = "";
    BOOST_TEST(standard_error_of([&] { KafkaSink sink(settings); }) == "");
}

BOOST_AUTO_TEST_CASE(topic_that_is_missing_is_a_sink_that_is_down) {
    for (const char* topic : {"rows.v2", "positions", "dead"}) {
        mock.answer_metadata(topic, unknown_topic);
        KafkaSink sink(settings);
        const auto failed = sink.open(spool);
        BOOST_TEST((failed.error().code == Code::sink_down), topic);
        BOOST_TEST(why(failed).find(std::string("there is no topic ") + topic + "; create") !=
                   std::string::npos);
        mock.answer_metadata(topic, 0);
        BOOST_TEST(sink.open(spool).has_value(), topic);
    }
}

BOOST_AUTO_TEST_CASE(row_larger_than_a_message_is_a_dead_letter_in_parts) {
    settings.kafka.message_size_max = 1_KiB;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    Columns columns(3, 3 * row_text_max);
    add_row(columns, "small", 1);
    columns.set_integer(Column::id, 4711);
    columns.set_text(Column::extra, std::string(3000, 'x'));
    add_row(columns, "large", 2);
    add_row(columns, "small", 3);
    Refusals refusals;
    BOOST_TEST(refusals.write(sink, columns, 1).has_value());
    BOOST_TEST(refusals.rows() == std::vector<size_t>({1}), boost::test_tools::per_element());
    BOOST_TEST((refusals.all[0].reason == DeadReason::too_large));
    BOOST_TEST(records("rows.v2").size() == 2);
    const auto letters = records("dead");
    BOOST_TEST_REQUIRE(letters.size() >= 6);
    std::string line;
    for (size_t i = 0; i < letters.size(); ++i) {
        BOOST_TEST(letters[i].key == "large");
        BOOST_TEST(letters[i].value.size() <= 1024);
        BOOST_TEST(letters[i].header.at("reason") == "too_large");
        BOOST_TEST(letters[i].header.at("row_id") == "4711");
        BOOST_TEST(letters[i].header.at("part") == std::to_string(i + 1));
        BOOST_TEST(letters[i].header.at("parts") == std::to_string(letters.size()));
        line += letters[i].value;
    }
    BOOST_TEST(line.starts_with("4711\tlarge\t"));
    BOOST_TEST(line.find(std::string(3000, 'x')) != std::string::npos);
    BOOST_TEST(counted(sink, Metric::kafka_dead_letters_total) == 1);
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_when_a_row_larger_than_a_message_cannot_be_kept) {
    settings.kafka.message_size_max = 1_KiB;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    Columns columns(2, 2 * row_text_max);
    add_row(columns, "small", 1);
    columns.set_text(Column::extra, std::string(3000, 'x'));
    add_row(columns, "large", 2);
    Refusals refusals;
    refusals.fails = Error{Code::sink_down};
    BOOST_TEST((refusals.write(sink, columns, 1).error().code == Code::sink_down));
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(records("rows.v2").empty());
    BOOST_TEST(records("dead").empty());
}

BOOST_AUTO_TEST_CASE(connection_settings_that_cannot_be_are_a_sink_that_is_down) {
    const TemporaryDirectory directory;
    const auto refused = [&](const auto& change) {
        Settings wrong = settings;
        change(wrong.kafka);
        return !KafkaSink(wrong).open(spool).has_value();
    };
    BOOST_TEST(refused([](auto& kafka) { kafka.properties["linger.seconds"] = "1"; }));
    BOOST_TEST(refused([](auto& kafka) { kafka.properties["linger.ms"] = "soon"; }));
    BOOST_TEST(refused([](auto& kafka) {
        kafka.tls = true;
        kafka.tls_ca = "/nowhere/ca.pem";
    }));
    BOOST_TEST(refused([](auto& kafka) {
        kafka.sasl_mechanism = "PLAIN";
        kafka.user = "rollcall";
        kafka.password_file = "/nowhere/password";
    }));
    BOOST_TEST(refused([](auto& kafka) { kafka.topic = std::string(600, 't') + ".v1"; }));
    settings.kafka.properties = {{"linger.ms", "1"}, {"socket.keepalive.enable", "true"}};
    BOOST_TEST(KafkaSink(settings).open(spool).has_value());
}

BOOST_AUTO_TEST_CASE(statistics_of_the_library_are_counted) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 50), 1).has_value());
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (counted(sink, Metric::kafka_messages_total) == 0 &&
           std::chrono::steady_clock::now() < deadline)
        BOOST_TEST(sink.poll().has_value());
    BOOST_TEST(counted(sink, Metric::kafka_messages_total) == 51);  // 50 rows and the position.
    BOOST_TEST(counted(sink, Metric::kafka_sent_bytes_total) > 0);
    BOOST_TEST(counted(sink, Metric::kafka_brokers_up) >= 1);
    BOOST_TEST(counted(sink, Metric::kafka_queue_messages) == 0);
}

BOOST_AUTO_TEST_CASE(end_of_the_topic_is_told_while_the_brokers_are_up) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 50), 1).has_value());
    BOOST_TEST(sink.poll().has_value());
    BOOST_TEST(counted(sink, Metric::kafka_topic_end_messages) == 50);
    mock.answer(MockKafka::end_transaction, {producer_fenced});
    BOOST_TEST(!write(sink, rows(50, 50), 2).has_value());
    BOOST_TEST(counted(sink, Metric::kafka_topic_end_messages) == 0);
}

BOOST_AUTO_TEST_CASE(position_names_the_run_and_each_incarnation_has_its_own) {
    const SpoolId run{std::byte{9}};
    const SpoolId other{std::byte{7}};
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(sink.write({rows(0, 2), 0, 3, {}, run}).has_value());
    BOOST_TEST(position() == "3");
    BOOST_TEST((sink.open(other).value() == Position{}));
    BOOST_TEST((sink.position_of(spool).value() == Position{3, run}));
    BOOST_TEST((sink.open(spool).value() == Position{3, run}));
}

BOOST_AUTO_TEST_CASE(position_of_an_older_daemon_is_of_the_run_with_the_spools_id) {
    {
        OpenTransaction older(mock.brokers(), "older");
        older.produce("positions", 0, to_text(spool), "7");
        older.commit();
    }
    KafkaSink sink(settings);
    BOOST_TEST((sink.open(spool).value() == Position{7, spool}));
}

BOOST_AUTO_TEST_SUITE_END()
