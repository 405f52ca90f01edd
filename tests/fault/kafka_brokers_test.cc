// The sink with real brokers: the rows that are committed, and the requests that the brokers
// receive.
#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "sinks/kafka/sink.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/kafka_client.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/random.h"
#include "tests/support/rows.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/why.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

struct KafkaFixture {
    KafkaFixture() {
        static int topics = 0;
        const std::string suffix = std::to_string(++topics);
        settings.kafka.brokers = {Cluster::running->brokers()};
        settings.kafka.topic = "rows-" + suffix + ".v1";
        settings.kafka.position_topic = "positions-" + suffix;
        settings.kafka.dead_letter_topic = "dead-" + suffix;
        settings.kafka.create_topics = true;
        settings.kafka.partitions = 3;
        settings.kafka.timeout_max = 10s;
        settings.kafka.open_timeout_max = 20s;
        spool[0] = std::byte{0xab};
    }

    // Returns rows that do not compress. The row `seq` is slightly larger than bytes_of(seq).
    template <class Bytes>
    [[nodiscard]] Columns rows(int64_t first, int64_t count, const Bytes& bytes_of) {
        size_t bytes_all = row_text_max;
        for (int64_t seq = first; seq < first + count; ++seq)
            bytes_all += static_cast<size_t>(bytes_of(seq)) + 64;
        Columns columns(static_cast<size_t>(count), bytes_all);
        for (int64_t seq = first; seq < first + count; ++seq) {
            columns.set_integer(Column::id, seq);
            std::string text(static_cast<size_t>(bytes_of(seq)), ' ');
            for (char& letter : text) letter = static_cast<char>('!' + random.below(90));
            columns.set_text(Column::extra, text);
            add_row(columns, "site-" + std::to_string(seq % 7), seq);
        }
        return columns;
    }
    [[nodiscard]] Columns rows(int64_t first, int64_t count, size_t bytes = 10) {
        return rows(first, count, [bytes](int64_t) { return bytes; });
    }
    static Result<void> write(KafkaSink& sink, const Columns& rows, uint64_t end_record) {
        return sink.write({rows, 0, end_record});
    }
    // Returns the ids of the rows that SingleStore's pipeline would load.
    [[nodiscard]] std::multiset<int64_t> stored() const {
        std::multiset<int64_t> ids;
        for (const auto& record : client.committed(settings.kafka.topic))
            for (size_t at = 0; at < record.value.size(); at = record.value.find('\n', at) + 1)
                ids.insert(std::stoll(record.value.substr(at)));
        return ids;
    }
    // Returns the ids of the rows in the dead-letter topic.
    [[nodiscard]] std::set<std::string> letters() const {
        std::set<std::string> ids;
        for (const auto& letter : client.committed(settings.kafka.dead_letter_topic))
            ids.insert(letter.header.at("row_id"));
        return ids;
    }
    static int64_t producers(const KafkaSink& sink) {
        return sink.counters()->read(Metric::kafka_producers_total, 0);
    }
    static int64_t ms_since(std::chrono::steady_clock::time_point begin) {
        return (std::chrono::steady_clock::now() - begin) / 1ms;
    }
    static std::multiset<int64_t> ids(int64_t first, int64_t count) {
        std::multiset<int64_t> all;
        for (int64_t id = first; id < first + count; ++id) all.insert(id);
        return all;
    }
    // Returns the reason why a sink cannot open.
    [[nodiscard]] std::string refusal(const Settings& with) const {
        KafkaSink sink(with);
        return why(sink.open(spool));
    }
    static bool says(const std::string& sentence, const std::string& words) {
        BOOST_TEST_MESSAGE(sentence);
        return sentence.find(words) != std::string::npos;
    }
    [[nodiscard]] std::string transactional_id() const { return "rollcall-" + to_text(spool); }

    Random random{"kafka"};
    Settings settings;
    SpoolId spool{};
    KafkaClient client{Cluster::running->brokers()};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kafka_brokers, KafkaFixture, *boost::unit_test::fixture<Cluster>())

BOOST_AUTO_TEST_CASE(topics_that_are_missing_are_created_when_that_is_asked_for) {
    settings.kafka.create_topics = false;
    BOOST_TEST(says(refusal(settings), "there is no topic " + settings.kafka.topic));
    for (const auto& topic : {settings.kafka.topic, settings.kafka.position_topic})
        BOOST_TEST(!client.has_topic(topic));
    settings.kafka.create_topics = true;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(client.partitions(settings.kafka.topic) == 3);
    BOOST_TEST(client.partitions(settings.kafka.position_topic) == 1);
    BOOST_TEST(client.partitions(settings.kafka.dead_letter_topic) == 1);
    BOOST_TEST(KafkaSink(settings)
                   .open(spool)
                   .has_value());  // The sink accepts the topics that it created.
}

