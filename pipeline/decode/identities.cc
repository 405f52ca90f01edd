#include "pipeline/decode/identities.h"

#include <algorithm>

#include "pipeline/base/ascii.h"

namespace rollcall::identities {

namespace {

constexpr size_t bytes_max = 32;

// Texts that scripts send for a missing value, reduced to letters and digits: `na` represents `N/A`
// and `n.a.`, `none` represents `<none>`.
constexpr std::string_view placeholders =
    " na none null nil unknown unknow undefined undef unset notset notfound notavailable notavail"
    " unavailable notapplicable nan false true error empty default tobefilledbyoem nothing noserial"
    " missing invalid serial serialnumber chr ";

// Names of products and of their maker, reduced to letters and digits.
constexpr std::string_view products =
    " mikrotik routeros routerboard hex hexs haplite haplitetc hapmini hapac hapax rb ";
// Prefixes of product names.
constexpr std::array<std::string_view, 13> series = {
    "RB", "CCR", "CRS", "CSS", "RBD", "RBM", "RBL", "hAP", "hEX", "cAP", "wAP", "mAP", "LtAP"};

// Returns whether a list of words, each with a blank before and after it, contains a word.
bool contains_word(std::string_view words, std::string_view word) {
    for (size_t at = 0; (at = words.find(word, at)) != words.npos; ++at)
        if (words[at - 1] == ' ' && words[at + word.size()] == ' ') return true;
    return false;
}

// A set of character classes, one bit for each class.
using Classes = uint8_t;
constexpr Classes zero = 1;
constexpr Classes digit = 2;  // 1 to 9; 0 is a class of its own.
constexpr Classes capital = 4;
constexpr Classes small = 8;
constexpr Classes series_mark = 16;  // A character that separates the parts of a product's name.
constexpr Classes not_ascii = 32;
constexpr Classes other = 64;
constexpr Classes plain = zero | digit | capital | small;

constexpr std::array<Classes, 256> class_of = [] {
    std::array<Classes, 256> classes{};
    for (size_t byte = 0; byte < classes.size(); ++byte) {
        const char c = static_cast<char>(byte);
        classes[byte] = byte >= 0x80                                                 ? not_ascii
                        : c == '0'                                                   ? zero
                        : is_digit(c)                                                ? digit
                        : is_upper(c)                                                ? capital
                        : is_lower(c)                                                ? small
                        : std::string_view("-+ ^").find(c) != std::string_view::npos ? series_mark
                                                                                     : other;
    }
    return classes;
}();

Classes classes_in(std::string_view text) {
    Classes found = 0;
    for (const char c : text) found |= class_of[static_cast<uint8_t>(c)];
    return found;
}

constexpr bool is_plain(char c) { return (class_of[static_cast<uint8_t>(c)] & plain) != 0; }

bool consists_of(std::string_view text, std::string_view besides) {
    return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, [&](char c) {
        return is_plain(c) || besides.find(c) != besides.npos;
    });
}

// The letters and digits of a text, in lower case.
class Letters {
public:
    explicit Letters(std::string_view text) {
        for (const char c : text) {
            if (!is_plain(c)) continue;
            if (size_ == bytes_.size()) return;
            bytes_[size_++] = lower(c);
        }
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

private:
    std::array<char, bytes_max> bytes_;
    size_t size_ = 0;
};

// Returns whether a text is the name of a product of a series: "RB951Ui-2HnD", "CCR2004", "hAP ac".
// A serial number can begin with the same letters, but has at least eight characters, all of them
// capital letters or digits.
bool is_of_a_series(std::string_view text, Classes classes) {
    if ((classes & (small | series_mark)) == 0 && text.size() >= 8) return false;
    return std::ranges::any_of(series, [&](std::string_view name) {
        if (!text.starts_with(name) || text.size() == name.size()) return false;
        const char next = text[name.size()];
        return is_digit(next) || next == ' ';
    });
}

bool is_placeholder(std::string_view text, Classes classes) {
    static constexpr ByteSet openers("$[{<%");
    if (text.empty()) return true;
    // The text is a variable, a command or a template that was not filled in.
    if (openers.has(text[0])) return true;
    // Most identities have a digit other than 0. No word in `placeholders` and `products` has such
    // a digit, so these lists need not be searched.
    if ((classes & digit) != 0) return same_word(text, "x86") || is_of_a_series(text, classes);
    if ((classes & not_ascii) != 0) return false;
    if ((classes & plain & ~zero) == 0) return true;  // "000", "--".
    const Letters letters(text);
    const std::string_view word = letters.view();
    return contains_word(placeholders, word) || contains_word(products, word) ||
           is_of_a_series(text, classes);
}

}  // namespace

bool is_placeholder(std::string_view text) { return is_placeholder(text, classes_in(text)); }

bool is_routerboard_serial(std::string_view text) {
    const size_t slash = std::min(text.find('/'), text.size());
    const std::string_view number = text.substr(0, slash);
    const std::string_view revision = text.substr(std::min(slash + 1, text.size()));
    if (number.size() < 8 || number.size() > 12 || revision.size() > 4) return false;
    if (slash < text.size() && revision.empty()) return false;
    const Classes in_number = classes_in(number);
    const Classes in_both = in_number | classes_in(revision);
    return (in_both & ~plain) == 0 && (in_number & (zero | digit)) != 0 &&
           !is_placeholder(text, in_both);
}

bool is_serial(std::string_view text) { return consists_of(text, "-_./") && !is_placeholder(text); }

bool is_licence(std::string_view text) {
    return consists_of(text, "+/=-_") && !is_placeholder(text);
}

bool is_site(std::string_view text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; };
    return !text.empty() && std::ranges::none_of(text, is_control) && !is_placeholder(text);
}

std::optional<Mac> mac(std::string_view text, bool bare_too) {
    constexpr size_t digits = 12;
    const bool bare = text.size() == digits;
    if ((bare && !bare_too) || text.size() < digits || text.size() > 17) return std::nullopt;
    const char separator = bare ? '\0' : text[text.find_first_of(":-.") == 4 ? 4 : 2];
    if (!bare && std::string_view(":-.").find(separator) == std::string_view::npos)
        return std::nullopt;
    const size_t step = bare ? digits : text[2] == separator ? 2 : 4;
    Mac result{};
    size_t taken = 0;
    size_t at = 0;
    for (; at < text.size() && taken < digits; ++at) {
        if (taken > 0 && taken % step == 0 && text[at] == separator && text[at - 1] != separator)
            continue;
        if (hex_digit(text[at]) < 0) return std::nullopt;
        result.text[taken / 2 * 3 + taken % 2] = upper(text[at]);
        ++taken;
    }
    const size_t separators = bare ? 0 : digits / step - 1;
    if (taken < digits || at < text.size() || text.size() != digits + separators)
        return std::nullopt;
    for (size_t place = 2; place < result.text.size(); place += 3) result.text[place] = ':';
    if (result.view() == "00:00:00:00:00:00" || result.view() == "FF:FF:FF:FF:FF:FF")
        return std::nullopt;
    return result;
}

}  // namespace rollcall::identities
