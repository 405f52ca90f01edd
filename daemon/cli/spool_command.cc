#include "daemon/cli/spool_command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <string_view>

#include "pipeline/base/json_text.h"
#include "pipeline/delivery/dead_letters.h"
#include "pipeline/delivery/delivery.h"
#include "pipeline/spool/inspection.h"
#include "pipeline/spool/reader.h"
#include "sinks/make_sinks.h"
#include "sinks/sqlite/sink.h"
#include "sinks/text/utc_text.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

std::unexpected<Error> fail_in(const std::string& place, const Error& error) {
    return std::unexpected(in_context(place, error));
}

// Progress: prints a percentage on one line. Prints nothing if the output is not a terminal.
class Progress {
public:
    void show(uint64_t done, uint64_t all) {
        const uint64_t percent = all > 0 ? done * 100 / all : 100;
        if (!terminal_ || percent == shown_) return;
        shown_ = percent;
        fmt::print(stderr, "\r{:3} %", percent);
    }
    ~Progress() {
        if (shown_ <= 100) fmt::print(stderr, "\r     \r");
    }

private:
    bool terminal_ = isatty(STDERR_FILENO) != 0;
    uint64_t shown_ = 101;
};

std::string utc(int64_t us) {
    if (!has_utc_text(us)) return "-";
    std::string text(utc_text_size, ' ');
    write_utc(us, text.data());
    return text;
}

std::string ranges(const std::vector<RecordRange>& all, std::string_view between) {
    std::string text;
    for (const auto& [first, end] : all)
        text += fmt::format("{}{}-{}", text.empty() ? "" : between, first, end - 1);
    return text;
}

void print_segments(const SpoolReport& spool, bool deep, SpoolFormat format, std::FILE* to) {
    if (format == SpoolFormat::table)
        fmt::print(to, "{:<28} {:>6} {:>12} {:>14} {:<26} {}\n", "segment", "format", "records",
                   "bytes", "begun", deep ? "rows, damaged records" : "");
    if (format == SpoolFormat::tsv)
        fmt::print(to, "segment\tformat\tfirst_record\tend_record\tbytes\tbegun{}\n",
                   deep ? "\trows\tdamaged" : "");
    for (const auto& segment : spool.segments) {
        const std::string begun = segment.begun_us ? utc(*segment.begun_us) : "-";
        const uint64_t records = segment.end_record - segment.first_record;
        switch (format) {
            case SpoolFormat::table:
                fmt::print(to, "{:<28} {:>6} {:>12} {:>14} {:<26}{}\n", segment.name,
                           segment.format, records, segment.bytes, begun,
                           !deep                    ? ""
                           : segment.damage.empty() ? fmt::format(" {}", segment.rows)
                                                    : fmt::format(" {}, damaged: {}", segment.rows,
                                                                  ranges(segment.damage, " ")));
                break;
            case SpoolFormat::tsv:
                fmt::print(
                    to, "{}\t{}\t{}\t{}\t{}\t{}{}\n", segment.name, segment.format,
                    segment.first_record, segment.end_record, segment.bytes, begun,
                    deep ? fmt::format("\t{}\t{}", segment.rows, ranges(segment.damage, ",")) : "");
                break;
            case SpoolFormat::json:
                fmt::print(to,
                           R"({{"segment":"{}","format":{},"first_record":{},"end_record":{},)"
                           R"("bytes":{},"begun":"{}"{}}})"
                           "\n",
                           segment.name, segment.format, segment.first_record, segment.end_record,
                           segment.bytes, begun,
                           deep ? fmt::format(R"(,"rows":{},"damaged":"{}")", segment.rows,
                                              ranges(segment.damage, ","))
                                : "");
        }
    }
}

Result<bool> report_segments(const std::string& directory, bool deep, SpoolFormat format,
                             std::FILE* to) {
    ReadOnlyFiles files;
    Result<SpoolReport> spool;
    {
        Progress progress;
        spool = inspect_spool(files, directory, deep,
                              [&](uint64_t done, uint64_t all) { progress.show(done, all); });
    }
    if (!spool) return fail_in(directory, spool.error());
    print_segments(*spool, deep, format, to);
    if (format == SpoolFormat::table) {
        uint64_t bytes = 0;
        for (const auto& segment : spool->segments) bytes += segment.bytes;
        fmt::print(to, "spool {}: records from {} up to, but not including, {}; {} bytes{}\n",
                   to_text(spool->id), spool->begin, spool->end, bytes,
                   deep ? fmt::format(", {} records are damaged", spool->damaged_records()) : "");
    }
    return spool->damaged_records() == 0;
}

