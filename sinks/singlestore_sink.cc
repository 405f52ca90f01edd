#include "sinks/singlestore_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <regex>

#include "sinks/live_schema.h"
#include "sinks/tsv.h"

namespace rollcall {

namespace {

// Lines that wait for the library, which takes 4 KiB at a time.
constexpr size_t lines_bytes = 64 << 10;

// Rows of one LOAD DATA. Each may be a duplicate, and MariaDB tells at most 65,535 warnings.
constexpr size_t load_rows_max = 32768;

constexpr const char* duplicate_entry = "1062";

// Rows as bytes, for as long as the library asks.
class Lines {
public:
    Lines(const Columns& rows, size_t begin, size_t end, char* memory)
        : rows_(rows), next_(begin), end_(end), memory_(memory) {}

    std::optional<size_t> read(char* to, size_t room) {
        if (taken_ == filled_ && !fill()) return std::nullopt;
        const size_t bytes = std::min(room, filled_ - taken_);
        std::memcpy(to, memory_ + taken_, bytes);
        taken_ += bytes;
        return bytes;
    }

    // Why it failed.
    [[nodiscard]] const std::optional<TsvRefusal>& refusal() const { return refusal_; }
    [[nodiscard]] size_t refused_row() const { return next_; }

private:
    bool fill() {
        taken_ = 0;
        filled_ = 0;
        for (; next_ < end_ && lines_bytes - filled_ >= tsv_row_bytes_max; ++next_) {
            const auto line_end = append_tsv(rows_, next_, memory_ + filled_);
            if (!line_end) {
                refusal_ = line_end.error();
                return false;
            }
            filled_ = static_cast<size_t>(*line_end - memory_);
        }
        return true;
    }

