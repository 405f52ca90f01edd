#include "pipeline/delivery/dead_letters.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <limits>
#include <span>

#include "pipeline/base/checksum.h"
#include "pipeline/base/error.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr uint64_t segment_bytes = 1 << 20;
constexpr size_t detail_bytes_max = 512;
constexpr std::chrono::microseconds log_interval = 1min;

struct LetterFields {
    RunId run;
    uint64_t record;
    uint32_t row;
    uint32_t text_bytes;
};
static_assert(sizeof(LetterFields) == 32);

constexpr size_t padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

std::vector<std::byte> encode(const RunId& run, const RowPlace& place, const Refusal& refusal) {
    std::string text(to_text(refusal.reason));
    text += '\n';
    text += std::string_view(refusal.detail).substr(0, detail_bytes_max);
    const LetterFields fields{run, place.record, place.row, static_cast<uint32_t>(text.size())};
    std::vector<std::byte> bytes(sizeof fields);
    std::memcpy(bytes.data(), &fields, sizeof fields);
    const auto text_bytes = std::as_bytes(std::span(text));
    bytes.insert(bytes.end(), text_bytes.begin(), text_bytes.end());
    bytes.resize(sizeof fields + padded(text.size()));
    return bytes;
}

// Returns a name that identifies a dead letter. In a position in the spool of dead letters, the
// field `run` contains the name of the last replayed dead letter.
RunId name_of(const Record& letter) {
    const struct {
        int64_t written_us;
        uint32_t payload_checksum;
        uint32_t number;
    } name{letter.written_us, checksum(letter.payload), static_cast<uint32_t>(letter.number)};
    return std::bit_cast<RunId>(name);
}

}  // namespace

Result<DeadLetter> dead_letter_of(const Record& record) {
    LetterFields fields;
    if (record.payload.size() < sizeof fields) return fail(Code::spool_damaged);
    std::memcpy(&fields, record.payload.data(), sizeof fields);
    const size_t columns_from = sizeof fields + padded(fields.text_bytes);
    if (record.payload.size() < columns_from || record.rows != 1) return fail(Code::spool_damaged);
    const std::string_view text(
        reinterpret_cast<const char*>(record.payload.data()) + sizeof fields, fields.text_bytes);
    const size_t reason_bytes = std::min(text.find('\n'), text.size());
    DeadLetter letter{fields.run,
                      {fields.record, fields.row},
                      text.substr(0, reason_bytes),
                      text.substr(std::min(reason_bytes + 1, text.size())),
                      record};
    letter.columns.payload = record.payload.subspan(columns_from);
    return letter;
}

std::string dead_letters_directory(const std::string& spool_directory, SinkName sink) {
    return fmt::format("{}/{}/{}", spool_directory, dead_letters_name, to_text(sink));
}

DeadLetters::DeadLetters(Files& files, const Clock& clock, MetricShard& shard,
                         const Options& options)
    : files_(files),
      clock_(clock),
      shard_(shard),
      options_(options),
      directory_(dead_letters_directory(options.spool_directory, options.sink)) {}

SpoolWriter DeadLetters::writer(uint64_t size_max) {
    return SpoolWriter(files_, clock_, unseen_,
                       {directory_, size_max, segment_bytes, options_.sync, 0ms});
}

// Converts an error of the dead letters' spool into the error that keep() and replay() return.
std::unexpected<Error> DeadLetters::failed(const Error& error) {
    kept_.reset();  // Read the folder again: perhaps a dead letter was not synced.
    switch (error.code) {
        case Code::disk_full:
            return fail(Code::sink_down,
                        fmt::format("{} has no room for another dead letter; fix the cause of the "
                                    "refusals and run `rollcalld spool replay --dead`, or raise "
                                    "spool.dead_letters_size_max",
                                    directory_));
        case Code::spool_locked:
            return fail(
                Code::sink_down,
                fmt::format("another process has locked the dead letters in {}", directory_));
        default: break;
    }
    const std::string explanation =
        fmt::format("its dead letters in {} cannot be kept: {}", directory_, describe(error));
    // The sink's position has not advanced, so the caller can try again after any error but a
    // failed sync.
    return fail(error.code == Code::sync_failed ? Code::sync_failed : Code::sink_down, explanation);
}

Result<void> DeadLetters::keep(const Columns& rows, std::span<const RowPlace> places,
                               std::span<const Refusal> refusals) {
    if (refusals.empty()) return {};
    ensure(places.size() == rows.rows());
    const auto is_kept = [&](const Refusal& refusal) {
        return kept_->contains(places[refusal.row]);
    };
    if (kept_ && std::ranges::all_of(refusals, is_kept)) return {};
    SpoolWriter letters = writer(options_.size_max);
    if (auto opened = letters.open(); !opened) return failed(opened.error());
    if (!kept_)
        if (auto read = read_kept(letters, places.front().record); !read)
            return failed(read.error());
    // Forget the rows before this batch. The sink's position moves back to them only after a call
    // of forget().
    kept_->erase(kept_->begin(), kept_->lower_bound({places.front().record, 0}));
    return keep_new(letters, rows, places, refusals);
}

