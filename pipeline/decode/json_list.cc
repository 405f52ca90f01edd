#include "pipeline/decode/json_list.h"

#include <algorithm>

namespace rollcall {

namespace {

bool is_blank(std::string_view line) {
    const size_t first = line.find_first_not_of(" \t\r\n");
    return first == line.npos || line[first] == '\0';
}

}  // namespace

Result<void> JsonArray::open(std::string_view text, size_t items_max) {
    JsonCursor whole(text);
    size_t count = 0;
    whole.peek();
    const bool valid = whole.each(']', [&] {
        ++count;
        return whole.skip();
    });
    if (!valid) whole = whole.stop();
    if (!valid || !whole.finish()) return std::unexpected(whole.fault(text.data()));
    if (count > items_max) return fail(Code::too_many_items);

    cursor_ = JsonCursor(text);
    cursor_.peek();
    ensure(cursor_.open());
    at_end_ = count == 0;
    return {};
}

void JsonArray::skip() {
    ensure(cursor_.skip());
    advance();
}

std::string_view JsonArray::read(JsonReportReader& reader, Fields& fields) {
    ensure(at_object());
    const char* const begin = cursor_.place();
    cursor_ = reader.read(cursor_, fields);
    ensure(cursor_.good());  // open() has validated the text.
    const std::string_view text(begin, static_cast<size_t>(cursor_.place() - begin));
    advance();
    return text;
}

void JsonArray::advance() { at_end_ = !cursor_.take(','); }

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
