// JsonArray and JsonLines: read the reports of a list in JSON, one after another.
//
//     [{"sn":"A"},{"sn":"B"}]      an array, which is accepted or refused as a whole
//     {"sn":"A"}\n{"sn":"B"}\n     lines (application/x-ndjson), each valid or refused on its own
//
// Use: open(), then skip() or read each element until at_end().
//
// An array is read in one pass. So its first elements are read before a fault in a later element is
// found. A caller that cannot take these elements back any more first calls check_rest().
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
    // Moves to the first element. `text` begins with a bracket and is valid UTF-8, and the
    // body_padding bytes after it are readable.
    //
    // Each function that can fail returns too_many_items if there are more than items_max elements,
    // or another error with its offset in `text`. Then the array must not be read any further.
    [[nodiscard]] Result<void> open(std::string_view text, size_t items_max);

    // Returns true after the last element. The whole text is then valid.
    [[nodiscard]] bool at_end() const { return at_end_; }
    // Returns whether the element is an object. Only an object is a report.
    [[nodiscard]] bool at_object() { return cursor_.peek() == '{'; }

    // Moves to the next element.
    [[nodiscard]] Result<void> skip();
    // Reads an element, which must be an object, and moves to the next one. Returns the element's
    // text.
    [[nodiscard]] Result<std::string_view> read(JsonReportReader& reader, Fields& fields);
    // Validates the elements that are left. If it succeeds, no function fails any more.
    [[nodiscard]] Result<void> check_rest();

private:
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Error fault() const { return cursor_.fault(text_.data()); }

    std::string_view text_;
    JsonCursor cursor_{{}};
    size_t items_left_ = 0;  // How many elements may follow, with the one at the cursor.
    bool at_end_ = true;
    bool is_checked_ = false;  // check_rest() has succeeded.
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