BOOST_AUTO_TEST_CASE(position_topic_that_is_not_compacted_is_refused) {
    client.create_topic(settings.kafka.position_topic, 1, {{"cleanup.policy", "delete"}});
    BOOST_TEST(says(refusal(settings), "cleanup.policy=delete; it must be compact"));
}

BOOST_AUTO_TEST_CASE(rows_and_position_are_committed_together) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 1000), 5).has_value());
    BOOST_TEST((stored() == ids(0, 1000)));
    BOOST_TEST(KafkaSink(settings).open(spool).value().next_record == 5);
}

BOOST_AUTO_TEST_CASE(without_transactions_rows_and_position_are_stored_too) {
    settings.kafka.transactions = false;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 1000), 5).has_value());
    BOOST_TEST((stored() == ids(0, 1000)));
    BOOST_TEST(KafkaSink(settings).open(spool).value().next_record == 5);
}

BOOST_AUTO_TEST_CASE(every_codec_is_read_back) {
    for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
        settings.kafka.compression = codec;
        settings.kafka.topic = fmt::format("rows-in-{}.v1", codec);
        KafkaSink sink(settings);
        BOOST_TEST(sink.open(spool).has_value(), codec);
        BOOST_TEST(write(sink, rows(0, 100), 1).has_value(), codec);
        BOOST_TEST((stored() == ids(0, 100)), codec);
    }
}

// The transaction `dead` stands for a daemon that was killed before it committed.
BOOST_AUTO_TEST_CASE(open_transaction_of_a_dead_predecessor_is_undone) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 10), 1).has_value());
    OpenTransaction dead(Cluster::running->brokers(), transactional_id());
    dead.produce(settings.kafka.topic, 0, "site", "10\tsite\n");
    dead.produce(settings.kafka.position_topic, 0, to_text(spool), "2");
    dead.wait_until_written();
    BOOST_TEST(sink.open(spool).value().next_record == 1);
    BOOST_TEST(write(sink, rows(10, 10), 2).has_value());
    BOOST_TEST((stored() == ids(0, 20)));
    BOOST_TEST(client.written(settings.kafka.topic).size() ==
               21);  // One row belongs to the aborted transaction.
}

BOOST_AUTO_TEST_CASE(predecessor_that_still_lives_cannot_commit_any_more) {
    KafkaSink zombie(settings);
    KafkaSink sink(settings);
    BOOST_TEST(zombie.open(spool).has_value());
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST((write(zombie, rows(0, 10), 1).error().code == Code::sink_down));
    BOOST_TEST(write(sink, rows(0, 10), 1).has_value());
    BOOST_TEST((stored() == ids(0, 10)));
    // When `zombie` opens again, it must continue after the batch that `sink` has stored.
    BOOST_TEST(zombie.open(spool).value().next_record == 1);
    BOOST_TEST(write(zombie, rows(10, 10), 2).has_value());
    BOOST_TEST((write(sink, rows(10, 10), 2).error().code == Code::sink_down));
    BOOST_TEST((stored() == ids(0, 20)));
}

BOOST_AUTO_TEST_CASE(zombie_in_the_middle_of_a_transaction_cannot_commit_it) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    OpenTransaction zombie(Cluster::running->brokers(), transactional_id());
    zombie.produce(settings.kafka.topic, 1, "site", "99\tsite\n");
    zombie.wait_until_written();
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(zombie.try_commit() == "_FENCED");
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    BOOST_TEST((stored() == ids(0, 5)));
}

// If a position was written after another daemon's transaction began, the position is hidden until
// that transaction ends.
BOOST_AUTO_TEST_CASE(position_behind_anothers_open_transaction_is_waited_for) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    OpenTransaction other(Cluster::running->brokers(), "rollcall-another-daemon");
    other.produce(settings.kafka.position_topic, 0, "another", "77");
    other.wait_until_written();
    BOOST_TEST(write(sink, rows(5, 5), 2).has_value());
    settings.kafka.open_timeout_max = 2s;
    BOOST_TEST((KafkaSink(settings).open(spool).error().code == Code::sink_down));
    other.commit();
    settings.kafka.open_timeout_max = 20s;
    BOOST_TEST(KafkaSink(settings).open(spool).value().next_record == 2);
}

