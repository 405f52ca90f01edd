#include "pipeline/delivery/dead_letters.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <span>

#include "pipeline/base/error.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr uint64_t segment_bytes = 1 << 20;
constexpr size_t detail_bytes_max = 512;
constexpr std::chrono::microseconds said_every = 1min;

struct LetterFields {
    SpoolId spool;
    uint64_t record;
    uint32_t row;
    uint32_t text_bytes;
};
static_assert(sizeof(LetterFields) == 32);

constexpr size_t padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

std::vector<std::byte> encode(const SpoolId& spool, const RowPlace& place, const Refusal& refusal) {
    std::string text(to_text(refusal.reason));
    text += '\n';
    text += std::string_view(refusal.detail).substr(0, detail_bytes_max);
    const LetterFields fields{spool, place.record, place.row, static_cast<uint32_t>(text.size())};
    std::vector<std::byte> bytes(sizeof fields);
    std::memcpy(bytes.data(), &fields, sizeof fields);
    const auto text_bytes = std::as_bytes(std::span(text));
    bytes.insert(bytes.end(), text_bytes.begin(), text_bytes.end());
    bytes.resize(sizeof fields + padded(text.size()));
    return bytes;
}

}  // namespace

Result<DeadLetter> letter_of(const Record& record) {
    LetterFields fields;
    if (record.payload.size() < sizeof fields) return fail(Code::spool_damaged);
    std::memcpy(&fields, record.payload.data(), sizeof fields);
    const size_t columns_from = sizeof fields + padded(fields.text_bytes);
    if (record.payload.size() < columns_from || record.rows != 1) return fail(Code::spool_damaged);
    const std::string_view text(
        reinterpret_cast<const char*>(record.payload.data()) + sizeof fields, fields.text_bytes);
    const size_t reason_bytes = std::min(text.find('\n'), text.size());
    DeadLetter letter{fields.spool,
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

DeadLetters::DeadLetters(Files& files, const std::string& spool_directory, const Clock& clock,
                         MetricShard& shard, const Options& options)
    : files_(files),
      directory_(dead_letters_directory(spool_directory, options.sink)),
      clock_(clock),
      shard_(shard),
      options_(options) {}

SpoolWriter DeadLetters::writer(uint64_t size_max) {
    return SpoolWriter(files_, clock_, unseen_,
                       {directory_, size_max, segment_bytes, options_.sync, 0ms});
}

std::unexpected<Error> DeadLetters::failed(const Error& error) {
    known_.reset();  // What was written and not synced is known when it is read again.
    switch (error.code) {
        case Code::disk_full:
            trouble_ = fmt::format(
                "there is no room for its dead letters in {}; mend what it refuses and send them "
                "again (rollcalld spool replay --dead), or raise spool.dead_letters_size_max",
                directory_);
            break;
        case Code::spool_locked:
            trouble_ =
                fmt::format("its dead letters in {} are held by another process", directory_);
            break;
        default:
            trouble_ = fmt::format("its dead letters in {} cannot be kept: {}", directory_,
                                   describe(error));
    }
    // The position has not moved, so all but a failed sync can be tried again.
    if (error.code == Code::sync_failed) return std::unexpected(error);
    return fail(Code::sink_down, error.os_errno);
}

Result<void> DeadLetters::keep(const Columns& rows, std::span<const RowPlace> places,
                               std::span<const Refusal> refusals) {
    trouble_.clear();
    if (refusals.empty()) return {};
    ensure(places.size() == rows.rows());
    const auto is_known = [&](const Refusal& refusal) {
        return known_->contains(places[refusal.row]);
    };
    if (known_ && std::ranges::all_of(refusals, is_known)) return {};
    SpoolWriter letters = writer(options_.size_max);
    if (auto opened = letters.open(); !opened) return failed(opened.error());
    if (!known_)
        if (auto learned = learn(letters, places.front().record); !learned)
            return failed(learned.error());
    // The position never goes back behind this batch.
    known_->erase(known_->begin(), known_->lower_bound({places.front().record, 0}));
    std::vector<const Refusal*> fresh;
    Result<void> written;
    for (const Refusal& refusal : refusals) {
        if (is_known(refusal)) continue;
        written = write(letters, rows, refusal, {options_.spool, places[refusal.row]});
        if (!written) break;
        fresh.push_back(&refusal);
    }
    if (auto synced = letters.sync(); !synced) return failed(synced.error());
    for (const Refusal* refusal : fresh) {
        known_->insert(places[refusal->row]);
        shard_.add(Metric::dead_letters_total, 1, label_of(options_.sink, refusal->reason));
    }
    if (!fresh.empty()) say(fresh.size(), *fresh.front(), places[fresh.front()->row]);
    count();
    if (!written) return failed(written.error());
    return {};
}

// Which rows of the batch that begins with this record, or of a later one, have a letter.
Result<void> DeadLetters::learn(const SpoolWriter& letters, uint64_t from_record) {
    std::set<RowPlace> known;
    SpoolReader reader(files_, directory_, letters.end(), nullptr);
    if (auto sought = reader.seek(0); !sought) return sought;
    for (;; reader.advance()) {
        const auto record = reader.peek();
        if (!record) return std::unexpected(record.error());
        if (!*record) break;
        const auto letter = letter_of(**record);
        if (letter && letter->spool == options_.spool && letter->place.record >= from_record)
            known.insert(letter->place);
    }
    known_ = std::move(known);
    return {};
}

Result<void> DeadLetters::write(SpoolWriter& letters, const Columns& rows, const Refusal& refusal,
                                const Source& source) {
    Columns one(1, std::max(row_text_max, rows.text_bytes()));
    ensure(one.append_row(rows, refusal.row));
    return letters.append(one, encode(source.spool, source.place, refusal));
}

void DeadLetters::count() {
    const auto checkpoint = read_checkpoint(files_, directory_);
    if (!checkpoint) return;
    shard_.set(Metric::dead_letters_pending,
               *checkpoint ? static_cast<int64_t>((*checkpoint)->end - (*checkpoint)->begin) : 0,
               label_of(options_.sink));
}

// A line a minute: a table that refuses everything would fill the log.
void DeadLetters::say(uint64_t kept, const Refusal& first, const RowPlace& place) {
    unsaid_ += kept;
    const int64_t now_us = clock_.steady_us();
    if (said_us_ && now_us - *said_us_ < said_every.count()) return;
    said_us_ = now_us;
    log(LogLevel::warning,
        "sink {}: {} rows refused for good are kept in {}; row {} of record {}: {}: {}",
        to_text(options_.sink), unsaid_, directory_, place.row, place.record, to_text(first.reason),
        first.detail);
    unsaid_ = 0;
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
        // The folder was replaced by an older copy.
        if (*position > end_.own()) return dead_.failed({Code::spool_damaged});
        stored_ = *position;
        if (auto sought = reader_.seek(*position); !sought) return dead_.failed(sought.error());
        return {};
    }

    // False when there is no more.
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
        if (auto written = sink_.write({batch_, first, reader_.position(), keep}); !written)
            return std::unexpected(written.error());
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
            const auto letter = letter_of(**record);
            Result<bool> fits = fail(Code::spool_damaged);
            if (letter) fits = append(letter->columns);
            if (!fits) {
                reader_.give_up();
                continue;
            }
            if (!*fits) return {};
            const Source source{letter->spool, letter->place};
            // A replay that was ended between the new letter and the sink's position left two.
            if (seen_.insert(source).second)
                sources_.push_back(source);
            else
                batch_.remove_rows(std::array{static_cast<uint32_t>(batch_.rows() - 1)});
            reader_.advance();
        }
    }

    // False if the batch has no room for it.
    Result<bool> append(const Record& row) {
        auto fits = batch_.append_record(row.payload, row.columns_at);
        if (!fits || *fits || batch_.rows() > 0) return fits;
        auto alone = columns_of(row);  // Larger than a row may be today.
        if (!alone) return std::unexpected(alone.error());
        batch_ = std::move(*alone);
        return true;
    }

    DeadLetters& dead_;
    SpoolWriter& letters_;
    Sink& sink_;
    LostRecords lost_records_;
    Cursor end_;  // Letters to be sent; behind it those that are refused again.
    SpoolReader reader_;
    Columns batch_;
    std::vector<Source> sources_;  // Of the rows in the batch.
    std::set<Source> seen_;
    uint64_t stored_ = 0;
    DeadReplay result_;
};

Result<DeadReplay> DeadLetters::replay(
    Sink& sink, size_t rows_max, size_t text_max,
    const std::function<void(uint64_t done, uint64_t all)>& progress) {
    trouble_.clear();
    // Those that are refused again are beside the old ones for a while.
    SpoolWriter letters = writer(std::numeric_limits<uint64_t>::max());
    if (auto opened = letters.open(); !opened) return failed(opened.error());
    // Those go into a segment of their own, so that all before it can be dropped.
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
