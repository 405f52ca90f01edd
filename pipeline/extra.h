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
#include <cstddef>
#include <string_view>

#include "pipeline/columns.h"

namespace rollcall {

// Is it, by its name, a credential or a personal number? "wpa2-pre-shared-key", "X-Device-Secret".
[[nodiscard]] bool is_secret(std::string_view name);

class Extra {
public:
    void clear() {
        used_ = 0;
        depth_ = 0;
        muted_ = 0;
        cut_ = false;
    }

    // A member, or an element if `name` is empty. A text is any valid UTF-8; a literal is a number,
    // true, false or null, as it came.
    void text(std::string_view name, std::string_view value);
    void literal(std::string_view name, std::string_view value);

    // An object or a list, to be closed by the same bracket's other half; one that stays empty
    // goes.
    using Mark = size_t;
    [[nodiscard]] Mark open(std::string_view name, char bracket);
    void close(Mark mark, char bracket);
    // Leaves out all since open(), as if it had been secret. Call it before close().
    void take_back(Mark mark) { used_ = mark; }

    // The object, or nothing if nothing was said besides; valid until clear().
    [[nodiscard]] std::string_view json();
    // Something was left out because it did not fit.
    [[nodiscard]] bool cut() const { return cut_; }

private:
    [[nodiscard]] bool begin(std::string_view name, size_t value_bytes);
    [[nodiscard]] bool quote(std::string_view text);
    void put(std::string_view bytes);
    void put(char byte) { bytes_[used_++] = byte; }
    // For what may still be said, beside the brackets that are open.
    [[nodiscard]] size_t room() const {
        const size_t taken = used_ + depth_ + 2;
        return taken < bytes_.size() ? bytes_.size() - taken : 0;
    }

    size_t used_ = 0;
    size_t depth_ = 0;  // Objects and lists that are open.
    size_t muted_ = 0;  // Of these, the inner ones of which nothing is kept.
    bool cut_ = false;
    std::array<char, static_cast<size_t>(info(Column::extra).high)> bytes_;
};

}  // namespace rollcall
