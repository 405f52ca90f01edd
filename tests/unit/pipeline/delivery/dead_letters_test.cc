#include "pipeline/delivery/dead_letters.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <map>
#include <numeric>

#include "tests/support/manual_clock.h"
#include "tests/support/memory_files.h"
#include "tests/support/memory_sink.h"
#include "tests/support/random.h"
#include "tests/support/rows.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

// Thrown at the point where the simulated process ends.
struct Killed {};

SpoolId spool_of(int number) {
    SpoolId spool{};
    spool[0] = static_cast<std::byte>(number);
    return spool;
}

struct LettersFixture {
    LettersFixture() { restart(); }

    // Simulates a restart: the new object knows only what is on disk.
    void restart() { letters = std::make_unique<DeadLetters>(files, clock, shard, options); }

    // Makes a batch of rows with these seqs. Each row is alone in the record whose number is its
    // seq.
    void batch(std::initializer_list<int64_t> seqs) {
        rows.clear();
        places.clear();
        for (const int64_t seq : seqs) {
            rows.set_integer(Column::id, 1000 + seq);
            rows.set_text(Column::model, "hAP");
            add_row(rows, "S", seq);
            places.push_back({static_cast<uint64_t>(seq), 0});
        }
    }
    Result<void> keep(std::initializer_list<size_t> refused_rows) {
        std::vector<Refusal> refusals;
        for (const size_t row : refused_rows)
            refusals.push_back({row, DeadReason::invalid_value, "too long"});
        return letters->keep(rows, places, refusals);
    }
    Result<void> keep_all(std::initializer_list<int64_t> seqs) {
        batch(seqs);
        std::vector<Refusal> refusals;
        for (size_t row = 0; row < seqs.size(); ++row)
            refusals.push_back({row, DeadReason::invalid_value, "too long"});
        return letters->keep(rows, places, refusals);
    }
    Result<DeadReplay> replay(Sink& sink) {
        return letters->replay(sink, 16, test_text_max, [](uint64_t, uint64_t) {});
    }

    // Returns for each seq how many dead letters the next start finds.
    std::map<int64_t, int> kept() {
        std::map<int64_t, int> seqs;
        MemorySink sink;
        MemoryFiles copy;
        copy.copy(files);
        DeadLetters other(copy, clock, unseen, options);
        if (!other.replay(sink, 1, test_text_max, [](uint64_t, uint64_t) {}))
            throw std::runtime_error("replay");
        for (const int64_t seq : sink.seqs) ++seqs[seq];
        return seqs;
    }
    [[nodiscard]] int64_t counted() const {
        return shard.read(Metric::dead_letters_total,
                          label_of(SinkName::sqlite, DeadReason::invalid_value));
    }
    [[nodiscard]] int64_t waiting() const {
        return shard.read(Metric::dead_letters_pending, label_of(SinkName::sqlite));
    }

    static constexpr const char* directory = "spool/dead/sqlite";
    MemoryFiles files;
    ManualClock clock;
    MetricShard shard;
    MetricShard unseen;
    DeadLetters::Options options{SinkName::sqlite, "spool", spool_of(1), 1 << 20, true};
    std::unique_ptr<DeadLetters> letters;
    Columns rows{64, test_text_max};
    std::vector<RowPlace> places;
};

using Seqs = std::map<int64_t, int>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(delivery_dead_letters, LettersFixture)

BOOST_AUTO_TEST_CASE(letter_holds_the_row_as_it_was_with_place_reason_and_words) {
    batch({3, 4, 5});
    BOOST_TEST(
        letters->keep(rows, places, std::array{Refusal{1, DeadReason::constraint, "no\nway"}})
            .has_value());
    const Cursor end(1);
    SpoolReader reader(files, directory, end, nullptr);
    BOOST_TEST(reader.seek(0).has_value());
    const auto record = reader.peek().value().value();
    const auto letter = dead_letter_of(record).value();
    BOOST_TEST((letter.run == spool_of(1)));
    BOOST_TEST(letter.place.record == 4);
    BOOST_TEST(letter.place.row == 0);
    BOOST_TEST(letter.reason == "constraint");
    BOOST_TEST(letter.detail == "no\nway");
    Columns one(1, test_text_max);
    BOOST_TEST(one.append_row(rows, 1));
    BOOST_TEST(payload_of(columns_of(letter.columns).value()) == payload_of(one));
}

