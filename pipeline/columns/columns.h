// Columns: a table of check-ins, stored by column. Each slot, record and batch is such a table.
//
//     present   [ mask of row 0 | mask of row 1 | ... ]         one bit for each column
//     cells     column 0 [ row 0 | row 1 | ... ]  column 1 ...  8 bytes each
//     heap      the bytes of all texts, one after the other
//
// A cell is an integer, a real, or a reference to a text in the heap. The lower 32 bits of a
// reference are the text's offset, the upper 32 bits its length. The cell of an absent value is 0,
// so that equal contents give equal bytes.
//
// The capacity is fixed at construction, and nothing is allocated afterwards. Pages of memory are
// touched only when they are filled.
//
// The open row is the one after the last committed row. Set its values, then call commit_row() or
// discard_row(). Only committed rows are counted, merged and stored.
//
// Threads: one thread at a time. The ring passes slots between threads.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

// The columns of the table site_checkins, and after them the columns that exist only in the spool.
enum class Column : uint8_t {
#define COLUMN(name, kind, value, low, high, since, place, keys, help) name,
#include "pipeline/columns/columns.def"
#undef COLUMN
#define COLUMN(name, kind, value, low, high, since, place, keys, help)
#define SPOOL_COLUMN(name, kind, help) name,
#include "pipeline/columns/columns.def"
#undef COLUMN
};

enum class Kind : uint8_t { text, integer, real, flag, time };

// The way in which a report's text becomes a cell. The daemon, not a report, sets `given` columns.
enum class Value : uint8_t {
    given,
    device,  // An id such as a MAC address, which counts only if the report has no better one.
    words,
    serial,
    licence,
    version,
    firmware,
    duration,
    count,
    percent,
    frequency,
    bytes,
    decimal,
    degrees,
    signal,
    address,
    clock
};

struct ColumnInfo {
    std::string_view name;
    Kind kind;
    Value value;
    double low;
    double high;
    uint16_t since;  // The first version of the table with this column; versions begin with 1.
    uint16_t place;  // Position among the columns that people see.
    std::string_view keys;
    std::string_view help;
};

