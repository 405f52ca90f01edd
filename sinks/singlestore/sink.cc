#include "sinks/singlestore/sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <ranges>
#include <regex>

#include "sinks/sql/live_schema.h"
#include "sinks/text/tsv.h"

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
    Lines(const Columns& rows, std::span<const uint32_t> some, char* memory)
        : rows_(rows), some_(some), memory_(memory) {}

    std::optional<size_t> read(char* to, size_t room) {
        if (taken_ == filled_ && !fill()) return std::nullopt;
        const size_t bytes = std::min(room, filled_ - taken_);
        std::memcpy(to, memory_ + taken_, bytes);
        taken_ += bytes;
        return bytes;
    }

    // Why it failed.
    [[nodiscard]] const std::optional<TsvRefusal>& refusal() const { return refusal_; }
    [[nodiscard]] size_t refused_row() const { return some_[next_]; }

private:
    bool fill() {
        taken_ = 0;
        filled_ = 0;
        for (; next_ < some_.size() && lines_bytes - filled_ >= tsv_row_bytes_max; ++next_) {
            const auto line_end = append_tsv(rows_, some_[next_], memory_ + filled_);
            if (!line_end) {
                refusal_ = line_end.error();
                return false;
            }
            filled_ = static_cast<size_t>(*line_end - memory_);
        }
        return true;
    }

    const Columns& rows_;
    std::span<const uint32_t> some_;
    char* memory_;
    size_t next_ = 0;
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
        query("SELECT next_record FROM rollcall_position WHERE spool = " + string_literal(spool_));
    if (!found) return std::unexpected(found.error());
    if (!found->empty()) return static_cast<uint64_t>(whole_number(found->front().front()));
    // write() needs a row that it can lock.
    const auto inserted = query("INSERT INTO rollcall_position (spool, next_record) VALUES (" +
                                string_literal(spool_) + ", 0)");
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
    some_.resize(batch.rows.rows());
    std::iota(some_.begin(), some_.end(), 0U);
    auto stored = store(batch, some_);
    if (!stored && stored.error().reason && batch.keep_refused) {
        std::vector<Refusal> refused;
        // BEGIN would commit what is half loaded.
        if (auto rolled = query("ROLLBACK"); !rolled) return fell(std::move(rolled.error()));
        if (auto found = isolate(batch.rows, some_, refused); !found)
            return fell(std::move(found.error()));
        if (auto kept = batch.keep_refused(refused); !kept) {
            database_.reset();
            return kept;
        }
        for (const auto& refusal : std::views::reverse(refused))
            some_.erase(some_.begin() + static_cast<ptrdiff_t>(refusal.row));
        stored = store(batch, some_);
    }
    if (!stored) return fell(std::move(stored.error().sentence));
    position_ = batch.end_record;
    return {};
}

auto SinglestoreSink::store(const Batch& batch, RowNumbers some) -> Loaded {
    const auto failed = [](std::string& why) {
        return std::unexpected(Unloaded{std::move(why), std::nullopt});
    };
    duplicates_ = 0;
    if (auto begun = query("BEGIN"); !begun) return failed(begun.error());
    if (auto moved = move_position(batch.end_record); !moved) return failed(moved.error());
    if (auto loaded = load(batch.rows, some); !loaded) return loaded;
    if (auto committed = query("COMMIT"); !committed) return failed(committed.error());
    return {};
}

// Finds the rows among these that will never be taken, ascending. Nothing stays in the table.
auto SinglestoreSink::isolate(const Columns& rows, RowNumbers some, std::vector<Refusal>& found)
    -> Step<> {
    if (auto begun = query("BEGIN"); !begun) return std::unexpected(begun.error());
    auto loaded = load(rows, some);
    if (!loaded && !loaded.error().reason)
        return std::unexpected(std::move(loaded.error().sentence));
    if (auto rolled = query("ROLLBACK"); !rolled) return std::unexpected(rolled.error());
    if (loaded) return {};
    if (some.size() == 1) {
        found.push_back({some[0], *loaded.error().reason, std::move(loaded.error().sentence)});
        return {};
    }
    const size_t half = some.size() / 2;
    if (auto first = isolate(rows, some.first(half), found); !first) return first;
    return isolate(rows, some.subspan(half), found);
}

auto SinglestoreSink::move_position(uint64_t end_record) -> Step<> {
    const auto moved = query(fmt::format(
        "UPDATE rollcall_position SET next_record = {} WHERE spool = {} AND next_record = {}",
        end_record, string_literal(spool_), position_));
    if (!moved) return std::unexpected(moved.error());
    if (database_->affected() == 1) return {};
    return std::unexpected("the position of this spool has moved meanwhile, and is read again");
}

auto SinglestoreSink::load(const Columns& rows, RowNumbers some) -> Loaded {
    for (; !some.empty(); some = some.subspan(std::min(load_rows_max, some.size())))
        if (auto loaded = load_once(rows, some.first(std::min(load_rows_max, some.size())));
            !loaded)
            return loaded;
    return {};
}

auto SinglestoreSink::load_once(const Columns& rows, RowNumbers some) -> Loaded {
    Lines lines(rows, some, lines_.get());
    const auto stored =
        database_->load(load_sql_, [&](char* to, size_t room) { return lines.read(to, room); });
    if (const auto& refusal = lines.refusal())
        return std::unexpected(Unloaded{fmt::format("{}: {} {}", place(rows, lines.refused_row()),
                                                    info(refusal->column).name, refusal->why),
                                        DeadReason::not_representable});
    if (!stored)
        return std::unexpected(
            Unloaded{sentence(options_, stored.error()), refusal_of(stored.error().number)});
    duplicates_ += some.size() - std::min<size_t>(*stored, some.size());
    if (database_->dialect() == SqlDialect::singlestore) return {};
    return check_loaded(rows, some, *stored);
}

// That MariaDB has stored each row as it is, or had it.
auto SinglestoreSink::check_loaded(const Columns& rows, RowNumbers some, uint64_t stored)
    -> Loaded {
    uint64_t duplicates = 0;
    std::optional<Unloaded> first;
    if (database_->warnings() > 0) {
        const auto warnings = query("SHOW WARNINGS");  // Level, Code, Message.
        if (!warnings) return std::unexpected(Unloaded{warnings.error(), std::nullopt});
        for (const auto& warning : *warnings) {
            if (warning[1] == duplicate_entry) {
                ++duplicates;
                continue;
            }
            const auto reason = refusal_of(static_cast<unsigned>(whole_number(warning[1])));
            // What says nothing about a row says more.
            if (first && (reason || !first->reason)) continue;
            const std::string message = in_one_line(warning[2].value_or(""));
            const auto row = row_of(message);
            first = {
                fmt::format(
                    "the database would alter or drop {}: {}",
                    row && *row >= 1 && *row <= some.size() ? place(rows, some[*row - 1]) : "a row",
                    message),
                reason};
        }
    }
    if (first) return std::unexpected(*std::move(first));
    if (stored + duplicates == some.size()) return {};
    return std::unexpected(
        Unloaded{fmt::format("the database took {} rows of {}, and {} were there", stored,
                             some.size(), duplicates),
                 std::nullopt});
}

}  // namespace rollcall