BOOST_AUTO_TEST_CASE(record_that_is_no_letter_is_damage_whatever_its_bytes) {
    const std::string payload = payload_of(one_row("S", 1));
    const auto bytes = std::as_bytes(std::span(payload));
    for (size_t length = 0; length <= bytes.size(); ++length) {
        const Record record{0, 0, 0, 1, bytes.first(length), {}};
        const auto letter = dead_letter_of(record);
        BOOST_TEST((!letter || letter->columns.payload.size() < length));
    }
    std::vector<std::byte> claims(64, std::byte{0xff});  // The size of a text is larger than the
                                                         // content.
    BOOST_TEST(!dead_letter_of({0, 0, 0, 1, claims, {}}).has_value());
}

BOOST_AUTO_TEST_CASE(batch_that_is_written_again_has_each_letter_once_also_after_a_restart) {
    batch({10, 11, 12, 13});
    BOOST_TEST(keep({1, 3}).has_value());
    BOOST_TEST(keep({1, 3}).has_value());
    BOOST_TEST(counted() == 2);
    restart();
    BOOST_TEST(keep({1, 2, 3}).has_value());
    BOOST_TEST(counted() == 3);
    BOOST_TEST((kept() == Seqs{{11, 1}, {12, 1}, {13, 1}}));
    BOOST_TEST(waiting() == 3);
}

BOOST_AUTO_TEST_CASE(row_at_the_same_place_of_another_spool_is_another_row) {
    BOOST_TEST(keep_all({7}).has_value());
    options.spool = spool_of(2);
    restart();
    BOOST_TEST(keep_all({7}).has_value());
    BOOST_TEST((kept() == Seqs{{7, 2}}));
}

BOOST_AUTO_TEST_CASE(nothing_is_dropped_for_want_of_room_and_the_sink_waits) {
    options.size_max = 8 * segment_head_bytes;
    restart();
    int64_t seq = 0;
    while (keep_all({seq})) BOOST_TEST_REQUIRE(++seq < 1000);
    BOOST_TEST(seq > 3);
    BOOST_TEST((keep_all({seq}).error().code == Code::sink_down));
    const Error full = keep_all({0, seq}).error();
    BOOST_TEST((full.code == Code::sink_down));
    BOOST_TEST(describe(full).find("spool.dead_letters_size_max") != std::string::npos);
    BOOST_TEST(kept().size() == static_cast<size_t>(seq));
    BOOST_TEST(counted() == seq);
    MemorySink sink;
    BOOST_TEST(replay(sink).value().stored == static_cast<uint64_t>(seq));
    BOOST_TEST(keep_all({seq}).has_value());
}

