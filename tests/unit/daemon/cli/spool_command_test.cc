#include "daemon/cli/spool_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "pipeline/delivery/dead_letters.h"
#include "pipeline/spool/reader.h"
#include "pipeline/spool/writer.h"
#include "sinks/sqlite/sink.h"
#include "tests/support/is_root.h"
#include "tests/support/rows.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/why.h"

namespace rollcall {

namespace {

// A running daemon that has the spool open. The spool has 10 reports, two of which are duplicates.
struct CommandFixture {
    CommandFixture() {
        settings.general.state_dir = directory.path();
        if (!writer.open()) throw std::runtime_error("open");
        for (int64_t seq = 0; seq < 10; ++seq) {
            Columns rows(4, test_text_max);
            rows.set_text(Column::model, "R\"B\t9");
            add_report(rows, seq % 8 + 1, seq, received_us + seq);
            if (!writer.append(rows) || !writer.sync()) throw std::runtime_error("append");
        }
    }

    std::string printed(const std::function<Result<bool>(std::FILE*)>& command) {
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> to(std::tmpfile(), std::fclose);
        verdict = command(to.get());
        std::string text(static_cast<size_t>(std::ftell(to.get())), ' ');
        std::rewind(to.get());
        text.resize(std::fread(text.data(), 1, text.size(), to.get()));
        return text;
    }
    // Stores the reports 2 and 5 as dead letters, as a delivery of the daemon would.
    void refuse_two() {
        DeadLetters letters(files, clock, shard,
                            {SinkName::sqlite, spool, writer.id(), 1 << 20, true});
        Columns rows(2, test_text_max);
        rows.set_text(Column::model, "R\"B\t9");
        add_report(rows, 102, 2, received_us);
        add_report(rows, 105, 5, received_us);
        const std::vector<RowPlace> places = {{2, 0}, {5, 0}};
        const std::vector<Refusal> refusals = {{0, DeadReason::constraint, "no\tway"},
                                               {1, DeadReason::too_large, "large"}};
        if (!letters.keep(rows, places, refusals)) throw std::runtime_error("keep");
    }
    std::string replayed_dead() {
        return printed(
            [&](std::FILE* to) { return replay_dead_letters(settings, directory.path(), "", to); });
    }
    std::string replayed(const SpoolRange& range) {
        return printed([&](std::FILE* to) {
            return replay_spool(settings, directory.path(), "sqlite", range, to);
        });
    }
    [[nodiscard]] std::string asked(const std::string& sql) const {
        const auto query = sqlite_query(directory.path() / "rollcall.db", false);
        return (*query)(sql).value().front().front().value();
    }

