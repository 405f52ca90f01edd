// Report: what becomes of one body, for the tests and fuzzers of decode.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "pipeline/decode.h"
#include "pipeline/utf8.h"

namespace rollcall {

// A value of a committed row as text; "NULL" if the row has none.
inline std::string shown(const Columns& rows, size_t row, Column column) {
    if (!rows.has(row, column)) return "NULL";
    switch (info(column).kind) {
        case Kind::text: return std::string(rows.text(row, column));
        case Kind::real: return fmt::format("{}", rows.real(row, column));
        default: return fmt::format("{}", rows.integer(row, column));
    }
}

// Ends the process if a row holds what no report may put there.
inline void ensure_sound(const Columns& rows, size_t row) {
    for (size_t i = 0; i < columns_count; ++i) {
        const auto column = static_cast<Column>(i);
        if (!rows.has(row, column)) continue;
        const ColumnInfo& about = info(column);
        ensure(about.value != Value::given || column == Column::warnings);
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

// A body as a connection holds it: what lies behind it is none of its business.
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

class Report {
public:
    explicit Report(std::string_view body, BodyHint hint = BodyHint::unknown) : rows_(1, 65536) {
        const Body sent(body);
        Decoder decoder(std::max<size_t>(body.size(), 1));
        Fields fields;
        fields.begin(rows_);
        result_ = decoder.decode(sent.view(), hint, fields);
        if (!result_) return;
        warnings_ = fields.finish();
        rows_.commit_row();
        ensure_sound(rows_, 0);
    }

    [[nodiscard]] const Result<void>& result() const { return result_; }
    // "ok", or "malformed_json at 17".
    [[nodiscard]] std::string outcome() const {
        if (result_) return "ok";
        const Error& error = result_.error();
        if (error.offset < 0) return std::string(to_text(error.code));
        return fmt::format("{} at {}", to_text(error.code), error.offset);
    }
    [[nodiscard]] const std::string& warnings() const { return warnings_; }
    [[nodiscard]] std::string operator[](Column column) const {
        return result_ ? shown(rows_, 0, column) : "no row";
    }

private:
    Columns rows_;
    Result<void> result_;
    std::string warnings_;
};

}  // namespace rollcall
