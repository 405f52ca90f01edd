// Runs the path from intake to the sinks on one thread, with a manual clock. The simulated disk has
// every kind of failure, and the sinks fail at every point. The process is killed and loses power
// repeatedly, even during a write, a sync or a recovery. A model records which reports were sent
// and acknowledged. Each line below has words from the message of a violation, and the time at
// which the model checks for this violation:
//
//   "acknowledged before it was durable"     at each acknowledgement
//   "is in a sink twice"                     when a sink commits
//   "more than its limit"                    after every step
//   "no progress", "is not in every sink"    at the end, without faults and refusals
//
// A run consists of independent simulations, called worlds. The seed of a world determines which
// faults occur, how often, and how small all limits are. If a violation occurs, the test prints the
// seed of the world; ROLLCALL_SEED=<seed> runs that world first. ROLLCALL_SIMULATION_SECONDS=120
// sets the duration of a run.
//
// In some worlds a sink returns to an earlier state. In others the disk is cloned, so that daemons
// on two disks use the same sinks in turn, or an older copy replaces the disk. The copy may have
// been made while a daemon was running. After its restore, only check-ins may be missing that were
// acknowledged after the copy was made and that are not in every sink.
//
// In other worlds the table of a sink is moved away without the journal of the last commits.
// Together, all tables must contain every report.
//
// planted_bugs.cmake builds this test with deliberate bugs, to show that the model finds them.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "pipeline/base/log.h"
#include "pipeline/delivery/dead_letters.h"
#include "pipeline/pipeline.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_files.h"
#include "tests/support/random.h"
#include "tests/support/transaction_sink.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

// Seeds of worlds that once found a bug, with a description of the bug.
constexpr uint64_t past_seeds[] = {
    2695656095,  // The deduplication window was dropped when descriptors ran out.
    11242642,    // A loss was never reported: the process ended while it saved the damaged bytes.
};

constexpr int crashes_by_default = 500;

// A violation, described in a sentence.
struct Violation {
    std::string what;
};

// Thrown at the point where the process ends: it is killed, sometimes together with a power cut.
struct Crash {
    bool power;
};

enum class Report : uint8_t { sent, acknowledged };

class World {
public:
    // Sinks refuse reports only in simulated worlds with even seeds. A world with an odd seed, such
    // as the first of past_seeds, runs as it did before the simulation had refusals.
    explicit World(uint64_t seed)
        : random_(seed), sinks_(1 + random_.below(3)), refuses_(seed % 2 == 0) {
        choose_limits();
        choose_faults();
        if (seed % 3 == 0 && !repeats_) choose_moved_tables();
        add_disk();
        for (auto& sink : sinks_) {
            sink.before = [this, &sink](TransactionSink::Point point) {
                if (happens(table_moved_one_in_)) {
                    sink.replace();
                    // In half of the cases, the process ends before it notices that the table was
                    // moved.
                    if (random_.one_in(2)) throw Crash{false};
                }
                return fault(point);
            };
            if (table_moved_one_in_ > 0) sink.settles = [this] { return random_.one_in(20); };
            if (refuses_) sink.refuses = [](int64_t seq) { return seq % 5 == 2; };
        }
    }