    static constexpr int64_t received_us = 1'790'000'000'000'000;
    TemporaryDirectory directory;
    std::string spool = directory.path() / "spool";
    Settings settings;
    Files files;
    Clock clock;
    MetricShard shard;
    SpoolWriter writer{
        files,
        clock,
        shard,
        {spool, uint64_t{1} << 30, uint64_t{1} << 20, true, std::chrono::milliseconds(0)}};
    Result<bool> verdict;
};

size_t lines(const std::string& text) {
    return static_cast<size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cli_spool_command, CommandFixture)

BOOST_AUTO_TEST_CASE(segments_are_printed_in_each_format_while_a_daemon_writes) {
    for (const auto format : {SpoolFormat::table, SpoolFormat::tsv, SpoolFormat::json}) {
        for (const auto& command : {list_spool, verify_spool}) {
            const auto text = printed([&](std::FILE* to) { return command(spool, format, to); });
            BOOST_TEST(verdict.value());
            BOOST_TEST(text.find(segment_name(0)) != std::string::npos, text);
            BOOST_TEST(lines(text) == (format == SpoolFormat::table ? 3
                                       : format == SpoolFormat::tsv ? 2
                                                                    : 1));
        }
    }
}

BOOST_AUTO_TEST_CASE(rows_of_a_range_are_printed_and_no_byte_of_a_report_ends_a_line) {
    const auto dump = [&](SpoolFormat format) {
        return printed([&](std::FILE* to) { return dump_spool(spool, {3, 5}, format, to); });
    };
    const std::string json = dump(SpoolFormat::json);
    BOOST_TEST(lines(json) == 2);
    BOOST_TEST(json.starts_with(R"({"record":3,"row":0,"fingerprint":4,"site_id":"S",)"), json);
    BOOST_TEST(json.find(R"("model":"R\"B\u00099")") != std::string::npos, json);
    BOOST_TEST(lines(dump(SpoolFormat::tsv)) == 3);
    BOOST_TEST(verdict.value());
}

BOOST_AUTO_TEST_CASE(damaged_record_fails_the_verdict_and_is_named) {
    const std::string segment = spool + "/" + segment_name(0);
    {
        const auto file = files.open(segment, Files::Open::existing);
        const std::byte other{0xff};
        BOOST_TEST((*file)->write(segment_head_bytes + 60, {&other, 1}).has_value());
    }
    const auto text =
        printed([&](std::FILE* to) { return verify_spool(spool, SpoolFormat::tsv, to); });
    BOOST_TEST(!verdict.value());
    BOOST_TEST(text.ends_with("\t9\t0-0\n"), text);
    const auto rows =
        printed([&](std::FILE* to) { return dump_spool(spool, {}, SpoolFormat::json, to); });
    BOOST_TEST(!verdict.value());
    BOOST_TEST(lines(rows) == 9);
    BOOST_TEST(!files.list(spool + "/quarantine").has_value());
}

BOOST_AUTO_TEST_CASE(records_are_sent_to_a_sink_as_its_delivery_sends_them) {
    BOOST_TEST(replayed({}).find("8 rows") != std::string::npos);  // Two reports are duplicates.
    BOOST_TEST(verdict.value());
    const std::string ids = asked("SELECT GROUP_CONCAT(id) FROM site_checkins");
    BOOST_TEST(asked("SELECT COUNT(*) FROM site_checkins") == "8");
    BOOST_TEST(replayed({2, 6}).find("records from 2 up to, but not including, 6: 4 rows") !=
               std::string::npos);
    BOOST_TEST(asked("SELECT GROUP_CONCAT(id) FROM site_checkins") == ids);
    // The position of the daemon's own delivery must not change.
    BOOST_TEST(asked("SELECT COUNT(*) FROM rollcall_position WHERE spool = '" +
                     to_text(writer.id()) + "'") == "0");
}

BOOST_AUTO_TEST_CASE(dead_letters_are_counted_by_sink_and_reason) {
    const auto list = [&](SpoolFormat format) {
        return printed([&](std::FILE* to) { return list_dead_letters(spool, "", format, to); });
    };
    BOOST_TEST(list(SpoolFormat::json) == "");
    refuse_two();
    BOOST_TEST(lines(list(SpoolFormat::table)) == 3);
    BOOST_TEST(list(SpoolFormat::tsv).find("\nsqlite\ttoo_large\t1\t") != std::string::npos);
    const std::string json = list(SpoolFormat::json);
    BOOST_TEST(json.starts_with(R"({"sink":"sqlite","reason":"constraint","letters":1,)"), json);
    BOOST_TEST(verdict.value());
    BOOST_TEST(printed([&](std::FILE* to) {
                   return list_dead_letters(spool, "kafka", SpoolFormat::json, to);
               }) == "");
}

BOOST_AUTO_TEST_CASE(dead_letters_are_printed_with_why_and_whence) {
    refuse_two();
    const auto dump = [&](const SpoolRange& range, SpoolFormat format) {
        return printed(
            [&](std::FILE* to) { return dump_dead_letters(spool, "sqlite", range, format, to); });
    };
    const std::string json = dump({0, 1}, SpoolFormat::json);
    BOOST_TEST(lines(json) == 1);
    BOOST_TEST(json.starts_with(R"({"sink":"sqlite","letter":0,"refused_at":")"), json);
    BOOST_TEST(
        json.find(R"("reason":"constraint","detail":"no\u0009way","spool":")" +
                  to_text(writer.id()) + R"(","record":2,"row":0,"id":102,)") != std::string::npos,
        json);
    BOOST_TEST(lines(dump({}, SpoolFormat::tsv)) == 3);
    BOOST_TEST(verdict.value());
}

BOOST_AUTO_TEST_CASE(dead_letters_are_sent_again_once_while_a_daemon_has_the_spool) {
    BOOST_TEST(replayed_dead() == "");  // No dead letters are left.
    BOOST_TEST(verdict.value());
    refuse_two();
    BOOST_TEST(replayed_dead() ==
               "sink sqlite: 2 dead letters were stored, 0 were refused again, 0 are damaged\n");
    BOOST_TEST(verdict.value());
    BOOST_TEST(asked("SELECT GROUP_CONCAT(id || ':' || seq) FROM site_checkins") == "102:2,105:5");
    BOOST_TEST(replayed_dead().find("sqlite: 0 dead letters") != std::string::npos);
    BOOST_TEST(asked("SELECT COUNT(*) FROM rollcall_position WHERE spool = '" +
                     to_text(writer.id()) + "'") == "0");

    const auto query = sqlite_query(directory.path() / "rollcall.db", false);
    BOOST_TEST((*query)("CREATE TRIGGER refuse BEFORE INSERT ON site_checkins WHEN NEW.id = 105"
                        " BEGIN SELECT RAISE(ABORT, 'no'); END")
                   .has_value());
    BOOST_TEST((*query)("DELETE FROM site_checkins").has_value());
    refuse_two();
    BOOST_TEST(replayed_dead().find("1 dead letters were stored, 1 were refused again") !=
               std::string::npos);
    BOOST_TEST(!verdict.value());
    BOOST_TEST(asked("SELECT GROUP_CONCAT(id) FROM site_checkins") == "102");
    BOOST_TEST((*query)("DROP TRIGGER refuse").has_value());
    BOOST_TEST(replayed_dead().find("1 dead letters were stored, 0") != std::string::npos);
    BOOST_TEST(asked("SELECT GROUP_CONCAT(id) FROM site_checkins") == "102,105");
}

BOOST_AUTO_TEST_CASE(replay_by_root_leaves_nothing_that_the_owner_of_the_folder_cannot_write,
                     *boost::unit_test::precondition(is_root())) {
    constexpr uid_t owner = 12345;
    refuse_two();
    const auto all = [&] {
        return std::filesystem::recursive_directory_iterator(directory.path());
    };
    for (const auto& entry : all())
        BOOST_TEST_REQUIRE(chown(entry.path().c_str(), owner, owner) == 0);
    BOOST_TEST_REQUIRE(chown(directory.path().c_str(), owner, owner) == 0);
    replayed_dead();
    BOOST_TEST(verdict.value());
    replayed({});
    BOOST_TEST(verdict.value());
    for (const auto& entry : all()) {
        struct stat status{};
        BOOST_TEST_REQUIRE(stat(entry.path().c_str(), &status) == 0);
        BOOST_TEST(status.st_uid == owner, entry.path());
        BOOST_TEST(status.st_gid == owner, entry.path());
    }
}

BOOST_AUTO_TEST_CASE(replay_by_a_user_who_does_not_own_the_files_is_refused,
                     *boost::unit_test::precondition(is_root())) {
    refuse_two();
    std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
    BOOST_TEST_REQUIRE(seteuid(12345) == 0);
    const std::string dead = replayed_dead();
    const Result<bool> dead_verdict = verdict;
    replayed({});
    BOOST_TEST_REQUIRE(seteuid(0) == 0);
    for (const auto& refused : {dead_verdict, verdict}) {
        BOOST_TEST_REQUIRE(!refused.has_value());
        BOOST_TEST((refused.error().code == Code::not_owner));
    }
    BOOST_TEST(why(dead_verdict).starts_with(spool + "/dead/sqlite belongs to root"));
    replayed_dead();
    BOOST_TEST(verdict.value());
}

BOOST_AUTO_TEST_CASE(replay_of_records_goes_on_behind_a_row_that_is_refused) {
    BOOST_TEST(replayed({0, 0}).find("0 rows") != std::string::npos);
    const auto query = sqlite_query(directory.path() / "rollcall.db", false);
    BOOST_TEST((*query)("CREATE TRIGGER refuse BEFORE INSERT ON site_checkins WHEN NEW.seq = 3"
                        " BEGIN SELECT RAISE(ABORT, 'no'); END")
                   .has_value());
    const std::string text = replayed({});
    BOOST_TEST(text.find("7 rows were sent") != std::string::npos, text);
    BOOST_TEST(text.find("the sink refused 1 rows") != std::string::npos, text);
    BOOST_TEST(!verdict.value());
}

BOOST_AUTO_TEST_CASE(sink_that_is_down_is_said) {
    settings.sqlite.path = directory.path() / "nowhere" / "rollcall.db";
    BOOST_TEST(replayed({}) == "");
    BOOST_TEST(!verdict.has_value());
    BOOST_TEST(why(verdict).starts_with("sink sqlite: "), why(verdict));
    refuse_two();
    BOOST_TEST(replayed_dead() == "");
    BOOST_TEST(why(verdict).starts_with("sink sqlite: "), why(verdict));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
