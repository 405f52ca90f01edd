#include "pipeline/decode/json_list.h"

#include <algorithm>
#include <limits>

namespace rollcall {

namespace {

bool is_blank(std::string_view line) {
    const size_t first = line.find_first_not_of(" \t\r\n");
    return first == line.npos || line[first] == '\0';
}

}  // namespace

Result<void> JsonArray::open(std::string_view text, size_t items_max) {
    text_ = text;
    cursor_ = JsonCursor(text);
    items_left_ = items_max;
    at_end_ = false;
    is_checked_ = false;
    cursor_.peek();
    ensure(cursor_.open());
    if (cursor_.peek() == ']') return advance();
    if (items_left_ == 0) return fail(Code::too_many_items);
    return {};
}

Result<void> JsonArray::skip() {
    if (!cursor_.skip()) {
        cursor_ = cursor_.stop();
        return std::unexpected(fault());
    }
    return advance();
}

Result<std::string_view> JsonArray::read(JsonReportReader& reader, Fields& fields) {
    ensure(at_object());
    const char* const begin = cursor_.place();
    cursor_ = reader.read(cursor_, fields);
    if (!cursor_.good()) return std::unexpected(fault());
    const std::string_view text(begin, static_cast<size_t>(cursor_.place() - begin));
    const auto advanced = advance();
    return advanced ? Result<std::string_view>(text) : std::unexpected(advanced.error());
}

Result<void> JsonArray::check_rest() {
    JsonArray rest = *this;
    while (!is_checked_ && !rest.at_end())
        if (auto skipped = rest.skip(); !skipped) return skipped;
    is_checked_ = true;
    return {};
}

// Moves past a comma or the closing bracket.
Result<void> JsonArray::advance() {
    if (cursor_.take(',')) {
        cursor_.peek();
        if (--items_left_ > 0) return {};
        // If the rest is not valid JSON, that is the error.
        JsonArray rest = *this;
        rest.items_left_ = std::numeric_limits<size_t>::max();
        if (auto checked = rest.check_rest(); !checked) return checked;
        return fail(Code::too_many_items);
    }
    at_end_ = true;
    if (!cursor_.take(']')) {
        cursor_ = cursor_.stop();
        return std::unexpected(fault());
    }
    cursor_.close();
    return cursor_.finish() ? Result<void>() : std::unexpected(fault());
}

Result<void> JsonLines::open(std::string_view text, size_t items_max) {
    size_t count = 0;
    rest_ = text;
    for (advance(); !at_end(); advance())
        if (++count > items_max) return fail(Code::too_many_items);
    rest_ = text;
    advance();
    return {};
}

std::string_view JsonLines::take() {
    const std::string_view line = line_;
    advance();
    return line;
}

void JsonLines::advance() {
    do {
        const size_t length = std::min(rest_.find('\n'), rest_.size());
        line_ = rest_.substr(0, length);
        rest_.remove_prefix(std::min(length + 1, rest_.size()));
    } while (is_blank(line_) && !rest_.empty());
    if (is_blank(line_)) line_ = {};
}

}  // namespace rollcall