    // Returns the number of crashes.
    int run() {
        for (int lives = 2 + static_cast<int>(random_.below(30)); lives > 0; --lives) {
            live_once();
            interfere();
        }
        faults_ = false;
        full_ = false;
        for (at_ = 0; at_ < disks_.size(); ++at_) recover();
        for (at_ = 0; at_ < disks_.size(); ++at_) replay_dead_letters();
        check_repeated();
        check_stored();
        return crashes_;
    }

private:
    void choose_limits() {
        settings_.ingest.slots_max = 2 + random_.below(3);
        settings_.ingest.slot_rows_max = 1 + random_.below(6);
        settings_.ingest.slot_text_max.count = row_text_max * (1 + random_.below(3));
        settings_.http.body_size_max.count = settings_.http.batch_size_max.count =
            settings_.http.header_size_max.count = settings_.mqtt.packet_size_max.count = 1024;
        settings_.spool.segment_size.count = 4096 + 512 * (1 + random_.below(8));
        settings_.spool.quarantine_size_max.count = 16 << 10;
        settings_.spool.dead_letters_size_max.count = 1 << 30;
        settings_.delivery.batch_rows_max = 1 + random_.below(40);
        settings_.delivery.batch_text_max.count = row_text_max * (1 + random_.below(4));
        settings_.delivery.batch_age_max = Millis(1 + random_.below(300));
        settings_.delivery.retry_delay_max = Millis(1000);
        settings_.delivery.duplicate_entries_max = 1000;
        workers_ = 1 + random_.below(3);
        // If the spool has no room for the whole deduplication window, the window is shorter
        // (spool/writer.h), and a repeated report can be stored twice. So no router repeats a
        // report in worlds with a small spool or a full disk.
        repeats_ = random_.one_in(2);
        settings_.delivery.duplicate_window =
            Millis(repeats_ ? 3'600'000 : random_.below(3) * 1000);
        size_max_ =
            repeats_ ? 64 << 20 : settings_.spool.segment_size.count * (4 + random_.below(8));
        settings_.spool.size_max.count = size_max_;
    }

    // Crashes and power cuts occur in every world, and slow operations in a quarter. Each other
    // fault occurs in at most half of the worlds, so that it occurs alone and together with others.
    void choose_faults() {
        const auto rate = [this](uint64_t most) {
            return random_.one_in(2) ? most * (1 + random_.below(8)) : 0;
        };
        crash_one_in_ = 20 * (1 + random_.below(20));
        power_one_in_ = 1 + random_.below(4);
        failed_sync_one_in_ = rate(50);
        failed_io_one_in_ = rate(200);
        full_one_in_ = repeats_ ? 0 : rate(20);
        no_files_one_in_ = rate(20);
        sink_fails_one_in_ = rate(5);
        clock_jumps_one_in_ = repeats_ ? 0 : rate(50);
        flips_one_in_ = repeats_ ? 0 : rate(10);
        short_io_ = random_.one_in(2);
        slow_ = random_.one_in(4);
        // No world has both clones and routers that repeat reports: a daemon on a clone cannot
        // recognize a report that was sent to the other daemon before.
        clones_one_in_ = repeats_ ? 0 : rate(4);
        restores_one_in_ = repeats_ ? 0 : rate(4);
        // A position names a run, the time from one start of a daemon to its end (lineage.h). If a
        // spool was cloned or restored, a sink can go back to a position of a run that the spool
        // does not know. Such a position does not show what the sink has lost. So worlds with
        // clones or restores have no sink that goes back.
        const bool copies = clones_one_in_ > 0 || restores_one_in_ > 0;
        sink_goes_back_one_in_ = copies ? 0 : rate(60);
    }

    // While rows are only in the journal of a sink, the spool keeps their segments, but only if it
    // has room. So worlds with moved tables have a large spool. They have no cloned or restored
    // disks.
    void choose_moved_tables() {
        table_moved_one_in_ = 40 * (1 + random_.below(4));
        size_max_ = 64 << 20;
        settings_.spool.size_max.count = size_max_;
        settings_.delivery.duplicate_window = Millis(0);  // A window would keep segments, too.
        full_one_in_ = flips_one_in_ = 0;
        clones_one_in_ = restores_one_in_ = sink_goes_back_one_in_ = 0;
    }

    [[nodiscard]] MemoryFiles& files() { return *disks_[at_]; }

    void add_disk() {
        disks_.push_back(std::make_unique<MemoryFiles>());
        disks_.back()->before = [this](MemoryFiles::Operation operation, const std::string& path) {
            return fault(operation, path);
        };
        disks_.back()->some = [this](size_t bytes) {
            return short_io_ && random_.one_in(4) ? 1 + random_.below(bytes) : bytes;
        };
    }

    // Clones or restores a disk while no daemon runs.
    void interfere() {
        if (happens(clones_one_in_) && disks_.size() < 3) {
            log(LogLevel::debug, "disk {} is a clone of disk {}", disks_.size(), at_);
            add_disk();
            disks_.back()->copy(files());
            // Half of the clones have the same device and inode as the original.
            disks_.back()->where.inode = random_.one_in(2) ? disks_.size() : files().where.inode;
        }
        if (happens(restores_one_in_)) {
            if (backup_ && backup_of_ == at_) restore();
            back_up();
        }
        at_ = random_.below(disks_.size());
        log(LogLevel::debug, "the next life is on disk {}", at_);
    }

