// Report: the rows decoded from one body, for the tests and fuzzers of decode.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/base/utf8.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

// Returns a value of a committed row as text, or "NULL" if the row has none.
inline std::string shown(const Columns& rows, size_t row, Column column) {
    if (!rows.has(row, column)) return "NULL";
    switch (info(column).kind) {
        case Kind::text: return std::string(rows.text(row, column));
        case Kind::real: return fmt::format("{}", rows.real(row, column));
        default: return fmt::format("{}", rows.integer(row, column));
    }
}

// Ends the process if a row contains a value that no report may set.
inline void ensure_sound(const Columns& rows, size_t row) {
    for (size_t i = 0; i < columns_count; ++i) {
        const auto column = static_cast<Column>(i);
        if (!rows.has(row, column)) continue;
        const ColumnInfo& about = info(column);
        ensure(about.value != Value::given || column == Column::warnings ||
               column == Column::extra);
        if (about.kind == Kind::text) {
            const std::string_view text = rows.text(row, column);
            ensure(text.size() <= static_cast<size_t>(about.high));
            ensure(utf8_valid(text) && text.find('\0') == text.npos);
        } else {
            const double number = about.kind == Kind::real
                                      ? rows.real(row, column)
                                      : static_cast<double>(rows.integer(row, column));
            ensure(number >= about.low && number <= about.high);
        }
    }
}

// A body in the buffer of a connection, followed by foreign bytes.
class Body {
public:
    explicit Body(std::string_view bytes, char behind = '"') : bytes_(bytes), size_(bytes.size()) {
        bytes_.append(body_padding, behind);
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

private:
    std::string bytes_;
    size_t size_;
};

inline bool is_json(std::string_view text) {
    const Body body(text);
    JsonCursor cursor(body.view());
    return cursor.skip() && cursor.finish();
}

// Returns all rows as the bytes of a record.
inline std::string record_of(const Columns& rows) {
    std::array<iovec, Columns::pieces_max> pieces;
    std::string record;
    for (const iovec& piece : std::span(pieces).first(rows.pieces(pieces)))
        record.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    return record;
}

// Decodes and stores rows in the same way as the intake does.
class Rows {
public:
    Rows(size_t rows_max, size_t text_max) : rows(rows_max, text_max) {}

    // Stores a row for each report. After an error there are no rows of this submission; but if the
    // first report was at fault, its unfinished row is as the decoder left it.
    [[nodiscard]] Result<void> take(Decoder& decoder, const Submission& submission) {
        const Columns::End before = rows.end();
        auto taken = take_each(decoder, submission);
        if (!taken && rows.rows() > before.rows) rows.cut(before);
        return taken;
    }

    void clear() {
        rows.clear();
        warnings = {};
        items = 0;
        bytes = 0;
        refusals_count = 0;
    }

    struct Refusal {
        size_t item;
        Code code;
    };
    Columns rows;
    Fields fields;
    std::string_view warnings;  // Warnings of the last row; valid until the next call of take().
    size_t items = 0;
    size_t bytes = 0;
    std::array<Refusal, 16> refusals{};
    size_t refusals_count = 0;

private:
    [[nodiscard]] Result<void> take_each(Decoder& decoder, const Submission& submission) {
        if (auto opened = decoder.open(submission); !opened) return opened;
        for (;;) {
            const Upcoming upcoming = decoder.upcoming();
            if (upcoming == Upcoming::end) return {};
            if (upcoming == Upcoming::unsupported) {
                if (auto skipped = decoder.skip(); !skipped) return skipped;
                refuse(Code::unsupported_shape);
                continue;
            }
            if (!rows.room()) return fail(Code::ring_full);
            fields.begin(rows);
            const auto text = decoder.read(fields);
            if (text) {
                store(*text);
            } else if (decoder.refuses_one_by_one()) {
                refuse(text.error().code);
            } else {
                return std::unexpected(text.error());
            }
        }
    }

    void store(std::string_view text) {
        warnings = fields.finish();
        rows.commit_row();
        ensure_sound(rows, rows.rows() - 1);
        bytes += text.size();
        ++items;
    }
    void refuse(Code code) {
        rows.discard_row();
        refusals[refusals_count++ % refusals.size()] = {items++, code};
    }
};

class Report {
public:
    explicit Report(std::string_view body, BodyHint hint = BodyHint::unknown,
                    std::string_view query = {}, std::string_view header = {})
        : taken_(rows_max, rows_max * row_text_max) {
        const Body sent(body);
        Decoder decoder(std::max<size_t>({body.size(), query.size(), header.size(), 1}), rows_max);
        const Submission submission{sent.view(), hint, query, header};
        result_ = taken_.take(decoder, submission);
        // Decodes the body again. Now the dictionary knows the names and their order, and the
        // result must be equal.
        const std::string record = record_of(taken_.rows);
        taken_.clear();
        result_ = taken_.take(decoder, submission);
        ensure(record_of(taken_.rows) == record);
        warnings_ = taken_.warnings;
        device_ = taken_.fields.device();
        shape_ = taken_.fields.shape();
        rpc_id_ = shape_.rpc_id;
    }

    [[nodiscard]] const Result<void>& result() const { return result_; }
    // Returns "ok", or the code and the offset of the error: "malformed_json at 17".
    [[nodiscard]] std::string outcome() const {
        if (result_) return "ok";
        const Error& error = result_.error();
        if (error.offset < 0) return std::string(to_text(error.code));
        return fmt::format("{} at {}", to_text(error.code), error.offset);
    }
    [[nodiscard]] const std::string& warnings() const { return warnings_; }
    [[nodiscard]] std::string operator[](Column column) const { return at(0, column); }
    [[nodiscard]] std::string at(size_t row, Column column) const {
        return row < rows() ? shown(taken_.rows, row, column) : "no row";
    }
    [[nodiscard]] size_t rows() const { return taken_.rows.rows(); }
    [[nodiscard]] const std::string& device() const { return device_; }
    [[nodiscard]] const Shape& shape() const { return shape_; }
    [[nodiscard]] const std::string& rpc_id() const { return rpc_id_; }
    // Returns the refused reports: "1 malformed_json, 3 unsupported_shape".
    [[nodiscard]] std::string refusals() const {
        std::string text;
        for (size_t i = 0; i < taken_.refusals_count; ++i)
            text += fmt::format("{}{} {}", i > 0 ? ", " : "", taken_.refusals[i].item,
                                to_text(taken_.refusals[i].code));
        return text;
    }

private:
    static constexpr size_t rows_max = 8;

    Rows taken_;
    Result<void> result_;
    std::string warnings_;
    std::string device_;
    std::string rpc_id_;
    Shape shape_;
};

}  // namespace rollcall
