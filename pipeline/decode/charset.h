// Charset: text in a code page that the sender declares, to UTF-8.
//
//     Content-Type: application/json; charset=windows-1251
//
// The conversion is that of the C library (iconv). It may lack a code page, or refuse bytes that
// the code page does not define; then the text is read as any other that is not UTF-8.
//
// Threads: one object for each worker. Only the first texts of a code page allocate.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rollcall {

// Returns the charset that a Content-Type declares, without quotes; may be empty.
[[nodiscard]] std::string_view declared_charset(std::string_view content_type);

class CharsetReader {
public:
    CharsetReader() = default;
    CharsetReader(const CharsetReader&) = delete;
    CharsetReader& operator=(const CharsetReader&) = delete;
    ~CharsetReader();

    // Replaces `out` by the text as UTF-8, if it has at most the capacity of `out`. Returns false
    // if the charset is not known or `text` is not in it.
    [[nodiscard]] bool read(std::string_view charset, std::string_view text, std::string& out);

private:
    // A conversion that is open, by the number of its charset.
    struct Open {
        size_t charset = 0;
        void* conversion = nullptr;
    };
    static constexpr size_t open_max = 4;

    [[nodiscard]] void* conversion(std::string_view charset);

    std::array<Open, open_max> open_;
    size_t next_ = 0;  // The one that is replaced next.
};

}  // namespace rollcall
