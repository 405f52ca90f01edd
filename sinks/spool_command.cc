#include "sinks/spool_command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string_view>

#include "pipeline/delivery.h"
#include "pipeline/spool_reader.h"
#include "pipeline/spool_survey.h"
#include "sinks/make_sinks.h"
#include "sinks/utc_text.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

std::unexpected<std::string> sentence(const std::string& directory, const Error& error) {
    return std::unexpected(fmt::format("{}: {}", directory, info(error.code).help));
}

// A line on the terminal that is written over; nothing elsewhere.
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

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\')
            out += fmt::format("\\{}", byte);
        else if (static_cast<unsigned char>(byte) < ' ')
            out += fmt::format("\\u{:04x}", byte);
        else
            out += byte;
    }
    return out + '"';
}

std::string ranges(const std::vector<RecordRange>& all, std::string_view between) {
    std::string text;
    for (const auto& [first, end] : all)
        text += fmt::format("{}{}-{}", text.empty() ? "" : between, first, end - 1);
    return text;
}

void print_segments(const SpoolSurvey& spool, bool deep, SpoolFormat format, std::FILE* to) {
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

SpoolVerdict survey(const std::string& directory, bool deep, SpoolFormat format, std::FILE* to) {
    ReadOnlyFiles files;
    std::expected<SpoolSurvey, Error> spool;
    {
        Progress progress;
        spool = survey_spool(files, directory, deep,
                             [&](uint64_t done, uint64_t all) { progress.show(done, all); });
    }
    if (!spool) return sentence(directory, spool.error());
    print_segments(*spool, deep, format, to);
    if (format == SpoolFormat::table) {
        uint64_t bytes = 0;
        for (const auto& segment : spool->segments) bytes += segment.bytes;
        fmt::print(to, "spool {}: records {} to {}, {} bytes{}\n", to_text(spool->id), spool->begin,
                   spool->end, bytes,
                   deep ? fmt::format(", {} records are damaged", spool->damaged_records()) : "");
    }
    return spool->damaged_records() == 0;
}

std::string cell(const Columns& rows, size_t row, Column column, bool json) {
    switch (info(column).kind) {
        case Kind::text: {
            const std::string_view text = rows.text(row, column);
            if (json) return quoted(text);
            std::string line(text);
            std::ranges::replace_if(
                line, [](char byte) { return byte == '\t' || byte == '\n' || byte == '\r'; }, ' ');
            return line;
        }
        case Kind::real: {
            const double number = rows.real(row, column);
            return json && !std::isfinite(number) ? "null" : fmt::format("{}", number);
        }
        case Kind::time: {
            const std::string text = utc(rows.integer(row, column));
            return json ? quoted(text) : text;
        }
        case Kind::integer:
        case Kind::flag: break;
    }
    return fmt::format("{}", rows.integer(row, column));
}

// In the spool, `id` holds the fingerprint.
std::string_view name_in_spool(Column column) {
    return column == Column::id ? "fingerprint" : info(column).name;
}

void print_rows(const Record& record, const Columns& rows, bool json, std::FILE* to) {
    for (size_t row = 0; row < rows.rows(); ++row) {
        std::string line = json ? fmt::format(R"({{"record":{},"row":{})", record.number, row)
                                : fmt::format("{}\t{}", record.number, row);
        for (size_t i = 0; i < columns_count; ++i) {
            const auto column = static_cast<Column>(i);
            const bool has = rows.has(row, column);
            if (!json)
                line += '\t' + (has ? cell(rows, row, column, false) : std::string("\\N"));
            else if (has)
                line += fmt::format(R"(,"{}":{})", name_in_spool(column),
                                    cell(rows, row, column, true));
        }
        fmt::print(to, "{}{}\n", line, json ? "}" : "");
    }
}

// The sink under another spool's name, which begins where the replay does.
class ReplaySink final : public Sink {
public:
    ReplaySink(Sink& sink, uint64_t first) : sink_(sink), position_(first) {
        std::random_device random;
        for (auto& byte : name_) byte = static_cast<std::byte>(random());
    }

    Result<uint64_t> open(const SpoolId&) override {
        const auto position = sink_.open(name_);
        if (!position) return position;
        position_ = std::max(position_, *position);
        return position_;
    }
    [[nodiscard]] bool shared() const override { return sink_.shared(); }
    Result<void> write(const Batch& batch) override {
        rows_ += batch.rows.rows();
        auto written = sink_.write(batch);
        if (!written) rows_ -= batch.rows.rows();
        return written;
    }
    [[nodiscard]] std::string trouble() const override { return sink_.trouble(); }
    void tend() override { sink_.tend(); }

    [[nodiscard]] uint64_t rows() const { return rows_; }

private:
    Sink& sink_;
    SpoolId name_{};
    uint64_t position_;
    uint64_t rows_ = 0;
};

}  // namespace

