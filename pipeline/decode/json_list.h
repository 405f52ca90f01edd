// JsonArray and JsonLines: read the reports of a list in JSON, one after another.
//
//     [{"sn":"A"},{"sn":"B"}]      an array, which is valid as a whole or refused as a whole
//     {"sn":"A"}\n{"sn":"B"}\n     lines (application/x-ndjson), each valid or refused on its own
//
// Use: open(), then skip() or read each element until at_end().
//
// Threads: one for each worker, inside its Decoder. Nothing allocates.
#pragma once

#include <cstddef>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/json_cursor.h"
#include "pipeline/decode/json_report.h"

namespace rollcall {

class JsonArray {
public:
    // Validates the whole text and moves to the first element. `text` begins with a bracket and is
    // valid UTF-8, and the body_padding bytes after it are readable. Returns too_many_items if
    // there are more than items_max elements, or another error with its offset in `text`.
    [[nodiscard]] Result<void> open(std::string_view text, size_t items_max);

    [[nodiscard]] bool at_end() const { return at_end_; }
    // Returns whether the element is an object. Only an object is a report.
    [[nodiscard]] bool at_object() { return cursor_.peek() == '{'; }

    void skip();
    // Reads an element, which must be an object, and moves to the next one. Returns the element's
    // text.
    std::string_view read(JsonReportReader& reader, Fields& fields);

private:
    void advance();

    JsonCursor cursor_{{}};
    bool at_end_ = true;
};

class JsonLines {
public:
    // Moves to the first line that is not blank. Returns too_many_items if more than items_max
    // lines are not blank.
    [[nodiscard]] Result<void> open(std::string_view text, size_t items_max);

    [[nodiscard]] bool at_end() const { return line_.empty(); }
    void skip() { advance(); }
    // Returns the current line, without validating it, and moves to the next one.
    [[nodiscard]] std::string_view take();

private:
    void advance();

    std::string_view line_;
    std::string_view rest_;
};

}  // namespace rollcall