std::string text_cell(std::string_view text, bool json) {
    if (json) return json_text(text);
    std::string line(text);
    std::ranges::replace_if(
        line, [](char byte) { return byte == '\t' || byte == '\n' || byte == '\r'; }, ' ');
    return line;
}

std::string cell(const Columns& rows, size_t row, Column column, bool json) {
    switch (info(column).kind) {
        case Kind::text: return text_cell(rows.text(row, column), json);
        case Kind::real: {
            const double number = rows.real(row, column);
            return json && !std::isfinite(number) ? "null" : fmt::format("{}", number);
        }
        case Kind::time: {
            const std::string text = utc(rows.integer(row, column));
            return json ? json_text(text) : text;
        }
        case Kind::integer:
        case Kind::flag: break;
    }
    return fmt::format("{}", rows.integer(row, column));
}

// Returns the column's name in the spool. In the spool, the column `id` contains the fingerprint.
std::string_view name_in_spool(Column column) {
    return column == Column::id ? "fingerprint" : info(column).name;
}

std::string_view name_in_dead_letter(Column column) { return info(column).name; }

using ColumnName = std::string_view (*)(Column);

void print_head(std::string line, ColumnName name, std::FILE* to) {
    for (const Column column : columns_as_shown) line += fmt::format("\t{}", name(column));
    fmt::print(to, "{}\n", line);
}

// Appends the cells of a row to `line`, and prints the line.
void print_row(std::string line, const Columns& rows, size_t row, ColumnName name, bool json,
               std::FILE* to) {
    for (const Column column : columns_as_shown) {
        const bool has = rows.has(row, column);
        if (!json)
            line += '\t' + (has ? cell(rows, row, column, false) : std::string("\\N"));
        else if (has)
            line += fmt::format(R"(,"{}":{})", name(column), cell(rows, row, column, true));
    }
    fmt::print(to, "{}{}\n", line, json ? "}" : "");
}

void print_rows(const Record& record, const Columns& rows, bool json, std::FILE* to) {
    for (size_t row = 0; row < rows.rows(); ++row)
        print_row(json ? fmt::format(R"({{"record":{},"row":{})", record.number, row)
                       : fmt::format("{}\t{}", record.number, row),
                  rows, row, name_in_spool, json, to);
}

// Calls visit() for each record, and opened() once before the first record. Returns true if no
// record was damaged. A record for which visit() returns false counts as damaged.
Result<bool> each_record(
    const std::string& directory, const SpoolRange& range,
    const std::function<bool(const Record&)>& visit, const std::function<void()>& opened = [] {}) {
    ReadOnlyFiles files;
    const auto spool = inspect_spool(files, directory, false, [](uint64_t, uint64_t) {});
    if (!spool) return fail_in(directory, spool.error());
    const Cursor end(std::min(range.end, spool->end));
    MetricShard shard;
    LostRecords lost_records(files, directory, 0, shard);
    SpoolReader reader(files, directory, end, &lost_records);
    if (const auto sought = reader.seek(range.first); !sought)
        return fail_in(directory, sought.error());
    opened();
    for (;;) {
        const auto record = reader.peek();
        if (!record) return fail_in(directory, record.error());
        if (!*record) return lost_records.records() == 0;
        if (visit(**record))
            reader.advance();
        else
            reader.give_up();
    }
}

// ReplaySink: passes rows to a sink under a new spool id. Its initial position is the first record
// of the replay.
class ReplaySink final : public Sink {
public:
    ReplaySink(Sink& sink, uint64_t first) : sink_(sink), position_(first) {
        std::random_device random;
        for (auto& byte : id_) byte = static_cast<std::byte>(random());
    }

    Result<Position> open(const IncarnationId&) override {
        auto position = sink_.open(id_);
        if (!position) return position;
        position_ = std::max(position_, position->next_record);
        position->next_record = position_;
        return position;
    }
    [[nodiscard]] bool shared() const override { return sink_.shared(); }
    Result<void> write(const Batch& batch) override {
        // A row that the sink refuses now already has a dead letter from its first delivery, so a
        // replay keeps none.
        size_t refused = 0;
        Batch same = batch;
        same.keep_refused = [&](std::span<const Refusal> refusals) -> Result<void> {
            refused = refusals.size();
            return {};
        };
        auto written = sink_.write(same);
        if (!written) return written;
        rows_ += batch.rows.rows() - refused;
        refused_ += refused;
        return {};
    }
    Result<void> poll() override { return sink_.poll(); }

    [[nodiscard]] uint64_t rows() const { return rows_; }
    [[nodiscard]] uint64_t refused() const { return refused_; }

private:
    Sink& sink_;
    SpoolId id_{};
    uint64_t position_;
    uint64_t rows_ = 0;
    uint64_t refused_ = 0;
};