SpoolVerdict list_spool(const std::string& directory, SpoolFormat format, std::FILE* to) {
    return survey(directory, false, format, to);
}

SpoolVerdict verify_spool(const std::string& directory, SpoolFormat format, std::FILE* to) {
    return survey(directory, true, format, to);
}

SpoolVerdict dump_spool(const std::string& directory, const SpoolRange& range, SpoolFormat format,
                        std::FILE* to) {
    ReadOnlyFiles files;
    const auto spool = survey_spool(files, directory, false, [](uint64_t, uint64_t) {});
    if (!spool) return sentence(directory, spool.error());
    const Cursor end(std::min(range.end, spool->end));
    Slab slab;
    SpoolLosses losses(files, directory, 0, slab);
    SpoolReader reader(files, directory, end, &losses);
    if (const auto sought = reader.seek(range.first); !sought)
        return sentence(directory, sought.error());
    const bool json = format == SpoolFormat::json;
    if (!json) {
        std::string head = "record\trow";
        for (size_t i = 0; i < columns_count; ++i)
            head += fmt::format("\t{}", name_in_spool(static_cast<Column>(i)));
        fmt::print(to, "{}\n", head);
    }
    for (;;) {
        const auto record = reader.peek();
        if (!record) return sentence(directory, record.error());
        if (!*record) break;
        if (const auto rows = columns_of(**record)) {
            print_rows(**record, *rows, json, to);
            reader.advance();
        } else {
            reader.give_up();
        }
    }
    return slab.read(Metric::spool_lost_records_total, 0) == 0;
}

SpoolVerdict replay_spool(const Settings& settings, const std::string& state_dir,
                          const std::string& sink, const SpoolRange& range, std::FILE* to) {
    const std::string directory = state_dir + "/spool";
    ReadOnlyFiles files;
    const auto spool = survey_spool(files, directory, false, [](uint64_t, uint64_t) {});
    if (!spool) return sentence(directory, spool.error());
    Settings one = settings;
    one.general.sinks = {sink};
    const auto sinks = make_sinks(one, state_dir);
    const auto& delivery = settings.delivery;
    const Cursor end(std::min(range.end, spool->end));
    const uint64_t first = std::min(std::max(range.first, spool->begin), end.own());
    ReplaySink into(*sinks.front().sink, first);
    const Clock clock;
    Slab slab;
    Delivery sender(files, directory, end, into, clock, slab,
                    {sinks.front().name, spool->id,
                     std::max(delivery.batch_rows_max, settings.ingest.slot_rows_max),
                     std::max(delivery.batch_text_max, settings.ingest.slot_text_max).count,
                     delivery.batch_age_max, delivery.retry_delay_max, delivery.duplicate_window,
                     delivery.duplicates_max, false, 0},
                    [](const Error&) {});
    Progress progress;
    while (!sender.caught_up()) {
        const auto wait = sender.step(true);
        if (!wait) return sentence(directory, wait.error());
        const std::string trouble = sender.trouble().sentence();
        if (!trouble.empty()) return std::unexpected(fmt::format("sink {}: {}", sink, trouble));
        progress.show(std::max(sender.stored().own(), first) - first, end.own() - first);
    }
    const int64_t lost = slab.read(Metric::spool_lost_records_total, 0);
    fmt::print(to, "records {} to {}: {} rows were sent to {}, {} records are damaged\n", first,
               end.own(), into.rows(), sink, lost);
    return lost == 0;
}

}  // namespace rollcall