BOOST_AUTO_TEST_CASE(transaction_that_takes_longer_than_its_time_is_undone) {
    settings.kafka.timeout_max = 1s;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    Cluster::running->hang(0);
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST((write(sink, rows(0, 10), 1).error().code == Code::sink_down));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 10s));
    Cluster::running->resume(0);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 10), 1).has_value());
    BOOST_TEST((stored() == ids(0, 10)));
}

// Three of the two hundred rows are larger than the topic permits.
BOOST_AUTO_TEST_CASE(
    limit_of_the_topic_is_learned_at_once_and_only_rows_beyond_it_are_dead_letters) {
    for (const size_t limit : {size_t{2500}, size_t{700}}) {
        settings.kafka.topic = fmt::format("rows-of-{}.v1", limit);
        settings.kafka.dead_letter_topic = fmt::format("dead-of-{}", limit);
        settings.kafka.compression = "none";
        settings.kafka.timeout_max = 60s;  // Long enough for a dozen producers on a busy machine.
        client.create_topic(settings.kafka.topic, 2,
                            {{"max.message.bytes", std::to_string(limit)}});
        spool[0] = static_cast<std::byte>(limit / 100);
        KafkaSink sink(settings);
        BOOST_TEST(sink.open(spool).has_value());
        BOOST_TEST(write(sink, rows(0, 1), 1).has_value());
        const Columns batch = rows(1, 203, [&](int64_t seq) {
            return seq % 70 == 0 || seq == 203 ? limit + 100 : limit / 5;
        });
        const auto begin = std::chrono::steady_clock::now();
        BOOST_TEST(write(sink, batch, 2).has_value());
        BOOST_TEST_MESSAGE(fmt::format("{} producers, {} ms", producers(sink), ms_since(begin)));
        BOOST_TEST(producers(sink) > 2);
        std::multiset<int64_t> expected = ids(0, 204);
        for (const int64_t large : {70, 140, 203}) expected.erase(large);
        BOOST_TEST((stored() == expected));
        BOOST_TEST((letters() == std::set<std::string>{"70", "140", "203"}));
        BOOST_TEST(sink.counters()->read(Metric::kafka_dead_letters_total, 0) == 3);
        // Now the sink knows the limit, so the next large batch needs no new producer.
        const int64_t made = producers(sink);
        BOOST_TEST(write(sink, rows(300, 100, limit / 5), 3).has_value());
        BOOST_TEST(producers(sink) == made);
    }
}

BOOST_AUTO_TEST_CASE(small_limit_of_the_dead_letters_topic_makes_no_row_a_dead_letter) {
    settings.kafka.compression = "none";
    settings.kafka.message_size_max = 2_KiB;
    client.create_topic(settings.kafka.dead_letter_topic, 1, {{"max.message.bytes", "1000"}});
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const Columns batch = rows(0, 50, [](int64_t seq) { return seq == 7 ? 4000 : 1500; });
    BOOST_TEST(write(sink, batch, 1).has_value());
    std::multiset<int64_t> expected = ids(0, 50);
    expected.erase(7);
    BOOST_TEST((stored() == expected));
    BOOST_TEST((letters() == std::set<std::string>{"7"}));
    std::string line;
    for (const auto& letter : client.committed(settings.kafka.dead_letter_topic))
        line += letter.value;
    BOOST_TEST(line.starts_with("7\tsite-0\t"));
    BOOST_TEST(line.size() > 4000);
}

BOOST_AUTO_TEST_CASE(limit_that_no_position_fits_in_is_said) {
    client.create_topic(settings.kafka.position_topic, 1,
                        {{"cleanup.policy", "compact"}, {"max.message.bytes", "100"}});
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const auto failed = write(sink, rows(0, 5), 1);
    BOOST_TEST((failed.error().code == Code::sink_down));
    BOOST_TEST(says(why(failed), "topic " + settings.kafka.position_topic));
    BOOST_TEST(says(why(failed), "raise the topic's max.message.bytes"));
}

BOOST_AUTO_TEST_CASE(topic_that_is_deleted_is_a_sink_that_is_down_until_it_is_back) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    client.delete_topic(settings.kafka.topic);
    while (client.has_topic(settings.kafka.topic)) std::this_thread::sleep_for(50ms);
    settings.kafka.create_topics = false;
    BOOST_TEST((KafkaSink(settings).open(spool).error().code == Code::sink_down));
    client.create_topic(settings.kafka.topic, 3);
    KafkaSink again(settings);
    BOOST_TEST(again.open(spool).value().next_record == 1);
    BOOST_TEST(write(again, rows(5, 5), 2).has_value());
    BOOST_TEST((stored() == ids(5, 5)));
}

