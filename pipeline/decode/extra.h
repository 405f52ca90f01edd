// Extra: collects the members of a report that set no column, as one JSON object for column
// `extra`.
//
//     {"software-id":"TJI1-CDCL","interfaces":[{"name":"ether1","rx-byte":18446744073709550000}]}
//
// The object is written while the report is read. Except for closing brackets that are still
// missing, its text is valid JSON at any time. A member that does not fit into the column is left
// out. A member is also left out if its name indicates a secret or identifies a person, such as a
// passphrase, a token or an IMSI. If the setting ingest.keep_sim_identifiers is on, members that
// identify a person are kept.
//
// Threads: one for each worker, inside its Fields. Nothing allocates.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/columns/columns.h"
#include "pipeline/decode/folded_name.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

// The privacy of a value, according to the name of its member.
enum class Privacy : uint8_t {
    open,
    subscriber,  // Identifies a person or a SIM: "imsi", "uicc", "subscriber-number".
    credential,  // Is a secret: "wpa2-pre-shared-key", "X-Device-Secret", "snmp-community".
};
[[nodiscard]] Privacy privacy_of(std::string_view name);
// Returns the same as privacy_of(name). `folded` is the folded form of `name`.
[[nodiscard]] Privacy privacy_of(std::string_view name, const FoldedName& folded);

// Returns whether a name indicates a credential or identifies a person or a SIM.
[[nodiscard]] inline bool is_secret(std::string_view name) {
    return privacy_of(name) != Privacy::open;
}

class Extra {
public:
    // The name of a member; the name of an element of a list is empty.
    struct Name {
        std::string_view text;
        bool secret = false;
        bool plain = false;  // True if the text is known to need no escapes.
        Name() = default;
        template <std::convertible_to<std::string_view> Text>
        Name(const Text& name) : text(name), secret(is_secret(name)) {}
        // Use this constructor for a name whose meaning the dictionary has already found.
        Name(std::string_view name, bool is_secret, bool is_plain)
            : text(name), secret(is_secret), plain(is_plain) {}
    };

    void clear() {
        used_ = 0;
        depth_ = 0;
        muted_ = 0;
        cut_ = false;
    }

    // Append a member. text() accepts any valid UTF-8. literal() takes a number, true, false or
    // null, in the spelling in which it was sent.
    void text(const Name& name, std::string_view value);
    void literal(const Name& name, std::string_view value);

    // Opens an object or a list. close() appends the closing bracket, or removes the object or list
    // if it is empty.
    using Mark = size_t;
    [[nodiscard]] Mark open(const Name& name, char bracket);
    void close(Mark mark, char bracket);
    // Removes all members since open(). Call it before close().
    void take_back(Mark mark) { used_ = mark; }

    // Returns the object, or an empty text if the object has no members. The text is valid until
    // clear().
    [[nodiscard]] std::string_view json();
    // Returns whether a member was left out because it did not fit.
    [[nodiscard]] bool cut() const { return cut_; }

private:
    [[nodiscard]] bool begin(const Name& name, size_t value_bytes);
    [[nodiscard]] bool quote(std::string_view text, bool plain = false);
    [[nodiscard]] bool quote_escaped(std::string_view text);
    void put(std::string_view bytes);
    void put(char byte) { bytes_[used_++] = byte; }
    // Returns the number of free bytes, not counting the room for the closing brackets.
    [[nodiscard]] size_t room() const {
        const size_t taken = used_ + depth_ + 2;
        return taken < json_bytes_max ? json_bytes_max - taken : 0;
    }

    size_t used_ = 0;
    size_t depth_ = 0;  // Number of open objects and lists that are written.
    size_t muted_ = 0;  // Number of open objects and lists that are left out.
    bool cut_ = false;
    static constexpr size_t json_bytes_max = bytes_max(Column::extra);
    std::array<char, json_bytes_max + json_step> bytes_;  // json_plain() reads whole steps.
};

}  // namespace rollcall