// Keeps the refused rows that have no dead letter yet. If there is no room for all of them, keeps
// as many as possible and then fails.
Result<void> DeadLetters::keep_new(SpoolWriter& letters, const Columns& rows,
                                   std::span<const RowPlace> places,
                                   std::span<const Refusal> refusals) {
    std::vector<const Refusal*> fresh;
    Result<void> written;
    for (const Refusal& refusal : refusals) {
        if (kept_->contains(places[refusal.row])) continue;
        written = write(letters, rows, refusal, source_of(places[refusal.row]));
        if (!written) break;
        fresh.push_back(&refusal);
    }
    if (auto synced = letters.sync(); !synced) return failed(synced.error());
    for (const Refusal* refusal : fresh) {
        kept_->insert(places[refusal->row]);
        shard_.add(Metric::dead_letters_total, 1, label_of(options_.sink, refusal->reason));
    }
    if (!fresh.empty()) log_kept(fresh.size(), *fresh.front(), places[fresh.front()->row]);
    count();
    if (!written) return failed(written.error());
    return {};
}

DeadLetters::Source DeadLetters::source_of(const RowPlace& place) const {
    return {options_.lineage != nullptr ? options_.lineage->run_of(place.record) : options_.spool,
            place};
}

// Reads from the folder which rows of record `from_record` and of later records have a dead letter.
Result<void> DeadLetters::read_kept(const SpoolWriter& letters, uint64_t from_record) {
    std::set<RowPlace> kept;
    SpoolReader reader(files_, directory_, letters.end(), nullptr);
    if (auto sought = reader.seek(0); !sought) return sought;
    for (;; reader.advance()) {
        const auto record = reader.peek();
        if (!record) return std::unexpected(record.error());
        if (!*record) break;
        const auto letter = dead_letter_of(**record);
        if (letter && letter->place.record >= from_record &&
            letter->run == source_of(letter->place).run)
            kept.insert(letter->place);
    }
    kept_ = std::move(kept);
    return {};
}

Result<void> DeadLetters::write(SpoolWriter& letters, const Columns& rows, const Refusal& refusal,
                                const Source& source) {
    Columns one(1, std::max(row_text_max, rows.text_bytes()));
    ensure(one.append_row(rows, refusal.row));
    return letters.append(one, encode(source.run, source.place, refusal));
}

int64_t DeadLetters::count() {
    const auto checkpoint = read_checkpoint(files_, directory_);
    if (checkpoint)
        pending_ =
            *checkpoint ? static_cast<int64_t>((*checkpoint)->end - (*checkpoint)->begin) : 0;
    shard_.set(Metric::dead_letters_pending, pending_, label_of(options_.sink));
    return pending_;
}

// Logs at most one line a minute, so that a table that refuses everything does not fill the log.
void DeadLetters::log_kept(uint64_t count, const Refusal& first, const RowPlace& place) {
    unlogged_ += count;
    const int64_t now_us = clock_.steady_us();
    if (logged_us_ && now_us - *logged_us_ < log_interval.count()) return;
    logged_us_ = now_us;
    log(LogLevel::warning, {.message = fmt::format("sink {}: dead letters", to_text(options_.sink)),
                            .details = {{"rows", unlogged_},
                                        {"directory", directory_},
                                        {"first_record", place.record},
                                        {"first_row", place.row},
                                        {"first_reason", to_text(first.reason)},
                                        {"first_detail", first.detail}},
                            .note = "the sink refuses these rows, which are kept. List them with "
                                    "`rollcalld spool list --dead`, fix the cause, and send them "
                                    "with `rollcalld spool replay --dead`"});
    unlogged_ = 0;
}

// --- replay ---

class DeadLetters::Replay {
public:
    Replay(DeadLetters& dead, SpoolWriter& letters, Sink& sink, size_t rows_max, size_t text_max)
        : dead_(dead),
          letters_(letters),
          sink_(sink),
          lost_records_(dead.files_, dead.directory_, dead.options_.size_max, dead.unseen_),
          end_(letters.end().read()),
          reader_(dead.files_, dead.directory_, end_, &lost_records_),
          batch_(rows_max, std::max(text_max, row_text_max)) {}

    Result<void> open() {
        const auto position = sink_.open(letters_.id());
        if (!position) return std::unexpected(position.error());
        const auto known = is_of_this_folder(*position);
        if (!known) return dead_.failed(known.error());
        stored_ = *known ? position->next_record : 0;
        if (auto sought = reader_.seek(stored_); !sought) return dead_.failed(sought.error());
        return {};
    }