// Returns the sinks that have dead letters. `only` restricts the result to one sink.
std::vector<SinkName> sinks_with_dead_letters(Files& files, const std::string& directory,
                                              const std::string& only) {
    std::vector<SinkName> found;
    for (size_t i = 0; i < std::size(sink_names); ++i) {
        const auto sink = static_cast<SinkName>(i);
        if ((only.empty() || only == sink_names[i]) &&
            files.list(dead_letters_directory(directory, sink)))
            found.push_back(sink);
    }
    return found;
}

using VisitDeadLetter = std::function<void(const Record& record, const DeadLetter& letter)>;

Result<bool> each_dead_letter(const std::string& spool_directory, SinkName sink,
                              const SpoolRange& range, const VisitDeadLetter& visit) {
    return each_record(dead_letters_directory(spool_directory, sink), range,
                       [&](const Record& record) {
                           const auto letter = dead_letter_of(record);
                           if (letter) visit(record, *letter);
                           return letter.has_value();
                       });
}

// Fails if the command would write files that do not belong to the daemon's user.
Result<void> check_owners(const Settings& settings, const std::string& state_dir, SinkName sink) {
    if (sink == SinkName::sqlite) return check_owner(sqlite_path(settings, state_dir));
    return {};
}

// A replay keeps no dead letters, so the limits for dead letters stay 0.
Delivery::Options replay_options(const Settings& settings, const std::string& directory,
                                 const SpoolId& spool, SinkName sink) {
    const auto& delivery = settings.delivery;
    return {.name = sink,
            .spool_directory = directory,
            .spool = spool,
            .rows_max = std::max(delivery.batch_rows_max, settings.ingest.slot_rows_max),
            .text_max = std::max(delivery.batch_text_max, settings.ingest.slot_text_max).count,
            .age_max = delivery.batch_age_max,
            .retry_delay_max = delivery.retry_delay_max,
            .duplicate_window = delivery.duplicate_window,
            .duplicates_max = delivery.duplicate_entries_max};
}

}  // namespace

Result<bool> list_spool(const std::string& directory, SpoolFormat format, std::FILE* to) {
    return report_segments(directory, false, format, to);
}

Result<bool> verify_spool(const std::string& directory, SpoolFormat format, std::FILE* to) {
    return report_segments(directory, true, format, to);
}

Result<bool> dump_spool(const std::string& directory, const SpoolRange& range, SpoolFormat format,
                        std::FILE* to) {
    const bool json = format == SpoolFormat::json;
    const auto print = [&](const Record& record) {
        const auto rows = columns_of(record);
        if (rows) print_rows(record, *rows, json, to);
        return rows.has_value();
    };
    return each_record(directory, range, print, [&] {
        if (!json) print_head("record\trow", name_in_spool, to);
    });
}

Result<bool> replay_spool(const Settings& settings, const std::string& state_dir,
                          const std::string& sink, const SpoolRange& range, std::FILE* to) {
    const std::string directory = state_dir + "/spool";
    ReadOnlyFiles files;
    const auto spool = inspect_spool(files, directory, false, [](uint64_t, uint64_t) {});
    if (!spool) return fail_in(directory, spool.error());
    Settings one = settings;
    one.general.sinks = {sink};
    const auto sinks = make_sinks(one, state_dir);
    if (auto owner = check_owners(settings, state_dir, sinks.front().name); !owner)
        return std::unexpected(owner.error());
    const Cursor end(std::min(range.end, spool->end));
    const uint64_t first = std::min(std::max(range.first, spool->begin), end.own());
    ReplaySink into(*sinks.front().sink, first);
    const Clock clock;
    MetricShard shard;
    Delivery sender(files, clock, shard, end, into,
                    replay_options(settings, directory, spool->id, sinks.front().name));
    Progress progress;
    while (!sender.caught_up()) {
        const auto wait = sender.step(true);
        if (!wait) return fail_in(directory, wait.error());
        if (const SinkStatus status = sender.health().status(); status.state == SinkState::down)
            return fail(Code::sink_down, fmt::format("sink {}: {}", sink, status.cause));
        progress.show(std::max(sender.stored().own(), first) - first, end.own() - first);
    }
    const uint64_t lost = sender.lost_records();
    fmt::print(to,
               "records from {} up to, but not including, {}: {} rows were sent to {}, {} records "
               "are damaged\n",
               first, end.own(), into.rows(), sink, lost);
    if (into.refused() > 0)
        fmt::print(to, "the sink refused {} rows; this command keeps no dead letters\n",
                   into.refused());
    return lost == 0 && into.refused() == 0;
}

// --- dead letters ---