// The columns of the table site_checkins.
inline constexpr ColumnInfo columns_table[] = {
#define COLUMN(name, kind, value, low, high, since, place, keys, help) \
    {#name, Kind::kind, Value::value, double(low), double(high), since, place, keys, help},
#include "pipeline/columns/columns.def"
#undef COLUMN
};
inline constexpr size_t columns_count = std::size(columns_table);

// All columns of a row in memory and in the spool.
inline constexpr ColumnInfo spool_columns_table[] = {
#define COLUMN(name, kind, value, low, high, since, place, keys, help) \
    {#name, Kind::kind, Value::value, double(low), double(high), since, place, keys, help},
#include "pipeline/columns/columns.def"
#undef COLUMN
#define COLUMN(name, kind, value, low, high, since, place, keys, help)
#define SPOOL_COLUMN(name, kind, help) \
    {#name, Kind::kind, Value::given, 0, 0, 0, UINT16_MAX, "", help},
#include "pipeline/columns/columns.def"
#undef COLUMN
};
inline constexpr size_t spool_columns_count = std::size(spool_columns_table);
static_assert(spool_columns_count <= 64, "a column is a bit of a 64 bit mask");

// A mask of the table's columns, without the columns that exist only in the spool.
inline constexpr uint64_t table_mask = (uint64_t{1} << columns_count) - 1;

constexpr size_t index(Column column) { return static_cast<size_t>(column); }
constexpr uint64_t bit(Column column) { return uint64_t{1} << index(column); }
constexpr const ColumnInfo& info(Column column) { return spool_columns_table[index(column)]; }

// All columns in the order in which people see them; the columns of the table come first.
inline constexpr auto columns_as_shown = [] {
    std::array<Column, spool_columns_count> shown{};
    for (size_t column = 0; column < spool_columns_count; ++column)
        shown[column] = static_cast<Column>(column);
    std::ranges::sort(shown, {}, [](Column column) { return info(column).place; });
    return shown;
}();

// The maximum size of a text in each column, in bytes.
inline constexpr auto column_bytes_max = [] {
    std::array<uint32_t, spool_columns_count> bytes{};
    for (size_t column = 0; column < spool_columns_count; ++column)
        if (spool_columns_table[column].kind == Kind::text)
            bytes[column] = static_cast<uint32_t>(spool_columns_table[column].high);
    return bytes;
}();
constexpr size_t bytes_max(Column column) { return column_bytes_max[index(column)]; }

// The maximum size of all texts of a row. A slot with this much free space has room for any row.
inline constexpr size_t row_text_max = [] {
    size_t sum = 0;
    for (const uint32_t bytes : column_bytes_max) sum += bytes;
    return sum;
}();

// The head of a record's payload.
struct PayloadHead {
    uint64_t mask;  // The columns that the payload contains.
    uint32_t rows;
    uint32_t text_bytes;
};

class Columns {
public:
    // rows_max is at least 1, text_max at least row_text_max bytes.
    Columns(size_t rows_max, size_t text_max);

    // --- the open row ---
    // Returns whether the table has room for one more row, whatever texts the row contains.
    [[nodiscard]] bool room() const {
        return rows_ < rows_max_ && text_max_ - text_used_ >= row_text_max;
    }
    [[nodiscard]] bool has(Column column) const { return open_mask_ & bit(column); }
    void set_integer(Column column, int64_t value) { put(column, static_cast<uint64_t>(value)); }
    void set_real(Column column, double value) { put(column, std::bit_cast<uint64_t>(value)); }
    // The text must have at most bytes_max(column) bytes. If room() was true before the row began,
    // the heap has room for all its texts.
    void set_text(Column column, std::string_view text) {
        ensure(text.size() <= bytes_max(column));
        std::memcpy(text_.get() + text_used_, text.data(), text.size());
        put(column, uint64_t{text_used_} | uint64_t{text.size()} << 32);
        text_used_ += text.size();
        ensure(text_used_ <= text_max_);
    }
    void unset(Column column);
    void commit_row();
    // Removes the open row.
    void discard_row();

    // --- committed rows ---
    [[nodiscard]] size_t rows() const { return rows_; }
    [[nodiscard]] size_t text_bytes() const { return text_used_; }
    // Returns a mask of the columns that have a value in at least one row.
    [[nodiscard]] uint64_t mask() const { return mask_; }
    [[nodiscard]] uint64_t mask(size_t row) const { return present_[row]; }
    [[nodiscard]] bool has(size_t row, Column column) const { return present_[row] & bit(column); }
    [[nodiscard]] int64_t integer(size_t row, Column column) const {
        return static_cast<int64_t>(cell(row, column));
    }
    [[nodiscard]] double real(size_t row, Column column) const {
        return std::bit_cast<double>(cell(row, column));
    }
    [[nodiscard]] std::string_view text(size_t row, Column column) const {
        const uint64_t where = cell(row, column);
        return {text_.get() + static_cast<uint32_t>(where), where >> 32};
    }
    // Appends a row of another table. The row's texts may have any length. If the row does not fit,
    // returns false and changes nothing. There must be no open row.
    [[nodiscard]] bool append_row(const Columns& from, size_t row);
    // Sets an integer of a committed row, for example the id, which only the delivery knows.
    void assign_integer(size_t row, Column column, int64_t value);
    // Removes these rows; their numbers must be ascending. The other rows keep their order. There
    // must be no open row. The texts of the removed rows stay in the heap until clear(), but no
    // cell refers to them any more.
    void remove_rows(std::span<const uint32_t> rows);
    // The end of the committed rows, to which cut() can return.
    struct End {
        size_t rows = 0;
        size_t text_bytes = 0;
        uint64_t mask = 0;
    };
    [[nodiscard]] End end() const { return {rows_, text_committed_, mask_}; }
    // Removes the open row and all rows after an earlier end.
    void cut(const End& end);
    void clear();

    // --- the bytes of a record (layout in spool/format.h) ---
    static constexpr size_t pieces_max = spool_columns_count + 3;
    // Fills `out` with pieces that together are the bytes of all committed rows, in order. Does not
    // copy the bytes. Returns the number of pieces. They are valid until the next change of this
    // table.
    [[nodiscard]] size_t pieces(std::array<iovec, pieces_max>& out) const;
    // Appends the rows of a record's payload. columns_at[i] is the index of today's column for
    // column i of the record, or spool_columns_count if that column no longer exists. If the rows
    // do not fit, returns false and changes nothing. Fails with spool_damaged if the bytes are
    // inconsistent.
    [[nodiscard]] Result<bool> append_record(std::span<const std::byte> payload,
                                             std::span<const uint8_t> columns_at);

private:
    void put(Column column, uint64_t cell) {
        cells_[index(column) * stride_ + rows_] = cell;
        open_mask_ |= bit(column);
    }
    [[nodiscard]] uint64_t cell(size_t row, Column column) const {
        return cells_[index(column) * stride_ + row];
    }

    // Number of cells from the first cell of a column to the first cell of the next column:
    // rows_max and one cache line more. If this distance were a multiple of 4 KiB, all cells of a
    // row would compete for the same few lines of the processor's first-level cache.
    size_t stride_;
    size_t rows_max_;
    size_t text_max_;
    size_t rows_ = 0;
    size_t text_used_ = 0;       // Bytes of texts in the committed rows and the open row.
    size_t text_committed_ = 0;  // Offset of the open row's texts.
    uint64_t mask_ = 0;
    uint64_t open_mask_ = 0;
    ZeroedArray<uint64_t> present_;
    ZeroedArray<uint64_t> cells_;
    ZeroedArray<char> text_;
    mutable PayloadHead head_{};  // The first piece of pieces() refers to it.
};

}  // namespace rollcall
