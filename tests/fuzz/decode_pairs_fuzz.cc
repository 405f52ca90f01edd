// Decodes arbitrary text as a list and as a form. The row must be valid, and must stay the same
// when the dictionary already knows its keys.
#include "pipeline/decode/pairs.h"

#include "tests/support/report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace rollcall;
    constexpr size_t text_bytes_max = 65536;
    static PairDecoder pairs(text_bytes_max);
    static Fields fields;
    std::string text;
    append_as_utf8({reinterpret_cast<const char*>(data), size}, text);
    if (text.size() > text_bytes_max) return 0;
    for (const bool is_form : {false, true}) {
        std::array<std::string, 2> records;
        for (std::string& record : records) {
            Columns rows(1, row_text_max);
            pairs.begin_report();
            fields.begin(rows);
            is_form ? pairs.form(text, fields) : pairs.list(text, fields);
            fields.finish();
            rows.commit_row();
            ensure_sound(rows, 0);
            record = record_of(rows);
        }
        ensure(records[0] == records[1]);
    }
    return 0;
}