Result<bool> list_dead_letters(const std::string& directory, const std::string& sink,
                               SpoolFormat format, std::FILE* to) {
    struct Group {
        uint64_t count = 0;
        int64_t first_us = std::numeric_limits<int64_t>::max();
        int64_t last_us = std::numeric_limits<int64_t>::min();
    };
    ReadOnlyFiles files;
    bool whole = true;
    if (format == SpoolFormat::table)
        fmt::print(to, "{:<12} {:<14} {:>10} {:<26} {:<26}\n", "sink", "reason", "letters", "first",
                   "last");
    if (format == SpoolFormat::tsv) fmt::print(to, "sink\treason\tletters\tfirst\tlast\n");
    for (const SinkName one : sinks_with_dead_letters(files, directory, sink)) {
        std::map<std::string, Group, std::less<>> groups;
        const auto read = each_dead_letter(
            directory, one, {}, [&](const Record& record, const DeadLetter& letter) {
                Group& group = groups[std::string(letter.reason)];
                ++group.count;
                group.first_us = std::min(group.first_us, record.written_us);
                group.last_us = std::max(group.last_us, record.written_us);
            });
        if (!read) return read;
        whole &= *read;
        for (const auto& [reason, group] : groups)
            fmt::print(
                to,
                fmt::runtime(format == SpoolFormat::table ? "{:<12} {:<14} {:>10} {:<26} {:<26}\n"
                             : format == SpoolFormat::tsv
                                 ? "{}\t{}\t{}\t{}\t{}\n"
                                 : R"({{"sink":"{}","reason":"{}","letters":{},"first":"{}",)"
                                   R"("last":"{}"}})"
                                   "\n"),
                to_text(one), reason, group.count, utc(group.first_us), utc(group.last_us));
    }
    return whole;
}

Result<bool> dump_dead_letters(const std::string& directory, const std::string& sink,
                               const SpoolRange& range, SpoolFormat format, std::FILE* to) {
    const bool json = format == SpoolFormat::json;
    if (!json)
        print_head("sink\tletter\trefused_at\treason\tdetail\tspool\trecord\trow",
                   name_in_dead_letter, to);
    ReadOnlyFiles files;
    bool whole = true;
    for (const SinkName one : sinks_with_dead_letters(files, directory, sink)) {
        const auto read = each_dead_letter(
            directory, one, range, [&](const Record& record, const DeadLetter& letter) {
                const auto rows = columns_of(letter.columns);
                whole &= rows.has_value();
                if (!rows) return;
                print_row(fmt::format(
                              fmt::runtime(json ? R"({{"sink":"{}","letter":{},"refused_at":"{}",)"
                                                  R"("reason":{},"detail":{},"spool":"{}",)"
                                                  R"("record":{},"row":{})"
                                                : "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}"),
                              to_text(one), record.number, utc(record.written_us),
                              text_cell(letter.reason, json), text_cell(letter.detail, json),
                              to_text(letter.run), letter.place.record, letter.place.row),
                          *rows, 0, name_in_dead_letter, json, to);
            });
        if (!read) return read;
        whole &= *read;
    }
    return whole;
}

Result<bool> replay_dead_letters(const Settings& settings, const std::string& state_dir,
                                 const std::string& sink, std::FILE* to) {
    const std::string directory = state_dir + "/spool";
    Files files;
    const Clock clock;
    MetricShard shard;
    bool all = true;
    for (const SinkName one : sinks_with_dead_letters(files, directory, sink)) {
        Settings only = settings;
        only.general.sinks = {std::string(to_text(one))};
        if (auto owner = check_owner(dead_letters_directory(directory, one)); !owner)
            return std::unexpected(owner.error());
        if (auto owner = check_owners(settings, state_dir, one); !owner)
            return std::unexpected(owner.error());
        const auto sinks = make_sinks(only, state_dir);
        Sink& into = *sinks.front().sink;
        DeadLetters letters(files, clock, shard,
                            {.sink = one,
                             .spool_directory = directory,
                             .spool = {},
                             .size_max = settings.spool.dead_letters_size_max.count,
                             .sync = settings.spool.sync});
        Progress progress;
        const auto sent = letters.replay(
            into, settings.delivery.batch_rows_max, settings.delivery.batch_text_max.count,
            [&](uint64_t done, uint64_t end) { progress.show(done, end); });
        if (!sent) return fail_in(fmt::format("sink {}", to_text(one)), sent.error());
        fmt::print(to,
                   "sink {}: {} dead letters were stored, {} were refused again, {} are damaged\n",
                   to_text(one), sent->stored, sent->refused, sent->damaged);
        all &= sent->refused == 0 && sent->damaged == 0;
    }
    return all;
}

}  // namespace rollcall