BOOST_AUTO_TEST_CASE(letters_of_a_batch_for_which_there_is_room_are_kept_and_counted_once) {
    options.size_max = 4 * segment_head_bytes;  // Each segment has room for one dead letter.
    restart();
    batch({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
    for (int attempt = 0; attempt < 3; ++attempt) {
        BOOST_TEST(!keep({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}).has_value());
        restart();
    }
    BOOST_TEST(counted() > 0);
    BOOST_TEST(kept().size() == static_cast<size_t>(counted()));
}

BOOST_AUTO_TEST_CASE(disk_that_is_full_or_lacks_files_is_tried_again) {
    for (const Code code : {Code::disk_full, Code::too_many_files, Code::disk_failed}) {
        files.before = [&](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
            if (operation == MemoryFiles::Operation::open) return fail(code, ENOSPC);
            return {};
        };
        const auto failed = keep_all({1, 2});
        BOOST_TEST((failed.error().action() == Action::retry));
        BOOST_TEST(describe(failed.error()).find(directory) != std::string::npos);
        files.before = nullptr;
    }
    BOOST_TEST(keep_all({1, 2}).has_value());
    BOOST_TEST((kept() == Seqs{{1, 1}, {2, 1}}));
}

BOOST_AUTO_TEST_CASE(sync_that_fails_ends_the_process_and_the_next_one_writes_again) {
    BOOST_TEST(keep_all({1}).has_value());
    files.before = [](MemoryFiles::Operation operation, const std::string& path) -> Result<void> {
        if (operation == MemoryFiles::Operation::sync && path.ends_with(".segment"))
            return fail(Code::sync_failed, EIO);
        return {};
    };
    BOOST_TEST((keep_all({2}).error().action() == Action::halt));
    files.before = nullptr;
    restart();
    // Row 2 must have one dead letter, although the failed sync left another one in the page cache.
    BOOST_TEST(keep_all({2}).has_value());
    files.crash();
    BOOST_TEST((kept() == Seqs{{1, 1}, {2, 1}}));
}

BOOST_AUTO_TEST_CASE(what_was_kept_is_there_once_whenever_power_is_cut) {
    Random random("what_was_kept_is_there_once_whenever_power_is_cut");
    for (int world = 0; world < 25; ++world) {
        files = MemoryFiles();
        restart();
        int64_t done = 0;
        uint64_t operations = 1 + random.below(60);
        files.before = [&](MemoryFiles::Operation, const std::string&) -> Result<void> {
            if (operations > 0 && --operations == 0) throw Killed();
            return {};
        };
        while (done < 12) {
            try {
                if (keep_all({done, done + 1})) done += 2;
            } catch (const Killed&) {
                files.crash(random);
                restart();
                operations = 1 + random.below(60);
            }
        }
        files.before = nullptr;
        files.crash();
        const Seqs seqs = kept();
        for (int64_t seq = 0; seq < 12; ++seq)
            BOOST_TEST_REQUIRE((seqs.contains(seq) && seqs.at(seq) == 1), "seq " << seq);
    }
}

BOOST_AUTO_TEST_CASE(damaged_letter_costs_no_other_one) {
    for (int64_t seq = 0; seq < 6; ++seq) BOOST_TEST(keep_all({seq}).has_value());
    const std::string segment = std::string(directory) + "/" + segment_name(0);
    const uint64_t size = files.content_size(segment);
    // Damage in the last dead letter would look like a torn write, so the last one stays whole.
    BOOST_TEST(keep_all({6}).has_value());
    MemoryFiles whole;
    whole.copy(files);
    for (uint64_t byte = segment_head_bytes; byte < size; byte += 21) {
        files.copy(whole);
        restart();
        files.flip(segment, byte);
        MemorySink sink;
        const auto sent = replay(sink).value();
        BOOST_TEST_REQUIRE(sent.stored >= 6, "byte " << byte);
        BOOST_TEST_REQUIRE(sent.stored + sent.damaged == 7, "byte " << byte);
        if (sent.damaged > 0)
            BOOST_TEST(!files.names(std::string(directory) + "/quarantine").empty());
    }
}

// --- replay ---

BOOST_AUTO_TEST_CASE(letters_are_stored_with_their_ids_and_dropped) {
    BOOST_TEST(keep_all({1, 2, 3}).has_value());
    MemorySink sink;
    const auto sent = replay(sink).value();
    BOOST_TEST(sent.stored == 3);
    BOOST_TEST(sent.refused == 0);
    BOOST_TEST(sink.ids == std::vector<int64_t>({1001, 1002, 1003}),
               boost::test_tools::per_element());
    BOOST_TEST(waiting() == 0);
    BOOST_TEST(replay(sink).value().stored == 0);
    BOOST_TEST(sink.seqs.size() == 3);
    BOOST_TEST(keep_all({4}).has_value());
    BOOST_TEST(waiting() == 1);
    BOOST_TEST(replay(sink).value().stored == 1);
}

BOOST_AUTO_TEST_CASE(letter_that_is_refused_again_stays_with_its_place_and_what_was_said_last) {
    BOOST_TEST(keep_all({1, 2, 3}).has_value());
    MemorySink sink;
    sink.refuses = {2};
    BOOST_TEST(replay(sink).value().refused == 1);
    BOOST_TEST(replay(sink).value().refused == 1);
    BOOST_TEST(waiting() == 1);
    BOOST_TEST((kept() == Seqs{{2, 1}}));
    const Cursor end(6);
    SpoolReader reader(files, directory, end, nullptr);
    BOOST_TEST(reader.seek(4).has_value());
    const auto record = reader.peek().value().value();
    const auto letter = dead_letter_of(record).value();
    BOOST_TEST(letter.place.record == 2);
    BOOST_TEST(letter.detail == "it says no");
    sink.refuses.clear();
    BOOST_TEST(replay(sink).value().stored == 1);
    BOOST_TEST(sink.seqs == std::vector<int64_t>({1, 3, 2}), boost::test_tools::per_element());
}

// The Kafka sink behaves in this way, because it learns the size limit of its topic step by step.
BOOST_AUTO_TEST_CASE(letter_that_a_sink_refuses_again_and_again_in_one_batch_is_written_once) {
    struct Hesitant final : Sink {
        Result<Position> open(const IncarnationId&) override { return position; }
        Result<void> write(const Batch& batch) override {
            std::vector<Refusal> refused;
            for (size_t row = 0; row < batch.rows.rows(); ++row) {
                refused.push_back({row, DeadReason::too_large, "of some bytes"});
                if (auto kept = batch.keep_refused(refused); !kept) return kept;
            }
            position = batch.position();
            return {};
        }
        Position position;
    };
    BOOST_TEST(keep_all({1, 2, 3}).has_value());
    Hesitant sink;
    BOOST_TEST(replay(sink).value().refused == 3);
    BOOST_TEST(waiting() == 3);
}

BOOST_AUTO_TEST_CASE(sink_that_fails_keeps_all_letters_that_it_has_not_stored) {
    BOOST_TEST(keep_all({1, 2, 3}).has_value());
    MemorySink sink;
    for (const auto failure : {MemorySink::Failure::open, MemorySink::Failure::before_commit,
                               MemorySink::Failure::after_commit}) {
        sink.fails = failure;
        const Error failed = replay(sink).error();
        BOOST_TEST((failed.code == Code::sink_down));
        BOOST_TEST(describe(failed) == info(Code::sink_down).help);  // No text was added.
    }
    BOOST_TEST(replay(sink).value().stored == 0);  // The last failure came after a full commit.
    BOOST_TEST(sink.seqs == std::vector<int64_t>({1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_letter_is_stored_once_whenever_power_is_cut_while_they_are_sent) {
    Random random("each_letter_is_stored_once_whenever_power_is_cut_while_they_are_sent");
    for (int world = 0; world < 25; ++world) {
        files = MemoryFiles();
        restart();
        BOOST_TEST(keep_all({0, 1, 2, 3, 4, 5, 6, 7}).has_value());
        MemorySink sink;
        sink.refuses = {3, 6};
        // A replay that is interrupted may leave one more segment to read. So each replay gets more
        // operations than the one before. If all replays got the same number of operations, perhaps
        // none would ever finish.
        uint64_t operations_max = 80;
        uint64_t operations = 1 + random.below(operations_max);
        files.before = [&](MemoryFiles::Operation, const std::string&) -> Result<void> {
            if (operations > 0 && --operations == 0) throw Killed();
            return {};
        };
        for (int sent = 0; sent < 3;) {
            try {
                if (letters->replay(sink, 3, test_text_max, [](uint64_t, uint64_t) {})) ++sent;
            } catch (const Killed&) {
                files.crash(random);
                restart();
                operations = 1 + random.below(++operations_max);
            }
        }
        files.before = nullptr;
        BOOST_TEST_REQUIRE((kept() == Seqs{{3, 1}, {6, 1}}), "world " << world);
        sink.refuses.clear();
        BOOST_TEST_REQUIRE(replay(sink).value().stored == 2);
        std::ranges::sort(sink.seqs);
        BOOST_TEST_REQUIRE(sink.seqs == std::vector<int64_t>({0, 1, 2, 3, 4, 5, 6, 7}),
                           boost::test_tools::per_element());
    }
}

// The position of the sink belongs to a copy of the folder, and the copy has other dead letters.
BOOST_AUTO_TEST_CASE(position_that_names_another_letter_is_not_believed) {
    for (const uint64_t position : {1, 2, 7}) {
        BOOST_TEST(keep_all({1, 2}).has_value());
        MemorySink sink;
        sink.position = position;
        sink.run = spool_of(9);
        BOOST_TEST(replay(sink).value().stored == 2);
        BOOST_TEST(sink.seqs == std::vector<int64_t>({1, 2}), boost::test_tools::per_element());
        BOOST_TEST(kept().empty());
        files = MemoryFiles();
        restart();
    }
}

BOOST_AUTO_TEST_CASE(who_finds_them_held_by_another_process_tries_again) {
    const TemporaryDirectory place;
    Files disk;
    options.spool_directory = place.path();
    DeadLetters real(disk, clock, shard, options);
    batch({1});
    const std::array refused{Refusal{0, DeadReason::constraint, "no"}};
    BOOST_TEST(real.keep(rows, places, refused).has_value());
    const auto held = disk.lock(dead_letters_directory(place.path(), SinkName::sqlite));
    BOOST_TEST_REQUIRE(held.has_value());
    batch({2});
    const Error locked = real.keep(rows, places, refused).error();
    BOOST_TEST((locked.code == Code::sink_down));
    BOOST_TEST(describe(locked).find("another process has locked") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
