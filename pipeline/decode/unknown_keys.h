// UnknownKeys: counts the keys of reports that the decoder does not understand.
//
//     {"router_os_vers":"7.17","foo":{"bar":1}}     router_os_vers  1  text of 4 bytes
//                                                   foo.bar         1  number
//
// An operator learns from them which values of his routers are not stored in a column. For each key
// one example shows the shape of a value, never the value. Of a key that names a secret or a
// subscriber it shows only the type. Members of the elements of a list are not counted; the list
// itself is, unless a member of it is understood.
//
// The count of a known spelling takes no look-up, because its Meaning has its place.
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
    // names_max: number of keys that are held.
    explicit UnknownKeys(size_t names_max) : names_(names_max) {}

    // Counts a key with this meaning, alone if `object` is empty, else as a member of `object`.
    void count(const Meaning& meaning, std::string_view object, std::string_view name,
               const UnknownValue& value) {
        if (!names_.count_at(meaning.counted))
            meaning.counted = add(meaning.secret, object, name, value);
    }
    // Counts a list, whose meaning may have left the dictionary.
    void count_list(std::string_view object, std::string_view name);

    [[nodiscard]] const FrequentNames& names() const { return names_; }

private:
    [[nodiscard]] FrequentNames::Place add(bool is_secret, std::string_view object,
                                           std::string_view name, const UnknownValue& value);

    FrequentNames names_;
};

// Returns a shape from its note in the sketch: "number", "text of 12 bytes", "duration",
// "true/false", "address", "list", "null".
[[nodiscard]] std::string shape_of(uint32_t note);

// Returns the column with a key like this one, if there is any: "cpu_laod" is like cpu_load.
[[nodiscard]] std::optional<Column> resembled_column(std::string_view key);

}  // namespace rollcall
