#include "pipeline/ingest/intake.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/support/report.h"
#include "tests/support/rows.h"

namespace rollcall {

namespace {

struct IntakeFixture {
    Result<Receipt> accept(std::string_view body, std::string_view device = {}) {
        padded = body;
        padded.append(body_padding, '\0');
        Receipt receipt;
        const auto taken =
            intake.accept({padded.data(), body.size()}, BodyHint::unknown,
                          {Transport::http, "192.0.2.1", device, 1'790'000'000'000'000}, receipt);
        if (!taken) return std::unexpected(taken.error());
        return receipt;
    }
    struct Fingerprint {
        int64_t number;
        bool first_sending;
    };
    Fingerprint fingerprint(std::string_view text, const Sender& sender) {
        const Body body(text);
        Receipt receipt;
        BOOST_TEST_REQUIRE(
            intake.accept(body.view(), BodyHint::unknown, sender, receipt).has_value());
        const Columns& rows = slot(receipt.slot);
        const size_t row = rows.rows() - 1;
        const Fingerprint found{rows.integer(row, Column::id),
                                rows.has(row, Column::first_sending)};
        BOOST_TEST(rows.has(row, Column::id));
        intake.publish();
        intake.ring().advance_durable(intake.ring().published());
        return found;
    }
    std::string site(size_t row) { return std::string(slot(0).text(row, Column::site_id)); }
    Columns& slot(uint64_t position) { return intake.ring().at(position); }

    std::string padded;
    Wakeup wakeup;
    MetricShard shard;
    Intake intake{{2, 3, test_text_max, 65536, 10}, {}, wakeup, shard};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ingest_intake, IntakeFixture)

BOOST_AUTO_TEST_CASE(report_becomes_a_row_with_its_envelope) {
    const auto receipt = accept(R"({"serial":"S1","cpu_count":4})");
    BOOST_TEST(receipt->slot == 0);
    BOOST_TEST(receipt->warnings == "");
    const Columns& row = slot(0);
    BOOST_TEST(row.rows() == 1);
    BOOST_TEST(row.text(0, Column::serial_number) == "S1");
    BOOST_TEST(row.integer(0, Column::cpu_count) == 4);
    BOOST_TEST(row.integer(0, Column::received_at) == 1'790'000'000'000'000);
    BOOST_TEST(row.integer(0, Column::online) == 1);
    BOOST_TEST(row.text(0, Column::transport) == "http");
    BOOST_TEST(row.text(0, Column::source_ip) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(site_is_the_serial_else_the_system_id_else_the_device_else_the_address) {
    BOOST_TEST(accept(R"({"serial":"S1","system_id":"I1"})", "topic").has_value());
    BOOST_TEST(accept(R"({"system_id":"I1"})", "topic").has_value());
    BOOST_TEST(accept(R"({"cpu_count":4})", "topic").has_value());
    BOOST_TEST(site(0) == "S1");
    BOOST_TEST(site(1) == "I1");
    BOOST_TEST(site(2) == "topic");
    BOOST_TEST(accept(R"({"cpu_count":4})").has_value());
    BOOST_TEST(slot(1).text(0, Column::site_id) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(site_may_be_an_id_in_the_report) {
    BOOST_TEST(accept(R"({"mac-address":"AA:BB","cpu_count":4})").has_value());
    BOOST_TEST(site(0) == "AA:BB");
    BOOST_TEST(accept(R"({"mac-address":"AA:BB","cpu_count":4})", "topic")->site == "topic");
}

BOOST_AUTO_TEST_CASE(report_that_changes_from_one_to_the_next_has_a_fingerprint) {
    BOOST_TEST(accept(R"({"sn":"A","uptime":"1d"})").has_value());
    BOOST_TEST(accept(R"({"sn":"A","uptime":"1d"})").has_value());
    BOOST_TEST(accept(R"({"sn":"A","uptime":"2d"})").has_value());
    BOOST_TEST(slot(0).has(0, Column::id));
    BOOST_TEST(slot(0).integer(0, Column::id) == slot(0).integer(1, Column::id));
    BOOST_TEST(slot(0).integer(0, Column::id) != slot(0).integer(2, Column::id));
    BOOST_TEST(accept(R"({"sn":"A","cpu_count":4})").has_value());
    BOOST_TEST(!slot(1).has(0, Column::id));
}

BOOST_AUTO_TEST_CASE(first_sending_is_marked_if_only_the_packet_id_identifies_a_message) {
    Sender sender{Transport::mqtt, "192.0.2.1", "A", 1'790'000'000'000'000};
    sender.client = "client";
    const auto take = [&](std::string_view text, uint16_t packet_id, bool again) {
        sender.packet_id = packet_id;
        sender.again = again;
        return fingerprint(text, sender);
    };
    const Fingerprint first = take("cpu-count=4", 1, false);
    BOOST_TEST(first.first_sending);
    const Fingerprint second = take("cpu-count=4", 1, true);
    BOOST_TEST(!second.first_sending);
    BOOST_TEST(second.number == first.number);
    BOOST_TEST(take("cpu-count=4", 2, true).number != first.number);
    BOOST_TEST(take("cpu-count=5", 1, true).number != first.number);
    sender.client = "other";
    BOOST_TEST(take("cpu-count=4", 1, true).number != first.number);
    BOOST_TEST(!take("cpu-count=4;uptime=1d", 1, false).first_sending);
}

// A client can forward the reports of many routers and distinguish the routers only by the topic.
BOOST_AUTO_TEST_CASE(same_payload_on_another_topic_is_another_report) {
    const std::string_view with_uptime = "cpu-count=4;uptime=1d";
    for (const std::string_view text : {with_uptime, std::string_view("cpu-count=4")}) {
        Sender sender{.transport = Transport::mqtt,
                      .address = "192.0.2.1",
                      .device = "",
                      .received_us = 1'790'000'000'000'000,
                      .site = "bridge",
                      .client = "client",
                      .packet_id = 1,
                      .again = true};
        std::set<int64_t> numbers;
        for (const char* topic : {"site/1", "site/2", "site/3", "site/4", "site/5", "site/5"}) {
            sender.route = topic;
            numbers.insert(fingerprint(text, sender).number);
        }
        BOOST_TEST(numbers.size() == 5);
    }
}

BOOST_AUTO_TEST_CASE(everything_that_distinguishes_reports_is_in_the_fingerprint) {
    const Sender some{.transport = Transport::http,
                      .address = "192.0.2.1",
                      .device = "device",
                      .received_us = 1'790'000'000'000'000,
                      .query = "a=1",
                      .header = "X-Some-Field=1\n",
                      .site = "site",
                      .tenant = "tenant",
                      .route = "/v1/checkins"};
    for (const std::string_view key : {"", "order-17"}) {
        std::set<int64_t> numbers;
        const auto add = [&](auto change, std::string_view text = "uptime=1d") {
            Sender sender = some;
            sender.idempotency_key = key;
            change(sender);
            numbers.insert(fingerprint(text, sender).number);
        };
        add([](Sender&) {});
        add([](Sender& sender) { sender.address = "192.0.2.2"; });
        add([](Sender& sender) { sender.received_us += 1'000'000; });
        BOOST_TEST(numbers.size() == 1);
        add([](Sender& sender) { sender.device = "other"; });
        add([](Sender& sender) { sender.site = "other"; });
        add([](Sender& sender) { sender.tenant = "other"; });
        add([](Sender& sender) { sender.tenant = ""; });
        add([](Sender& sender) { sender.route = "/other"; });
        // If the same characters are split differently between the fields, the fingerprint must
        // differ.
        add([](Sender& sender) { sender.site = "sitetenant", sender.tenant = ""; });
        BOOST_TEST(numbers.size() == 7);
        add([](Sender& sender) { sender.query = "a=2"; });
        add([](Sender& sender) { sender.header = "X-Some-Field=2\n"; });
        add([](Sender&) {}, "uptime=2d");
        BOOST_TEST(numbers.size() == (key.empty() ? 10 : 7));
        add([](Sender& sender) { sender.idempotency_key = "order-18"; });
        BOOST_TEST(numbers.size() == (key.empty() ? 11 : 8));
    }
}

BOOST_AUTO_TEST_CASE(fingerprint_depends_on_the_key) {
    const Sender sender{Transport::http, "192.0.2.1", "A", 1'790'000'000'000'000};
    const int64_t with_this_key = fingerprint("uptime=1d", sender).number;
    Intake other{{2, 3, test_text_max, 65536, 10}, {1, 0, 0, 0}, wakeup, shard};
    const Body body("uptime=1d");
    Receipt receipt;
    BOOST_TEST(other.accept(body.view(), BodyHint::unknown, sender, receipt).has_value());
    BOOST_TEST(other.ring().at(0).integer(0, Column::id) != with_this_key);
}

BOOST_AUTO_TEST_CASE(tenant_of_the_credential_is_in_the_row) {
    Sender sender{Transport::http, "192.0.2.1", "A", 1'790'000'000'000'000};
    Receipt receipt;
    BOOST_TEST(intake.announce(true, sender, receipt).has_value());
    sender.tenant = "acme";
    BOOST_TEST(intake.announce(true, sender, receipt).has_value());
    intake.accept_refused("A", sender, Code::malformed_json);
    BOOST_TEST(!slot(0).has(0, Column::tenant));
    for (const size_t row : {1, 2}) BOOST_TEST(slot(0).text(row, Column::tenant) == "acme");
}

BOOST_AUTO_TEST_CASE(fingerprints_of_two_sites_differ) {
    BOOST_TEST(accept("seq=1", "one").has_value());
    BOOST_TEST(accept("seq=1", "other").has_value());
    BOOST_TEST(slot(0).integer(0, Column::id) != slot(0).integer(1, Column::id));
}

BOOST_AUTO_TEST_CASE(announcement_is_an_envelope_without_a_report) {
    const Sender sender{Transport::mqtt, "192.0.2.1", "topic", 1'790'000'000'000'000};
    Receipt receipt;
    BOOST_TEST(accept(R"({"serial":"S1","mac":"AA:BB","cpu_count":4})").has_value());
    BOOST_TEST(intake.announce(false, sender, receipt).has_value());
    BOOST_TEST(receipt.accepted == 1);
    BOOST_TEST(receipt.site == "topic");
    Columns& row = slot(0);
    BOOST_TEST(row.integer(1, Column::online) == 0);
    BOOST_TEST(row.text(1, Column::transport) == "mqtt");
    for (const Column column :
         {Column::id, Column::serial_number, Column::cpu_count, Column::warnings, Column::extra})
        BOOST_TEST(!row.has(1, column));
    BOOST_TEST(intake.announce(true, sender, receipt).has_value());
    BOOST_TEST(row.integer(2, Column::online) == 1);
}

BOOST_AUTO_TEST_CASE(announcement_waits_for_room_in_the_ring) {
    const Sender sender{Transport::mqtt, "192.0.2.1", "topic", 1'790'000'000'000'000};
    Receipt receipt;
    for (int row = 0; row < 6; ++row)
        BOOST_TEST(intake.announce(false, sender, receipt).has_value());
    BOOST_TEST((intake.announce(false, sender, receipt).error().code == Code::ring_full));
}

BOOST_AUTO_TEST_CASE(batch_continues_where_the_ring_was_full) {
    const std::string body = R"([{"sn":"1"},{"sn":"2"},3,{"sn":"4"},{"sn":"5"},{"sn":"6"},)"
                             R"({"sn":"7"},{"sn":"8"}])" +
                             std::string(body_padding, ' ');
    const std::string_view sent(body.data(), body.size() - body_padding);
    const Sender sender{Transport::http, "192.0.2.1", "", 1'790'000'000'000'000};
    Receipt receipt;
    const auto first = intake.accept(sent, BodyHint::unknown, sender, receipt);
    BOOST_TEST((first.error().code == Code::ring_full));  // The ring has two slots of three rows.
    BOOST_TEST(receipt.accepted == 6);
    intake.ring().advance_durable(1);
    BOOST_TEST(intake.accept(sent, BodyHint::unknown, sender, receipt).has_value());
    BOOST_TEST(receipt.accepted == 7);
    BOOST_TEST(receipt.items == 8);
    BOOST_TEST(receipt.refused.size() == 1);
    BOOST_TEST(receipt.refused[0].item == 2);
    BOOST_TEST(receipt.slot == 2);
    BOOST_TEST(slot(2).text(0, Column::site_id) == "8");
}

BOOST_AUTO_TEST_CASE(refused_report_leaves_the_slot_untouched) {
    BOOST_TEST(accept(R"({"serial":"S1"})").has_value());
    const std::string before = payload_of(slot(0));
    for (const char* body : {R"({"serial":"S2",)", R"({"serial":"S2"}x)", "[{},", "no pairs"})
        BOOST_TEST(!accept(body).has_value());
    BOOST_TEST(payload_of(slot(0)) == before);
    BOOST_TEST(accept(R"({"serial":"S3"})").has_value());
    BOOST_TEST(slot(0).rows() == 2);
}

BOOST_AUTO_TEST_CASE(fault_at_the_end_of_an_array_takes_back_its_reports_and_counts_none) {
    BOOST_TEST(accept(R"({"serial":"S1"})").has_value());
    const std::string before = payload_of(slot(0));
    const std::string body = R"([{"sn":"A1"},7,{"sn":"A2","cpu_load":"x"},{"sn":"A3"}})";
    const Body sent(body);
    const Sender sender{Transport::http, "192.0.2.1", "", 1'790'000'000'000'000};
    Receipt receipt;
    const auto taken = intake.accept(sent.view(), BodyHint::unknown, sender, receipt);
    BOOST_TEST((!taken && taken.error().code == Code::malformed_json));
    BOOST_TEST(receipt.items == 0);
    BOOST_TEST(receipt.accepted == 0);
    BOOST_TEST(receipt.refused.empty());
    BOOST_TEST(payload_of(slot(0)) == before);
    BOOST_TEST(shard.read(Metric::checkins_warned_total, label_of(Warning::bad_value)) == 0);
    const auto refused = label_of(Transport::http, Code::unsupported_shape);
    BOOST_TEST(shard.read(Metric::checkins_rejected_total, refused) == 0);
    // Without the fault, the same reports are stored and counted.
    const Body mended(body.substr(0, body.size() - 1) + "]");
    BOOST_TEST(intake.accept(mended.view(), BodyHint::unknown, sender, receipt).has_value());
    BOOST_TEST(receipt.accepted == 3);
    BOOST_TEST(shard.read(Metric::checkins_warned_total, label_of(Warning::bad_value)) == 1);
    BOOST_TEST(shard.read(Metric::checkins_rejected_total, refused) == 1);
}

BOOST_AUTO_TEST_CASE(fault_at_the_end_of_an_array_is_found_before_a_full_slot_is_handed_over) {
    BOOST_TEST(accept(R"({"serial":"S1"})").has_value());
    const std::string before = payload_of(slot(0));
    // A slot has three rows, and the fault is in the fifth report.
    for (const char* body : {R"([{"sn":"1"},{"sn":"2"},{"sn":"3"},{"sn":"4"},{"sn":}])",
                             R"([1,2,3,{"sn":"2"},{"sn":"3"},{"sn":"4"},{"sn":"5"}],)"})
        BOOST_TEST(!accept(body).has_value());
    BOOST_TEST(intake.ring().published() == 0);
    BOOST_TEST(payload_of(slot(0)) == before);
}

BOOST_AUTO_TEST_CASE(site_without_body_is_that_of_a_report_that_names_none) {
    const auto beside = [this](std::string_view device, std::string_view query) {
        return std::string(
            intake.site_without_body({Transport::http, "192.0.2.1", device, 0, query}));
    };
    BOOST_TEST(beside("", "") == "");
    BOOST_TEST(beside("", "cpu-load=5") == "");
    BOOST_TEST(beside("r1", "") == "r1");
    BOOST_TEST(beside("", "login=AA:BB&key=k") == "AA:BB");
    BOOST_TEST(beside("r1", "login=AA:BB") == "r1");
    BOOST_TEST(beside("r1", "serial=HX%2D1") == "HX-1");
    BOOST_TEST(intake.handed_over());  // None of these calls adds a row.
}

BOOST_AUTO_TEST_CASE(refused_report_returns_its_shape_as_far_as_it_was_read) {
    const auto shape = [this](std::string_view body) {
        padded = body;
        padded.append(body_padding, '\0');
        Receipt receipt;
        BOOST_TEST(!intake
                        .accept({padded.data(), body.size()}, BodyHint::unknown,
                                {Transport::http, "192.0.2.1", "", 0}, receipt)
                        .has_value());
        return receipt.shape;
    };
    BOOST_TEST(shape(R"({"jsonrpc":"2.0","id":7,"params":{]})").json_rpc);
    BOOST_TEST(shape(R"({"jsonrpc":"2.0","id":7,"params":{]})").rpc_id == "7");
    BOOST_TEST(shape(R"({"jsonrpc":"2.0","params":{],"id":7})").rpc_id == "");
    // The error of a list belongs to none of its reports, and not to the previous report.
    BOOST_TEST(shape(R"([{"jsonrpc":"2.0","id":7},])").rpc_id == "");
    BOOST_TEST(!shape("[{]").json_rpc);
    BOOST_TEST(shape("[{]").rpc_id == "");
}

// The caller may move the body before it tries again, so the receipt must not refer to it.
BOOST_AUTO_TEST_CASE(receipt_of_a_full_ring_does_not_refer_to_the_body) {
    const Body sent(R"([{"jsonrpc":"2.0","id":7},{"id":8},{"id":9},{},{},{},{}])");
    const Sender sender{Transport::http, "192.0.2.1", "", 1'790'000'000'000'000};
    Receipt receipt;
    const auto taken = intake.accept(sent.view(), BodyHint::unknown, sender, receipt);
    BOOST_TEST((!taken && taken.error().code == Code::ring_full));
    BOOST_TEST(receipt.accepted == 6);
    BOOST_TEST(receipt.shape.rpc_id.data() == nullptr);
}

BOOST_AUTO_TEST_CASE(array_with_a_fault_is_refused_although_the_ring_is_full) {
    BOOST_TEST((accept("[{},{},{},{},{},{},{}]").error().code == Code::ring_full));
    BOOST_TEST((accept(R"([{"sn":"A"},])").error().code == Code::malformed_json));
    BOOST_TEST((accept("[{},{},{},{},{},{},{},{},{},{},{}]").error().code == Code::too_many_items));
    BOOST_TEST(shard.read(Metric::ring_full_total, 0) == 1);
}

BOOST_AUTO_TEST_CASE(slot_is_published_at_the_end_of_the_turn) {
    intake.publish();
    BOOST_TEST(intake.ring().published() == 0);  // The open slot was empty.
    BOOST_TEST(accept("{}").has_value());
    BOOST_TEST(intake.ring().published() == 0);
    intake.publish();
    BOOST_TEST(intake.ring().published() == 1);
}

BOOST_AUTO_TEST_CASE(open_slot_keeps_filling_while_the_committer_has_another) {
    BOOST_TEST(accept("{}")->slot == 0);
    intake.publish();
    BOOST_TEST(accept("{}")->slot == 1);
    intake.publish();
    BOOST_TEST(accept("{}")->slot == 1);
    BOOST_TEST(intake.ring().published() == 1);
    intake.ring().advance_durable(1);
    intake.publish();
    BOOST_TEST(intake.ring().published() == 2);
    BOOST_TEST(slot(1).rows() == 2);
}

BOOST_AUTO_TEST_CASE(full_ring_refuses_until_a_slot_is_durable) {
    for (int report = 0; report < 6; ++report) BOOST_TEST(accept("{}").has_value());
    BOOST_TEST((accept("{}").error().code == Code::ring_full));
    BOOST_TEST((accept("{}").error().action() == Action::retry));
    BOOST_TEST(shard.read(Metric::ring_full_total, 0) == 2);
    intake.ring().advance_durable(1);
    BOOST_TEST(accept("{}")->slot == 2);
    BOOST_TEST(slot(2).rows() == 1);  // The slot was cleared before it was reused.
}

BOOST_AUTO_TEST_CASE(warnings_are_counted_and_returned) {
    const auto receipt = accept(R"({"cpu_count":"many","cpu_load":5})");
    BOOST_TEST(receipt->warnings == "bad_value:cpu_count");
    BOOST_TEST(shard.read(Metric::checkins_warned_total, label_of(Warning::bad_value)) == 1);
    BOOST_TEST(slot(0).text(0, Column::warnings) == "bad_value:cpu_count");
}

BOOST_AUTO_TEST_CASE(site_of_the_credential_overrides_all_others) {
    const Sender sender{.transport = Transport::http,
                        .address = "192.0.2.1",
                        .device = "PATH",
                        .received_us = 1'790'000'000'000'000,
                        .query = "login=QUERY",
                        .site = "mine"};
    padded = R"([{"serial":"S1"},{"mac":"M1"},{"cpu_count":4}])";
    const size_t bytes = padded.size();
    padded.append(body_padding, '\0');
    Receipt receipt;
    BOOST_TEST(
        intake.accept({padded.data(), bytes}, BodyHint::unknown, sender, receipt).has_value());
    BOOST_TEST(receipt.accepted == 3);
    for (size_t row = 0; row < 3; ++row) BOOST_TEST(site(row) == "mine");
    BOOST_TEST(slot(0).text(0, Column::serial_number) == "S1");
    BOOST_TEST(intake.site_without_body(sender) == "mine");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