    void back_up() {
        backup_.emplace();
        backup_->copy(files());
        backup_of_ = at_;
    }

    void restore() {
        log(LogLevel::debug, "disk {} is an older copy of itself", at_);
        files().copy(*backup_);
        for (auto& [seq, state] : reports_)
            if (state == Report::acknowledged && !is_in_every_sink(seq)) state = Report::sent;
    }

    [[nodiscard]] bool is_in_every_sink(int64_t seq) const {
        return std::ranges::all_of(sinks_, [&](const auto& sink) { return sink.holds(seq); });
    }

    void sink_goes_back() {
        const size_t i = random_.below(sinks_.size());
        if (sink_backups_.contains(i)) {
            log(LogLevel::debug, "sink {} goes back", i);
            sinks_[i].restore(sink_backups_.at(i));
            ++setbacks_;
        }
        sink_backups_[i] = sinks_[i].content();
    }

    [[nodiscard]] bool happens(uint64_t one_in) {
        return faults_ && one_in > 0 && random_.one_in(one_in);
    }

    // --- faults ---
    void crash_perhaps() {
        if (happens(crash_one_in_)) throw Crash{random_.one_in(power_one_in_)};
    }

    Result<void> fault(MemoryFiles::Operation operation, const std::string& path) {
        using enum MemoryFiles::Operation;
        if (!refuses_ && path.find("/dead/") != std::string::npos) return {};
        // Takes a snapshot of the disk while the daemon is running.
        if (operation == sync && happens(4 * restores_one_in_)) back_up();
        crash_perhaps();
        if (slow_ && faults_) clock_.pass(std::chrono::microseconds(random_.below(20'000)));
        const bool syncs = operation == sync || operation == sync_directory;
        if (syncs && happens(failed_sync_one_in_)) return fail(Code::sync_failed, EIO);
        // Reads do not fail. If a read failed once and a later one succeeded, the model would count
        // a loss that does not exist. Damage is simulated by flipped bits.
        if (operation == write && happens(failed_io_one_in_)) return fail(Code::disk_failed, EIO);
        if ((operation == write || operation == rename) && !path.ends_with("checkpoint") &&
            (full_ || happens(full_one_in_)))
            return fail(Code::disk_full, ENOSPC);
        if ((operation == open || operation == list) && happens(no_files_one_in_))
            return fail(Code::too_many_files, EMFILE);
        return {};
    }

    Result<void> fault(TransactionSink::Point) {
        crash_perhaps();
        if (happens(sink_fails_one_in_)) return fail(Code::sink_down);
        return {};
    }

    // Damages a byte of a segment. The segment is not the last one, so no power cut can still tear
    // it.
    void damage() {
        std::vector<std::string> segments;
        for (const auto& name : files().names("spool"))
            if (segment_first_record(name)) segments.push_back("spool/" + name);
        if (segments.size() < 2) return;
        segments.pop_back();
        const std::string path = random_.one_of(segments);
        if (files().size(path) == 0) return;
        files().flip(path, random_.below(files().size(path)),
                     static_cast<std::byte>(1 << random_.below(8)));
        ++flips_;
    }

    // --- one process, from start to end ---
    void live_once() {
        try {
            if (open())
                for (;;) step();
        } catch (const Crash& crash) {
            log(LogLevel::debug, "{}", crash.power ? "power is cut" : "killed");
            if (crash.power) files().crash(random_);
        }
        end();
    }

    [[nodiscard]] bool open() {
        std::vector<NamedSink> sinks;
        for (size_t i = 0; i < sinks_.size(); ++i)
            sinks.push_back(
                {static_cast<SinkName>(i), std::make_unique<TransactionSink::Endpoint>(sinks_[i])});
        shards_.clear();
        for (size_t i = 0; i < workers_; ++i) shards_.push_back(std::make_unique<MetricShard>());
        std::vector<MetricShard*> shards;
        for (auto& shard : shards_) shards.push_back(shard.get());
        pipeline_ = std::make_unique<Pipeline>(files(), clock_, settings_,
                                               Pipeline::Options{.spool_directory = "spool",
                                                                 .sinks = std::move(sinks),
                                                                 .worker_shards = shards,
                                                                 .on_halt = [](const Error&) {}});
        waiting_.assign(workers_, {});
        for (size_t i = 0; i < workers_; ++i)
            pipeline_->on_durable(i, [this, i] { acknowledge(i); });
        if (!pipeline_->open()) return false;
        on_disk_.clear();
        on_disk_end_ = pipeline_->spool().end().read();
        return true;
    }

    void end() {
        if (pipeline_)
            for (const MetricShard* shard : pipeline_->shards()) count_losses(*shard);
        pipeline_.reset();
        ++crashes_;
    }

    void count_losses(const MetricShard& shard) {
        lost_ += static_cast<uint64_t>(shard.read(Metric::spool_lost_records_total, 0));
        for (size_t i = 0; i < sinks_.size(); ++i)
            missing_ += static_cast<uint64_t>(
                shard.read(Metric::sink_missing_records_total, label_of(static_cast<SinkName>(i))));
    }

    // Runs the steps of the daemon's threads in random order. An error with Action::halt ends the
    // process.
    void step() {
        crash_perhaps();
        if (happens(flips_one_in_ * 20)) damage();
        if (happens(clock_jumps_one_in_)) jump();
        if (happens(sink_goes_back_one_in_)) sink_goes_back();
        if (happens(full_one_in_ * 10)) full_ = !full_;
        if (!faults_) full_ = false;
        clock_.pass(std::chrono::microseconds(random_.below(50'000)));
        switch (random_.below(8)) {
            case 0:
            case 1:
            case 2: report(random_.below(workers_)); break;
            case 3: pipeline_->intake(random_.below(workers_)).publish(); break;
            case 4:
            case 5: must(pipeline_->committer().step()); break;
            case 6: must(pipeline_->committer().tidy_up()); break;
            default:
                for (size_t i = 0; i < sinks_.size(); ++i) must(pipeline_->delivery(i).step());
        }
        check_limits();
    }

    template <class T>
    static void must(const Result<T>& result) {
        if (!result && result.error().action() == Action::halt) throw Crash{false};
    }

    void jump() {
        const int64_t years = static_cast<int64_t>(random_.below(5)) - 2;
        clock_.wall += years * 31'557'600'000'000 + static_cast<int64_t>(random_.below(10'000'000));
    }

    void report(size_t worker) {
        int64_t seq = next_seq_;
        if (repeats_ && !unanswered_.empty() && random_.one_in(2)) {
            seq = random_.one_of(unanswered_);  // The router got no response, so it repeats the
                                                // report.
        } else {
            ++next_seq_;
        }
        std::string body =
            fmt::format(R"({{"serial_number":"S{}","seq":{},"uptime":{}}})", seq % 7, seq, seq);
        const size_t size = body.size();
        body.append(body_padding, '\0');
        Receipt receipt;
        const auto taken = pipeline_->intake(worker).accept(
            {body.data(), size}, BodyHint::unknown, {Transport::http, "::1", "", clock_.wall_us()},
            receipt);
        if (!taken) {
            if (taken.error().code != Code::ring_full)
                throw Violation{fmt::format("report {} was refused", seq)};
            if (seq + 1 == next_seq_ && !reports_.contains(seq)) --next_seq_;
            return;
        }
        if (reports_.emplace(seq, Report::sent).second && repeats_) unanswered_.push_back(seq);
        waiting_[worker].push_back({receipt.slot, seq});
        log(LogLevel::debug, "report {} is in slot {} of worker {}", seq, receipt.slot, worker);
    }

    // --- the model ---
    void acknowledge(size_t worker) {
        read_disk();
        auto& waiting = waiting_[worker];
        const uint64_t durable = pipeline_->intake(worker).durable();
        while (!waiting.empty() && waiting.front().slot < durable) {
            const int64_t seq = waiting.front().seq;
            if (!on_disk_.contains(seq) && flips_ == 0)
                throw Violation{
                    fmt::format("report {} was acknowledged before it was durable", seq)};
            reports_[seq] = Report::acknowledged;
            std::erase(unanswered_, seq);
            waiting.pop_front();
        }
    }

    // Reads the reports that would be on disk if the power failed now.
    void read_disk() {
        MemoryFiles::OnDisk on_disk(files());
        SpoolReader reader(on_disk, "spool", pipeline_->spool().end(), nullptr);
        (void)reader.seek(on_disk_end_);
        while (const auto record = reader.peek().value()) {
            Columns rows(record->rows, record->payload.size() + row_text_max);
            (void)rows.append_record(record->payload, record->columns_at);
            for (size_t row = 0; row < rows.rows(); ++row)
                on_disk_.insert(rows.integer(row, Column::seq));
            reader.advance();
        }
        on_disk_end_ = reader.position();
    }

    void check_limits() {
        uint64_t bytes = 0;
        for (const auto& name : files().names("spool"))
            if (name != checkpoint_name && name != lineage_name)
                bytes += files().size("spool/" + name);
        // The spool can be somewhat larger, because a failed write leaves bytes that the next write
        // replaces.
        if (bytes > size_max_ + settings_.spool.segment_size.count + 16 * 1024)
            throw Violation{fmt::format("the spool holds {} bytes, more than its limit", bytes)};
        for (size_t i = 0; i < workers_; ++i) {
            auto& ring = pipeline_->intake(i).ring();
            if (ring.published() - ring.durable() > settings_.ingest.slots_max)
                throw Violation{"a ring holds more than its limit"};
        }
        check_repeated();
    }

    void check_repeated() const {
        if (flips_ == 0)
            for (const auto& sink : sinks_)
                if (sink.repeated())
                    throw Violation{fmt::format("report {} is in a sink twice", *sink.repeated())};
    }

    // All faults end. Within a limited number of steps, everything must be acknowledged and stored.
    void recover() {
        if (!open()) throw Violation{"no progress: the spool does not open"};
        for (int steps = 0;; ++steps) {
            for (size_t i = 0; i < workers_; ++i) pipeline_->intake(i).publish();
            must_progress(pipeline_->committer().step());
            must_progress(pipeline_->committer().tidy_up());
            bool done = true;
            for (size_t i = 0; i < sinks_.size(); ++i) {
                must_progress(pipeline_->delivery(i).step());
                done &= pipeline_->delivery(i).caught_up();
            }
            for (const auto& waiting : waiting_) done &= waiting.empty();
            check_limits();
            if (done && steps > 20) break;
            if (steps < 20) report(random_.below(workers_));
            if (steps > 2000) throw Violation{"no progress: the sinks do not catch up"};
            clock_.pass(10ms);
        }
        end();
    }

    // Called when the operator has fixed the sinks.
    void replay_dead_letters() {
        for (size_t i = 0; i < sinks_.size(); ++i) {
            sinks_[i].refuses = nullptr;
            TransactionSink::Endpoint door(sinks_[i]);
            DeadLetters letters(files(), clock_, *shards_.front(),
                                {static_cast<SinkName>(i), "spool", {}, size_max_, true});
            must_progress(letters.replay(door, 3, row_text_max, [](uint64_t, uint64_t) {}));
        }
    }

    template <class T>
    static void must_progress(const Result<T>& result) {
        if (!result && result.error().action() == Action::halt)
            throw Violation{fmt::format("no progress: {}", to_text(result.error().code))};
    }

    void check_stored() {
        std::set<int64_t> missing;
        for (const auto& [seq, state] : reports_)
            for (const auto& sink : sinks_)
                if (state == Report::acknowledged && !sink.holds(seq)) missing.insert(seq);
        const uint64_t gone = setbacks_ > 0 ? missing_ : 0;
        if (flips_ == 0 && missing.size() > gone * settings_.ingest.slot_rows_max)
            throw Violation{
                fmt::format("acknowledged report {} is not in every sink", *missing.begin())};
        if (flips_ == 0 && lost_ == 0 && setbacks_ > 0) return;
        if (missing.empty() && (flips_ > 0 || lost_ == 0)) return;
        if (flips_ == 0 && !missing.empty())
            throw Violation{
                fmt::format("acknowledged report {} is not in every sink", *missing.begin())};
        if (flips_ == 0) throw Violation{fmt::format("{} records are said to be lost", lost_)};
        // A record contains at most slot_rows_max reports.
        if (missing.size() > (lost_ + gone) * settings_.ingest.slot_rows_max)
            throw Violation{fmt::format("{} reports are missing, {} records are said to be lost",
                                        missing.size(), lost_)};
    }

    struct Waiting {
        uint64_t slot;
        int64_t seq;
    };

    Random random_;
    ManualClock clock_;
    std::vector<std::unique_ptr<MemoryFiles>> disks_;
    size_t at_ = 0;  // Index of the disk that the running process uses.
    std::optional<MemoryFiles> backup_;
    size_t backup_of_ = 0;
    Settings settings_;
    std::vector<TransactionSink> sinks_;
    bool refuses_;
    std::map<size_t, TransactionSink::Content> sink_backups_;
    std::vector<std::unique_ptr<MetricShard>> shards_;
    std::unique_ptr<Pipeline> pipeline_;

    size_t workers_ = 1;
    uint64_t size_max_ = 0;
    bool repeats_ = false;
    bool faults_ = true;
    uint64_t crash_one_in_ = 0;
    uint64_t power_one_in_ = 0;
    uint64_t failed_sync_one_in_ = 0;
    uint64_t failed_io_one_in_ = 0;
    uint64_t full_one_in_ = 0;
    uint64_t no_files_one_in_ = 0;
    uint64_t sink_fails_one_in_ = 0;
    uint64_t clock_jumps_one_in_ = 0;
    uint64_t flips_one_in_ = 0;
    uint64_t clones_one_in_ = 0;
    uint64_t restores_one_in_ = 0;
    uint64_t sink_goes_back_one_in_ = 0;
    uint64_t table_moved_one_in_ = 0;
    bool short_io_ = false;
    bool slow_ = false;
    bool full_ = false;

    int64_t next_seq_ = 1;
    std::map<int64_t, Report> reports_;
    std::vector<int64_t> unanswered_;
    std::vector<std::deque<Waiting>> waiting_;  // One queue for each worker.
    std::set<int64_t> on_disk_;  // Durable reports that were written since the last start.
    uint64_t on_disk_end_ = 0;
    uint64_t flips_ = 0;
    uint64_t lost_ = 0;
    uint64_t missing_ = 0;  // Records that were missing in a sink and in every spool.
    uint64_t setbacks_ = 0;
    int crashes_ = 0;
};

// Returns the number of crashes, or nothing after printing a violation.
std::optional<int> run_world(uint64_t seed) {
    try {
        return World(seed).run();
    } catch (const Violation& violation) {
        BOOST_ERROR(fmt::format("ROLLCALL_SEED={}: {}", seed, violation.what));
        return {};
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(worlds_that_found_something_once_find_nothing_any_more) {
    set_log_level("error");
    for (const uint64_t seed : past_seeds) BOOST_TEST(run_world(seed).has_value());
}

BOOST_AUTO_TEST_CASE(nothing_acknowledged_is_lost_or_stored_twice_whatever_fails) {
    // When a world is replayed, log all events.
    set_log_level(std::getenv("ROLLCALL_SEED") != nullptr ? "debug" : "error");
    const uint64_t first = Random::seed("simulation");
    const char* seconds = std::getenv("ROLLCALL_SIMULATION_SECONDS");
    const auto begin = std::chrono::steady_clock::now();
    const auto lasted = [&] { return std::chrono::steady_clock::now() - begin; };
    int crashes = 0;
    uint64_t worlds = 0;
    while (seconds != nullptr ? lasted() < std::chrono::seconds(std::atoi(seconds))
                              : crashes < crashes_by_default) {
        const auto crashed = run_world(first + worlds++);
        BOOST_TEST_REQUIRE(crashed.has_value());
        crashes += *crashed;
    }
    fmt::print("simulation: {} worlds, {} crashes, {:.0f} a minute\n", worlds, crashes,
               crashes / std::chrono::duration<double, std::ratio<60>>(lasted()).count());
}

BOOST_AUTO_TEST_SUITE_END()