    const Columns& rows_;
    size_t next_;
    size_t end_;
    char* memory_;
    size_t filled_ = 0;
    size_t taken_ = 0;
    std::optional<TsvRefusal> refusal_;
};
static_assert(lines_bytes >= tsv_row_bytes_max);

// By its id, which is no word of the router's.
std::string place(const Columns& rows, size_t row) {
    return fmt::format("the row with id {}", rows.integer(row, Column::id));
}

// The row that a warning speaks of: "Data truncated for column 'model' at row 17".
std::optional<size_t> row_of(const std::string& warning) {
    static const std::regex at_row("at row (\\d{1,9})");
    std::smatch words;
    if (!std::regex_search(warning, words, at_row)) return std::nullopt;
    return std::stoul(words[1]);
}

}  // namespace

SinglestoreSink::SinglestoreSink(const Settings& settings)
    : settings_(settings), lines_(std::make_unique<char[]>(lines_bytes)) {}

std::unexpected<Error> SinglestoreSink::fell(std::string why) {
    // Closing rolls back: the server is told, or notices.
    database_.reset();
    trouble_ = std::move(why);
    return fail(Code::sink_down);
}

auto SinglestoreSink::query(const std::string& sql) -> Step<Rows> {
    auto rows = database_->query(sql);
    if (!rows) return std::unexpected(sentence(options_, rows.error()));
    return *std::move(rows);
}

Result<uint64_t> SinglestoreSink::open(const SpoolId& spool) {
    auto position = connect(spool);
    if (!position) return fell(std::move(position.error()));
    position_ = *position;
    trouble_.clear();
    return position_;
}

auto SinglestoreSink::connect(const SpoolId& spool) -> Step<uint64_t> {
    auto options = database_options(settings_);  // The password may have changed.
    if (!options) return std::unexpected(options.error());
    options_ = *std::move(options);
    database_.reset();
    auto connected = Database::connect(options_);
    if (!connected) return std::unexpected(sentence(options_, connected.error()));
    database_ = *std::move(connected);
    if (auto same = check_tables(); !same) return std::unexpected(same.error());

    spool_ = to_text(spool);
    const auto found =
        query("SELECT next_record FROM rollcall_position WHERE spool = " + quoted(spool_));
    if (!found) return std::unexpected(found.error());
    if (!found->empty()) return static_cast<uint64_t>(whole_number(found->front().front()));
    // write() needs a row that it can lock.
    const auto inserted = query("INSERT INTO rollcall_position (spool, next_record) VALUES (" +
                                quoted(spool_) + ", 0)");
    if (!inserted) return std::unexpected(inserted.error());
    return 0;
}

auto SinglestoreSink::check_tables() -> Step<> {
    const SqlDialect dialect = database_->dialect();
    const auto differences =
        compare_tables(dialect, [this](const std::string& sql) { return query(sql); });
    if (!differences) return std::unexpected(differences.error());
    if (!differences->empty())
        return std::unexpected(fmt::format(
            "{} in {}; rollcalld schema diff --dialect {} tells all, schema apply adds what is "
            "missing",
            in_short(*differences), options_.database, to_text(dialect)));
    load_sql_ = fmt::format("LOAD DATA LOCAL INFILE 'rows.tsv' {} INTO TABLE site_checkins\n{}",
                            skip_duplicates(dialect), load_clauses());
    return {};
}

Result<void> SinglestoreSink::write(const Batch& batch) {
    ensure(database_.has_value());
    if (auto stored = store(batch); !stored) return fell(std::move(stored.error()));
    position_ = batch.end_record;
    return {};
}

auto SinglestoreSink::store(const Batch& batch) -> Step<> {
    if (auto begun = query("BEGIN"); !begun) return std::unexpected(begun.error());
    if (auto moved = move_position(batch.end_record); !moved) return moved;
    for (size_t row = 0; row < batch.rows.rows(); row += load_rows_max)
        if (auto loaded = load(batch.rows, row, std::min(row + load_rows_max, batch.rows.rows()));
            !loaded)
            return loaded;
    if (auto committed = query("COMMIT"); !committed) return std::unexpected(committed.error());
    return {};
}

auto SinglestoreSink::move_position(uint64_t end_record) -> Step<> {
    const auto moved = query(fmt::format(
        "UPDATE rollcall_position SET next_record = {} WHERE spool = {} AND next_record = {}",
        end_record, quoted(spool_), position_));
    if (!moved) return std::unexpected(moved.error());
    if (database_->affected() == 1) return {};
    return std::unexpected("the position of this spool has moved meanwhile, and is read again");
}

auto SinglestoreSink::load(const Columns& rows, size_t begin, size_t end) -> Step<> {
    Lines lines(rows, begin, end, lines_.get());
    const auto stored =
        database_->load(load_sql_, [&](char* to, size_t room) { return lines.read(to, room); });
    if (const auto& refusal = lines.refusal())
        return std::unexpected(fmt::format("{}: {} {}", place(rows, lines.refused_row()),
                                           info(refusal->column).name, refusal->why));
    if (!stored) return std::unexpected(sentence(options_, stored.error()));
    if (database_->dialect() == SqlDialect::singlestore) return {};
    return check_loaded(rows, begin, end, *stored);
}

// That MariaDB has stored each row as it is, or had it.
auto SinglestoreSink::check_loaded(const Columns& rows, size_t begin, size_t end, uint64_t stored)
    -> Step<> {
    uint64_t duplicates = 0;
    if (database_->warnings() > 0) {
        const auto warnings = query("SHOW WARNINGS");  // Level, Code, Message.
        if (!warnings) return std::unexpected(warnings.error());
        for (const auto& warning : *warnings) {
            if (warning[1] == duplicate_entry) {
                ++duplicates;
                continue;
            }
            const std::string message = in_one_line(warning[2].value_or(""));
            const auto row = row_of(message);
            return std::unexpected(fmt::format(
                "the database would alter or drop {}: {}",
                row && *row >= 1 && *row <= end - begin ? place(rows, begin + *row - 1) : "a row",
                message));
        }
    }
    if (stored + duplicates == end - begin) return {};
    return std::unexpected(fmt::format("the database took {} rows of {}, and {} were there", stored,
                                       end - begin, duplicates));
}

}  // namespace rollcall
