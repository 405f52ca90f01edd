#include "pipeline/columns/columns.h"

#include <bit>
#include <cstring>

namespace rollcall {

namespace {

constexpr size_t cache_line_cells = 64 / sizeof(uint64_t);

constexpr size_t offset_of(uint64_t cell) { return static_cast<uint32_t>(cell); }
constexpr size_t length_of(uint64_t cell) { return cell >> 32; }

template <class Visit>
void each_bit(uint64_t mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1) visit(static_cast<size_t>(std::countr_zero(mask)));
}

}  // namespace

Columns::Columns(size_t rows_max, size_t text_max)
    : stride_(rows_max + cache_line_cells), rows_max_(rows_max), text_max_(text_max) {
    ensure(rows_max > 0 && text_max >= row_text_max && text_max <= UINT32_MAX);
    present_ = zeroed<uint64_t>(rows_max);
    cells_ = zeroed<uint64_t>(stride_ * spool_columns_count);
    text_ = zeroed<char>(text_max);
}

void Columns::unset(Column column) {
    if (!has(column)) return;
    put(column, 0);
    open_mask_ &= ~bit(column);
}

void Columns::commit_row() {
    ensure(rows_ < rows_max_);
    present_[rows_] = open_mask_;
    mask_ |= open_mask_;
    open_mask_ = 0;
    text_committed_ = text_used_;
    ++rows_;
}

void Columns::discard_row() {
    each_bit(open_mask_, [this](size_t column) { cells_[column * stride_ + rows_] = 0; });
    open_mask_ = 0;
    text_used_ = text_committed_;
}

bool Columns::append_row(const Columns& from, size_t row) {
    ensure(open_mask_ == 0 && row < from.rows_);
    size_t text_bytes = 0;
    const auto is_text = [](size_t column) {
        return spool_columns_table[column].kind == Kind::text;
    };
    each_bit(from.mask(row), [&](size_t column) {
        if (is_text(column)) text_bytes += length_of(from.cell(row, static_cast<Column>(column)));
    });
    if (rows_ == rows_max_ || text_max_ - text_used_ < text_bytes) return false;
    each_bit(from.mask(row), [&](size_t number) {
        const auto column = static_cast<Column>(number);
        if (!is_text(number)) return put(column, from.cell(row, column));
        const std::string_view text = from.text(row, column);
        std::memcpy(text_.get() + text_used_, text.data(), text.size());
        put(column, uint64_t{text_used_} | uint64_t{text.size()} << 32);
        text_used_ += text.size();
    });
    commit_row();
    return true;
}

void Columns::assign_integer(size_t row, Column column, int64_t value) {
    ensure(row < rows_);
    cells_[index(column) * stride_ + row] = static_cast<uint64_t>(value);
    present_[row] |= bit(column);
    mask_ |= bit(column);
}

void Columns::remove_rows(std::span<const uint32_t> rows) {
    if (rows.empty()) return;
    ensure(open_mask_ == 0 && rows.back() < rows_);
    const auto close_up = [&](uint64_t* cells) {
        size_t to = rows.front();
        for (size_t i = 0; i < rows.size(); ++i) {
            const size_t from = rows[i] + 1;
            const size_t kept = (i + 1 < rows.size() ? rows[i + 1] : rows_) - from;
            std::memmove(cells + to, cells + from, kept * sizeof(uint64_t));
            to += kept;
        }
        std::memset(cells + to, 0, rows.size() * sizeof(uint64_t));
    };
    each_bit(mask_, [&](size_t column) { close_up(&cells_[column * stride_]); });
    close_up(present_.get());
    rows_ -= rows.size();
    mask_ = 0;
    for (size_t row = 0; row < rows_; ++row) mask_ |= present_[row];
}

