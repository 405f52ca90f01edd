// FoldedName: a name in lower case and without separators, as the tables of decode/ contain it.
//
//     cpu-count, cpu_count, cpuCount     cpucount
//
// A name is folded once, and is then looked up in all tables. Most fleets use the same few hundred
// names, so the result is cached (dictionary.h). But a client can send names that are not in the
// cache, so folding must be fast as well.
//
// Threads: a FoldedName belongs to one thread. Nothing allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pipeline/base/ascii.h"

namespace rollcall {

class FoldedName {
public:
    static constexpr size_t bytes_max = 64;

    explicit constexpr FoldedName(std::string_view name) { add(name); }
    // The path of a member. The member `total` of the object `ram` has the same folded name as
    // `ram.total`.
    constexpr FoldedName(std::string_view object, std::string_view name) {
        add(object);
        add(name);
    }

    // Returns the folded name, or its first bytes_max bytes if it is longer.
    [[nodiscard]] constexpr std::string_view view() const { return {bytes_.data(), size_}; }
    [[nodiscard]] constexpr bool is_longer() const { return is_longer_; }

    // Returns whether the name consists of letters, digits and `.-_`, like the usual names in
    // scripts.
    [[nodiscard]] constexpr bool is_plain() const {
        return (seen_ & ~(letter | usual_separator)) == 0 && seen_ != 0;
    }
    // Returns whether the folded name consists of letters and digits only.
    [[nodiscard]] constexpr bool has_only_letters() const { return (seen_ & other) == 0; }
    // Returns whether the name has tabs or line breaks, which no word of a key contains.
    [[nodiscard]] constexpr bool has_breaks() const { return (seen_ & line_break) != 0; }

    // Returns eight bytes from the offset `at` on, which must not be after the end of the name.
    // Bytes after the end of the name are 0.
    [[nodiscard]] constexpr uint64_t word(size_t at) const {
        uint64_t word = 0;
        if consteval {
            for (size_t i = 0; i < sizeof word; ++i)
                word |= uint64_t{static_cast<uint8_t>(bytes_[at + i])} << (8 * i);
        } else {
            std::memcpy(&word, bytes_.data() + at, sizeof word);
        }
        return word;
    }

private:
    using Classes = uint8_t;
    static constexpr Classes letter = 1;  // Or a digit.
    static constexpr Classes usual_separator = 2;
    static constexpr Classes separator = 4;
    static constexpr Classes line_break = 8;
    static constexpr Classes other = 16;

    struct Fold {
        char to;  // 0 if the byte is left out.
        Classes classes;
    };
    static constexpr std::array<Fold, 256> folds = [] {
        std::array<Fold, 256> all{};
        for (size_t byte = 0; byte < all.size(); ++byte) {
            const char c = static_cast<char>(byte);
            all[byte] = is_letter(c) || is_digit(c) ? Fold{lower(c), letter} : Fold{c, other};
        }
        all[0].to = 1;  // NUL is kept, as byte 1, which no name in the tables has.
        for (const char c : std::string_view("-_."))
            all[static_cast<uint8_t>(c)] = {0, usual_separator};
        for (const char c : std::string_view(":/ ")) all[static_cast<uint8_t>(c)] = {0, separator};
        for (const char c : std::string_view("\t\r\n"))
            all[static_cast<uint8_t>(c)] = {0, line_break};
        return all;
    }();

    constexpr void add(std::string_view name) {
        size_t size = size_;
        Classes seen = seen_;
        for (const char c : name) {
            const Fold fold = folds[static_cast<uint8_t>(c)];
            seen |= fold.classes;
            bytes_[size] = fold.to;
            size += fold.to != 0;
            if (size > bytes_max) {  // Remove the byte again: only 0 may follow the limit.
                is_longer_ = true;
                bytes_[--size] = 0;
            }
        }
        size_ = size;
        seen_ = seen;
    }

    std::array<char, bytes_max + sizeof(uint64_t)> bytes_{};
    size_t size_ = 0;
    Classes seen_ = 0;
    bool is_longer_ = false;
};

}  // namespace rollcall