BOOST_AUTO_TEST_CASE(topic_of_positions_that_is_deleted_is_created_compacted_again) {
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 5), 1).has_value());
    const auto delete_positions = [&] {
        client.delete_topic(settings.kafka.position_topic);
        while (client.has_topic(settings.kafka.position_topic)) std::this_thread::sleep_for(50ms);
    };
    delete_positions();
    BOOST_TEST((write(sink, rows(5, 5), 2).error().code == Code::sink_down));
    BOOST_TEST(!client.has_topic(settings.kafka.position_topic));
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(5, 5), 2).has_value());
    // Replace the topic by one with the same name and a wrong cleanup.policy. The sink must check
    // the policy again.
    delete_positions();
    client.create_topic(settings.kafka.position_topic, 1, {{"cleanup.policy", "delete"}});
    const auto failed = sink.open(spool);
    BOOST_TEST((failed.error().code == Code::sink_down));
    BOOST_TEST(says(why(failed), "it must be compact"));
}

BOOST_AUTO_TEST_CASE(broker_that_is_killed_and_started_again_has_every_batch_once) {
    settings.kafka.rows_per_message = 10;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 100), 1).has_value());
    Cluster::running->kill(0);
    settings.kafka.timeout_max = 2s;
    BOOST_TEST((sink.open(spool).error().code == Code::sink_down));
    Cluster::running->start(0);
    Cluster::running->wait_until_ready();
    BOOST_TEST(sink.open(spool).value().next_record == 1);
    BOOST_TEST(write(sink, rows(100, 100), 2).has_value());
    BOOST_TEST((stored() == ids(0, 200)));
}

BOOST_AUTO_TEST_CASE(broker_that_is_killed_during_commits_holds_a_call_no_longer_than_its_limit) {
    settings.kafka.timeout_max = 2s;
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const Columns batch = rows(0, 100);
    auto stored = std::async(std::launch::async, [&] {
        uint64_t record = 0;
        while (write(sink, batch, record + 1).has_value()) ++record;
        return record;
    });
    std::this_thread::sleep_for(200ms + random.below(300) * 1ms);
    Cluster::running->kill(0);
    BOOST_TEST((stored.wait_for(15s) == std::future_status::ready));
    Cluster::running->start(0);
    Cluster::running->wait_until_ready();
    // If only the response to the last commit was lost, the rows of that commit are stored.
    const uint64_t known = stored.get();
    const uint64_t position = sink.open(spool).value().next_record;
    BOOST_TEST((position == known || position == known + 1));
    BOOST_TEST(this->stored().size() == 100 * position);
}

// Cuts all connections to the broker in both directions, even between a commit and its response.
BOOST_AUTO_TEST_CASE(connections_cut_at_any_byte_cost_nothing) {
    CuttingProxy proxy;
    KafkaCluster cluster(1, KafkaCluster::Doors::open, proxy.port());
    proxy.lead_to(cluster.port(0));
    cluster.wait_until_ready();
    settings.kafka.brokers = {"127.0.0.1:" + std::to_string(proxy.port())};
    settings.kafka.timeout_max = 5s;
    KafkaSink sink(settings);
    BOOST_TEST_REQUIRE(sink.open(spool).has_value());
    int64_t record = 0;
    const auto once = [&](CuttingProxy::From from, uint64_t bytes) {
        int failures = 0;
        proxy.cut_after(from, bytes);
        while (!write(sink, rows(record * 10, 10), static_cast<uint64_t>(record + 1))) {
            BOOST_TEST_REQUIRE(++failures < 20);
            const auto position = sink.open(spool);
            if (!position) continue;
            // If only the response to the commit was lost, the rows are stored.
            if (position->next_record == static_cast<uint64_t>(record + 1)) break;
            BOOST_TEST_REQUIRE(position->next_record == static_cast<uint64_t>(record));
        }
        ++record;
    };
    once(CuttingProxy::From::client, UINT64_MAX);
    // All connections exist before this write, so only the bytes of a batch are counted.
    once(CuttingProxy::From::client, UINT64_MAX);
    const uint64_t sent = proxy.sent();
    const uint64_t received = proxy.received();
    BOOST_TEST(sent > 100);
    // Each cut closes the connections after some bytes. If ROLLCALL_CUTS is set, each cut is one
    // byte later than the previous one, which takes a long time. If it is not set, the distance
    // between two cuts is random.
    const bool every = std::getenv("ROLLCALL_CUTS") != nullptr;
    for (const auto& [from, most] : {std::pair{CuttingProxy::From::client, sent},
                                     std::pair{CuttingProxy::From::server, received}}) {
        const uint64_t cuts = proxy.cuts();
        for (uint64_t bytes = 1 + random.below(8); bytes < most;
             bytes += every ? 1 : 1 + random.below(most / 4))
            once(from, bytes);
        BOOST_TEST(proxy.cuts() > cuts);
    }
    KafkaClient direct(cluster.brokers());
    std::multiset<int64_t> stored;
    for (const auto& message : direct.committed(settings.kafka.topic))
        stored.insert(std::stoll(message.value));
    BOOST_TEST((stored == ids(0, record * 10)));
}