    // Returns true if the position belongs to this folder, because the folder has the dead letter
    // that the position names as the last replayed one. Also returns true if this dead letter was
    // dropped, because all remaining dead letters come after it.
    [[nodiscard]] Result<bool> is_of_this_folder(const Position& position) {
        const bool is_of_older_daemon = position.run == letters_.id();
        if (position.next_record == 0 || is_of_older_daemon) return true;
        SpoolReader before(dead_.files_, dead_.directory_, end_, nullptr);
        if (auto sought = before.seek(position.next_record - 1); !sought)
            return std::unexpected(sought.error());
        const auto letter = before.peek();
        if (!letter) return std::unexpected(letter.error());
        if (before.position() >= position.next_record) return true;
        return *letter && name_of(**letter) == position.run;
    }

    // Sends one batch. Returns false if there are no more dead letters.
    Result<bool> step() {
        const uint64_t first = reader_.position();
        batch_.clear();
        sources_.clear();
        if (auto filled = fill(); !filled) return dead_.failed(filled.error());
        if (reader_.position() == first) return false;
        std::set<size_t> refused;
        const auto keep = [&](std::span<const Refusal> refusals) -> Result<void> {
            for (const Refusal& refusal : refusals) {
                if (!refused.insert(refusal.row).second) continue;
                if (auto written = dead_.write(letters_, batch_, refusal, sources_[refusal.row]);
                    !written)
                    return dead_.failed(written.error());
            }
            if (auto synced = letters_.sync(); !synced) return dead_.failed(synced.error());
            return {};
        };
        lost_records_.flush();
        const Batch batch{batch_, first, reader_.position(), keep, last_};
        if (auto written = sink_.write(batch); !written) return std::unexpected(written.error());
        result_.stored += batch_.rows() - refused.size();
        result_.refused += refused.size();
        stored_ = reader_.position();
        return true;
    }

    [[nodiscard]] uint64_t stored() const { return stored_; }
    [[nodiscard]] uint64_t end() const { return end_.own(); }
    [[nodiscard]] DeadReplay result() const {
        DeadReplay result = result_;
        result.damaged = lost_records_.records();
        return result;
    }

private:
    Result<void> fill() {
        for (;;) {
            const auto record = reader_.peek();
            if (!record) return std::unexpected(record.error());
            if (!*record) return {};
            const RunId name = name_of(**record);
            const auto letter = dead_letter_of(**record);
            Result<bool> fits = fail(Code::spool_damaged);
            if (letter) fits = append(letter->columns);
            if (!fits) {
                reader_.give_up();
                continue;
            }
            if (!*fits) return {};
            const Source source{letter->run, letter->place};
            // An earlier replay may have ended after it wrote a new dead letter, but before the
            // sink stored the position. Then the folder has two dead letters of the same row.
            if (seen_.insert(source).second)
                sources_.push_back(source);
            else
                batch_.remove_rows(std::array{static_cast<uint32_t>(batch_.rows() - 1)});
            last_ = name;
            reader_.advance();
        }
    }

    // Appends the row of a dead letter to the batch. Returns false if the batch has no room for it.
    Result<bool> append(const Record& row) {
        auto fits = batch_.append_record(row.payload, row.columns_at);
        if (!fits || *fits || batch_.rows() > 0) return fits;
        auto alone = columns_of(row);  // The row exceeds today's size limits.
        if (!alone) return std::unexpected(alone.error());
        batch_ = std::move(*alone);
        return true;
    }

    DeadLetters& dead_;
    SpoolWriter& letters_;
    Sink& sink_;
    LostRecords lost_records_;
    Cursor end_;  // The end of the dead letters that are replayed. New dead letters come after it.
    SpoolReader reader_;
    Columns batch_;
    std::vector<Source> sources_;  // The source of each row of the batch.
    std::set<Source> seen_;
    RunId last_{};  // Name of the last dead letter that was read; see name_of().
    uint64_t stored_ = 0;
    DeadReplay result_;
};

Result<DeadReplay> DeadLetters::replay(
    Sink& sink, size_t rows_max, size_t text_max,
    const std::function<void(uint64_t done, uint64_t all)>& progress) {
    // Do not limit the size, because during a replay the folder contains the old dead letters and
    // also new ones for the rows that are refused again.
    SpoolWriter letters = writer(std::numeric_limits<uint64_t>::max());
    if (auto opened = letters.open(); !opened) return failed(opened.error());
    // New dead letters go into a segment of their own, so that all earlier segments can be dropped.
    if (auto rolled = letters.roll(); !rolled) return failed(rolled.error());
    Replay replay(*this, letters, sink, rows_max, text_max);
    if (auto opened = replay.open(); !opened) return std::unexpected(opened.error());
    Result<bool> stepped = true;
    while (stepped.value_or(false)) {
        stepped = replay.step();
        progress(replay.stored(), replay.end());
    }
    if (auto dropped = letters.drop(replay.stored()); !dropped) return failed(dropped.error());
    count();
    if (!stepped) return std::unexpected(stepped.error());
    return replay.result();
}

}  // namespace rollcall