void Columns::cut(const End& end) {
    discard_row();
    ensure(end.rows <= rows_ && end.text_bytes <= text_committed_);
    const size_t bytes = (rows_ - end.rows) * sizeof(uint64_t);
    each_bit(mask_,
             [&](size_t column) { std::memset(&cells_[column * stride_ + end.rows], 0, bytes); });
    std::memset(&present_[end.rows], 0, bytes);
    rows_ = end.rows;
    text_used_ = end.text_bytes;
    text_committed_ = end.text_bytes;
    mask_ = end.mask;
}

void Columns::clear() { cut({}); }

size_t Columns::pieces(std::array<iovec, pieces_max>& out) const {
    size_t used = 0;
    const auto piece = [&](const void* data, size_t bytes) {
        if (bytes > 0) out[used++] = {const_cast<void*>(data), bytes};
    };
    head_ = {mask_, static_cast<uint32_t>(rows_), static_cast<uint32_t>(text_committed_)};
    piece(&head_, sizeof head_);
    piece(present_.get(), rows_ * sizeof(uint64_t));
    each_bit(mask_,
             [&](size_t column) { piece(&cells_[column * stride_], rows_ * sizeof(uint64_t)); });
    piece(text_.get(), text_committed_);
    return used;
}

Result<bool> Columns::append_record(std::span<const std::byte> payload,
                                    std::span<const uint8_t> columns_at) {
    PayloadHead head;
    if (payload.size() < sizeof head) return fail(Code::spool_damaged);
    std::memcpy(&head, payload.data(), sizeof head);
    const size_t column_bytes = size_t{head.rows} * sizeof(uint64_t);
    const auto columns_here = static_cast<size_t>(std::popcount(head.mask));
    if (payload.size() != sizeof head + column_bytes * (1 + columns_here) + head.text_bytes)
        return fail(Code::spool_damaged);
    if (rows_ + head.rows > rows_max_ || text_used_ + head.text_bytes > text_max_) return false;

    const std::byte* masks = payload.data() + sizeof head;
    const std::byte* from = masks + column_bytes;
    const uint64_t text_base = text_committed_;
    Error damage{Code::spool_damaged};
    bool sound = true;
    uint64_t union_mask = 0;
    uint64_t dropped = 0;  // A mask of the writer's columns that no longer exist.
    bool same_columns = true;
    each_bit(head.mask, [&](size_t theirs) {
        const size_t ours = theirs < columns_at.size() ? columns_at[theirs] : spool_columns_count;
        if (ours >= spool_columns_count) {
            dropped |= uint64_t{1} << theirs;
        } else {
            uint64_t* to = &cells_[ours * stride_ + rows_];
            std::memcpy(to, from, column_bytes);
            if (spool_columns_table[ours].kind == Kind::text) {
                for (size_t row = 0; row < head.rows; ++row) {
                    const bool inside = offset_of(to[row]) + length_of(to[row]) <= head.text_bytes;
                    sound &= inside;
                    // The cell of an absent text has length 0 and must stay 0. An empty text needs
                    // no offset.
                    to[row] += length_of(to[row]) > 0 ? text_base : 0;
                }
            }
            union_mask |= uint64_t{1} << ours;
            same_columns &= ours == theirs;
        }
        from += column_bytes;
    });
    std::memcpy(&present_[rows_], masks, column_bytes);
    for (size_t row = rows_; row < rows_ + head.rows; ++row) {
        sound &= (present_[row] & ~head.mask) == 0;
        if (same_columns && dropped == 0) continue;
        uint64_t translated = 0;
        each_bit(present_[row] & ~dropped,
                 [&](size_t theirs) { translated |= uint64_t{1} << columns_at[theirs]; });
        present_[row] = translated;
    }
    if (!sound) {
        const size_t before = rows_;
        each_bit(union_mask, [&](size_t column) {
            std::memset(&cells_[column * stride_ + before], 0, column_bytes);
        });
        std::memset(&present_[before], 0, column_bytes);
        return std::unexpected(damage);
    }
    std::memcpy(text_.get() + text_used_, from, head.text_bytes);
    text_used_ += head.text_bytes;
    text_committed_ = text_used_;
    mask_ |= union_mask;
    rows_ += head.rows;
    return true;
}

}  // namespace rollcall