BOOST_AUTO_TEST_CASE(login_over_tls_takes_the_right_password_and_authority) {
    const TemporaryDirectory directory;
    const std::string password_file = directory.path() / "password";
    std::ofstream(password_file) << "hush\n";
    settings.kafka.brokers = {Cluster::running->guarded_brokers()};
    settings.kafka.tls = true;
    settings.kafka.tls_ca = Cluster::running->certificate();
    settings.kafka.user = "rollcall";
    settings.kafka.password_file = password_file;
    settings.kafka.properties["broker.address.family"] = "v4";
    settings.kafka.sasl_mechanism = "PLAIN";
    // The user can log in but has no permissions.
    BOOST_TEST(says(refusal(settings), "allow kafka.user to write and describe the transactional"));
    Settings wrong = settings;
    wrong.kafka.user = "rollcalls";
    BOOST_TEST(says(refusal(wrong), "check kafka.user"));
    Settings strange = settings;
    // Trust the certificate authorities of the system, none of which signed the brokers'
    // certificate.
    strange.kafka.tls_ca = "";
    BOOST_TEST(says(refusal(strange), "check kafka.tls"));

    // The permissions are exactly those that docs/kafka-singlestore.md lists.
    settings.kafka.create_topics = false;
    for (const auto& topic :
         {settings.kafka.topic, settings.kafka.position_topic, settings.kafka.dead_letter_topic})
        client.create_topic(topic, 1,
                            topic == settings.kafka.position_topic
                                ? std::map<std::string, std::string>{{"cleanup.policy", "compact"}}
                                : std::map<std::string, std::string>{});
    Cluster::running->allow({"--operation", "Write", "--operation", "Describe", "--topic",
                             settings.kafka.topic, "--topic", settings.kafka.position_topic,
                             "--topic", settings.kafka.dead_letter_topic});
    Cluster::running->allow({"--operation", "Read", "--topic", settings.kafka.position_topic});
    BOOST_TEST((KafkaSink(settings).open(spool).error().code == Code::sink_down));
    Cluster::running->allow({"--operation", "Write", "--operation", "Describe",
                             "--transactional-id", "rollcall-", "--resource-pattern-type",
                             "prefixed"});
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 10), 1).has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 1);
    BOOST_TEST((stored() == ids(0, 10)));
    // Kafka 4 refuses a login with SCRAM from versions of librdkafka before 2.6.1:
    // https://github.com/confluentinc/librdkafka/pull/4895.
    settings.kafka.sasl_mechanism = "SCRAM-SHA-512";
    BOOST_TEST(KafkaSink(settings).open(spool).has_value() == (rd_kafka_version() >= 0x02060100));
}

BOOST_AUTO_TEST_CASE(daemons_own_certificate_is_shown_to_brokers_that_ask_for_one) {
    settings.kafka.brokers = {Cluster::running->mutual_brokers()};
    settings.kafka.tls = true;
    settings.kafka.tls_ca = Cluster::running->certificate();
    settings.kafka.properties["broker.address.family"] = "v4";
    BOOST_TEST(says(refusal(settings), "check kafka.tls"));
    settings.kafka.tls_certificate = Cluster::running->certificate();
    settings.kafka.tls_key = Cluster::running->key();
    KafkaSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(0, 10), 1).has_value());
    BOOST_TEST((stored() == ids(0, 10)));
}

// The first `bad` listener has no TLS and closes the connection. The second one refuses the login.
BOOST_AUTO_TEST_CASE(one_broker_of_several_that_refuses_us_does_not_keep_us_from_the_others) {
    settings.kafka.tls = true;
    settings.kafka.tls_ca = Cluster::running->certificate();
    settings.kafka.tls_certificate = Cluster::running->certificate();
    settings.kafka.tls_key = Cluster::running->key();
    settings.kafka.properties["broker.address.family"] = "v4";
    for (const auto& bad : {Cluster::running->brokers(), Cluster::running->guarded_brokers()}) {
        settings.kafka.brokers = {bad, Cluster::running->mutual_brokers()};
        for (int times = 0; times < 3; ++times)
            BOOST_TEST(KafkaSink(settings).open(spool).has_value(), bad);
    }
}

BOOST_AUTO_TEST_SUITE_END()
