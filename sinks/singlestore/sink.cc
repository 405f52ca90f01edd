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

// Size of the buffer for lines. The library reads 4 KiB of the buffer at a time.
constexpr size_t lines_bytes = 64 << 10;

// Maximum number of rows in one LOAD DATA. Each row may be a duplicate with a warning, and MariaDB
// keeps at most 65,535 warnings.
constexpr size_t load_rows_max = 32768;

constexpr const char* duplicate_entry = "1062";

// The source of a LOAD DATA: writes rows as lines when the library reads.
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

    // Returns the error with which read() failed; failed_row() is the row at which read() failed.
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
    [[nodiscard]] size_t failed_row() const { return some_[next_]; }

private:
    bool fill() {
        taken_ = 0;
        filled_ = 0;
        for (; next_ < some_.size() && lines_bytes - filled_ >= tsv_row_bytes_max; ++next_) {
            const auto line_end = append_tsv(rows_, some_[next_], memory_ + filled_);
            if (!line_end) {
                error_ = line_end.error();
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
    std::optional<Error> error_;
};
static_assert(lines_bytes >= tsv_row_bytes_max);

// Names a row by its id only, because other columns contain text from the router.
std::string place(const Columns& rows, size_t row) {
    return fmt::format("the row with id {}", rows.integer(row, Column::id));
}

// Returns the number of the row in a warning such as "Data truncated for column 'model' at row 17".
std::optional<size_t> row_of(const std::string& warning) {
    static const std::regex at_row("at row (\\d{1,9})");
    std::smatch words;
    if (!std::regex_search(warning, words, at_row)) return std::nullopt;
    return std::stoul(words[1]);
}

}  // namespace

SinglestoreSink::SinglestoreSink(const Settings& settings)
    : settings_(settings), lines_(std::make_unique<char[]>(lines_bytes)) {}

std::unexpected<Error> SinglestoreSink::give_up(const Error& cause) {
    database_.reset();  // The server rolls back when it notices that the connection is closed.
    return sink_down(cause);
}

Result<Rows> SinglestoreSink::query(const std::string& sql) {
    auto rows = database_->query(sql);
    if (!rows && rows.error().code == Code::table_missing)
        return fail(Code::table_missing,
                    describe(rows.error()) + "; `rollcalld schema apply` creates what is missing");
    return rows;
}

Result<void> SinglestoreSink::run(const std::string& sql) {
    if (const auto done = query(sql); !done) return std::unexpected(done.error());
    return {};
}

Result<Position> SinglestoreSink::open(const IncarnationId& incarnation) {
    const auto position = connect(incarnation);
    if (!position) return give_up(position.error());
    position_ = *position;
    return position_;
}

Result<Position> SinglestoreSink::position_of(const IncarnationId& incarnation) {
    ensure(database_.has_value());
    const auto position = read_position(incarnation);
    if (!position) return give_up(position.error());
    return position->value_or(Position{});
}

Result<std::optional<Position>> SinglestoreSink::read_position(const IncarnationId& incarnation) {
    const auto found =
        query("SELECT next_record, COALESCE(run_id, spool) FROM rollcall_position WHERE spool = " +
              string_literal(to_text(incarnation)));
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return std::nullopt;
    const auto& row = found->front();
    return Position{static_cast<uint64_t>(whole_number(row[0])),
                    spool_id_of(row[1].value_or("")).value_or(RunId{})};
}

Result<Position> SinglestoreSink::connect(const IncarnationId& incarnation) {
    // database_options() reads the password again, because the password may have changed.
    auto options = database_options(settings_);
    if (!options) return std::unexpected(options.error());
    options_ = *std::move(options);
    database_.reset();
    auto connected = Database::connect(options_);
    if (!connected) return std::unexpected(connected.error());
    database_ = *std::move(connected);
    if (auto same = check_tables(); !same) return std::unexpected(same.error());

    incarnation_ = to_text(incarnation);
    const auto found = read_position(incarnation);
    if (!found) return std::unexpected(found.error());
    if (*found) return **found;
    // Create the row, because write() must be able to lock it.
    const auto inserted =
        run(fmt::format("INSERT INTO rollcall_position (spool, next_record) VALUES ({}, 0)",
                        string_literal(incarnation_)));
    if (!inserted) return std::unexpected(inserted.error());
    return Position{0, incarnation};
}

Result<void> SinglestoreSink::check_tables() {
    const SqlDialect dialect = database_->dialect();
    const auto differences =
        compare_tables(dialect, [this](const std::string& sql) { return query(sql); });
    if (!differences) return std::unexpected(differences.error());
    if (!differences->empty())
        return fail(
            Code::schema_differs,
            fmt::format("{} in {}; `rollcalld schema diff --dialect {}` lists all differences, "
                        "and `schema apply` adds what is missing",
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
    if (!stored && dead_reason_of(stored.error().code) && batch.keep_refused) {
        std::vector<Refusal> refused;
        // Roll back first, because the BEGIN in isolate() would commit the rows that store() has
        // loaded.
        if (auto rolled = run("ROLLBACK"); !rolled) return give_up(rolled.error());
        if (auto found = isolate(batch.rows, some_, refused); !found) return give_up(found.error());
        if (auto kept = batch.keep_refused(refused); !kept) {
            database_.reset();
            return kept;
        }
        for (const auto& refusal : std::views::reverse(refused))
            some_.erase(some_.begin() + static_cast<ptrdiff_t>(refusal.row));
        stored = store(batch, some_);
    }
    if (!stored) return give_up(stored.error());
    position_ = batch.position();
    return {};
}

Result<void> SinglestoreSink::store(const Batch& batch, RowNumbers some) {
    duplicates_ = 0;
    if (auto begun = run("BEGIN"); !begun) return begun;
    if (auto advanced = advance_position(batch.position()); !advanced) return advanced;
    if (auto loaded = load(batch.rows, some); !loaded) return loaded;
    return run("COMMIT");
}

// Finds the rows that can never be stored, in ascending order. Leaves none of the rows in the
// table.
Result<void> SinglestoreSink::isolate(const Columns& rows, RowNumbers some,
                                      std::vector<Refusal>& found) {
    if (auto begun = run("BEGIN"); !begun) return begun;
    const auto loaded = load(rows, some);
    const auto reason = loaded ? std::nullopt : dead_reason_of(loaded.error().code);
    if (!loaded && !reason) return loaded;
    if (auto rolled = run("ROLLBACK"); !rolled) return rolled;
    if (loaded) return {};
    if (some.size() == 1) {
        found.push_back({some[0], *reason, describe(loaded.error())});
        return {};
    }
    const size_t half = some.size() / 2;
    if (auto first = isolate(rows, some.first(half), found); !first) return first;
    return isolate(rows, some.subspan(half), found);
}

Result<void> SinglestoreSink::advance_position(const Position& end) {
    const auto advanced = run(
        fmt::format("UPDATE rollcall_position SET next_record = {}, run_id = {}"
                    " WHERE spool = {} AND next_record = {} AND COALESCE(run_id, spool) = {}",
                    end.next_record, string_literal(to_text(end.run)), string_literal(incarnation_),
                    position_.next_record, string_literal(to_text(position_.run))));
    if (!advanced || database_->affected() == 1) return advanced;
    return fail(
        Code::statement_failed,
        "another process changed the position of this spool; the daemon reads the position again");
}

Result<void> SinglestoreSink::load(const Columns& rows, RowNumbers some) {
    for (; !some.empty(); some = some.subspan(std::min(load_rows_max, some.size())))
        if (auto loaded = load_once(rows, some.first(std::min(load_rows_max, some.size())));
            !loaded)
            return loaded;
    return {};
}

Result<void> SinglestoreSink::load_once(const Columns& rows, RowNumbers some) {
    Lines lines(rows, some, lines_.get());
    const auto stored =
        database_->load(load_sql_, [&](char* to, size_t room) { return lines.read(to, room); });
    if (const auto& error = lines.error())
        return std::unexpected(in_context(place(rows, lines.failed_row()), *error));
    if (!stored) return std::unexpected(stored.error());
    duplicates_ += some.size() - std::min<size_t>(*stored, some.size());
    if (database_->dialect() == SqlDialect::singlestore) return {};
    return check_loaded(rows, some, *stored);
}

// Checks that MariaDB has stored each row unchanged, or already had it.
Result<void> SinglestoreSink::check_loaded(const Columns& rows, RowNumbers some, uint64_t stored) {
    const auto duplicates = check_warnings(rows, some);
    if (!duplicates) return std::unexpected(duplicates.error());
    if (stored + *duplicates == some.size()) return {};
    return fail(
        Code::statement_failed,
        fmt::format("the database stored {} of {} rows and reported {} duplicates; the batch is "
                    "tried again",
                    stored, some.size(), *duplicates));
}

// Returns how many warnings of the last LOAD DATA are about duplicates. Fails if a warning has
// another subject.
Result<uint64_t> SinglestoreSink::check_warnings(const Columns& rows, RowNumbers some) {
    if (database_->warnings() == 0) return 0;
    const auto warnings = query("SHOW WARNINGS");  // Columns: Level, Code, Message.
    if (!warnings) return std::unexpected(warnings.error());
    uint64_t duplicates = 0;
    std::optional<Error> first;
    for (const auto& warning : *warnings) {
        if (warning[1] == duplicate_entry) {
            ++duplicates;
            continue;
        }
        const Code code = code_of(static_cast<unsigned>(whole_number(warning[1])));
        // Prefer a warning whose cause may be temporary: the whole batch must then be retried, and
        // no row may become a dead letter.
        if (first && (dead_reason_of(code) || !dead_reason_of(first->code))) continue;
        const std::string message = in_one_line(warning[2].value_or(""));
        const auto row = row_of(message);
        const bool is_known = row && *row >= 1 && *row <= some.size();
        first = fail(code, fmt::format("the database would alter or drop {}: {}",
                                       is_known ? place(rows, some[*row - 1]) : "a row", message))
                    .error();
    }
    if (first) return std::unexpected(*first);
    return duplicates;
}

}  // namespace rollcall
