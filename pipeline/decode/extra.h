// Extra: what a report says besides, as one JSON object for the column `extra`.
//
//     {"software-id":"TJI1-CDCL","interfaces":[{"name":"ether1","rx-byte":18446744073709550000}]}
//
// It is written as the report is read and is valid JSON at any time, but for the brackets that are
// open. What does not fit into the column is left out, member by member; so is, whatever its value,
// what by its name is a secret or says who a person is: passphrases, tokens, IMSI.
//
// Threads: one for each worker, inside its Fields. Nothing allocates.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "pipeline/columns/columns.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

// Is it, by its name, a credential or a personal number? "wpa2-pre-shared-key", "X-Device-Secret".
[[nodiscard]] bool is_secret(std::string_view name);

class Extra {
public:
    // A member's name; that of an element is empty.
    struct Name {
        std::string_view text;
        bool secret = false;
        bool plain = false;  // Nothing in it needs to be escaped; false if nobody looked.
        Name() = default;
        template <std::convertible_to<std::string_view> Text>
        Name(const Text& name) : text(name), secret(is_secret(name)) {}
        // Of which somebody knows already.
        Name(std::string_view name, bool is_secret, bool is_plain)
            : text(name), secret(is_secret), plain(is_plain) {}
    };

    void clear() {
        used_ = 0;
        depth_ = 0;
        muted_ = 0;
        cut_ = false;
    }

    // A text is any valid UTF-8; a literal is a number, true, false or null, as it came.
    void text(const Name& name, std::string_view value);
    void literal(const Name& name, std::string_view value);

    // An object or a list, to be closed by the same bracket's other half; one that stays empty
    // goes.
    using Mark = size_t;
    [[nodiscard]] Mark open(const Name& name, char bracket);
    void close(Mark mark, char bracket);
    // Leaves out all since open(), as if it had been secret. Call it before close().
    void take_back(Mark mark) { used_ = mark; }

    // The object, or nothing if nothing was said besides; valid until clear().
    [[nodiscard]] std::string_view json();
    // Something was left out because it did not fit.
    [[nodiscard]] bool cut() const { return cut_; }

private:
    [[nodiscard]] bool begin(const Name& name, size_t value_bytes);
    [[nodiscard]] bool quote(std::string_view text, bool plain = false);
    [[nodiscard]] bool quote_escaped(std::string_view text);
    void put(std::string_view bytes);
    void put(char byte) { bytes_[used_++] = byte; }
    // For what may still be said, beside the brackets that are open.
    [[nodiscard]] size_t room() const {
        const size_t taken = used_ + depth_ + 2;
        return taken < json_bytes_max ? json_bytes_max - taken : 0;
    }

    size_t used_ = 0;
    size_t depth_ = 0;  // Objects and lists that are open.
    size_t muted_ = 0;  // Of these, the inner ones of which nothing is kept.
    bool cut_ = false;
    static constexpr size_t json_bytes_max = bytes_max(Column::extra);
    std::array<char, json_bytes_max + json_step> bytes_;  // Whole steps are looked at.
};

}  // namespace rollcall
