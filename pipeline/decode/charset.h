// CharsetReader: converts text to UTF-8 from the code page that the sender declares.
//
//     Content-Type: application/json; charset=windows-1251
//
// The C library (iconv) does the conversion. If iconv lacks a code page, or refuses bytes that the
// code page does not define, the decoder reads the text like any other text that is not UTF-8.
//
// Threads: one object for each worker. Memory is allocated only when a code page is first used.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rollcall {

// Returns the charset that a Content-Type declares, without quotes. Returns an empty text if it
// declares none.
[[nodiscard]] std::string_view declared_charset(std::string_view content_type);

class CharsetReader {
public:
    CharsetReader() = default;
    CharsetReader(const CharsetReader&) = delete;
    CharsetReader& operator=(const CharsetReader&) = delete;
    ~CharsetReader();

    // Replaces `out` by the text as UTF-8. Returns false if the charset is not known, if `text` is
    // not valid in this charset, or if the result does not fit into the capacity of `out`.
    [[nodiscard]] bool read(std::string_view charset, std::string_view text, std::string& out);

private:
    // An open conversion, and the index of its charset in the table.
    struct Open {
        size_t charset = 0;
        void* conversion = nullptr;
    };
    static constexpr size_t open_max = 4;

    [[nodiscard]] void* conversion(std::string_view charset);

    std::array<Open, open_max> open_;
    size_t next_ = 0;  // The entry that is replaced next.
};

}  // namespace rollcall
