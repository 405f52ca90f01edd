// UnknownKeys: counts the keys of reports that the decoder does not understand.
//
//     {"router_os_vers":"7.17","foo":{"bar":1}}     router_os_vers  1  text of 4 bytes
//                                                   foo.bar         1  number
//
// These counts show an operator which values of the routers are not stored in a column. For each
// key, one example shows the type and the size of a value, never the value itself. If the key
// indicates a secret or a subscriber, the example shows only the type. Members of the elements of a
// list are not counted. The list itself is counted, unless one of its members is understood.
//
// Counting a known spelling needs no look-up, because its Meaning contains the position of its
// count.
//
// Threads: one object for each worker, inside its Fields. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/frequent_names.h"
#include "pipeline/columns/columns.h"
#include "pipeline/decode/dictionary.h"

namespace rollcall {

// The value of a key as it was sent.
struct UnknownValue {
    enum class Type : uint8_t { text, number, word, null, list };
    Type type = Type::null;
    std::string_view text = {};
};

class UnknownKeys {
public:
    // names_max: maximum number of keys that are counted.
    explicit UnknownKeys(size_t names_max) : names_(names_max) {}

    // Counts a key with this meaning. If `object` is not empty, the key is a member of `object`.
    void count(const Meaning& meaning, std::string_view object, std::string_view name,
               const UnknownValue& value) {
        if (!names_.count_at(meaning.counted))
            meaning.counted = add(meaning.secret, object, name, value);
    }
    // Counts a list by its name, because the dictionary may have dropped the meaning of the name by
    // now.
    void count_list(std::string_view object, std::string_view name);

    [[nodiscard]] const FrequentNames& names() const { return names_; }

private:
    [[nodiscard]] FrequentNames::Place add(bool is_secret, std::string_view object,
                                           std::string_view name, const UnknownValue& value);

    FrequentNames names_;
};

// Returns the shape of the example value that `note` of a counted name encodes: "number", "text of
// 12 bytes", "duration", "true/false", "address", "list", "null".
[[nodiscard]] std::string shape_of(uint32_t note);

// Returns the column that has a similar key, if there is one: "cpu_laod" is similar to cpu_load.
[[nodiscard]] std::optional<Column> resembled_column(std::string_view key);

}  // namespace rollcall
