#include "daemon/security/base64.h"

#include <array>
#include <cstdint>

namespace rollcall {

namespace {

constexpr std::string_view standard_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t no_letter = 0xFF;

using Values = std::array<uint8_t, 256>;

constexpr Values values_of(std::string_view letters) {
    Values values{};
    values.fill(no_letter);
    for (size_t at = 0; at < letters.size(); ++at)
        values[static_cast<uint8_t>(letters[at])] = static_cast<uint8_t>(at);
    return values;
}

constexpr Values standard_values = values_of(standard_letters);
constexpr Values url_values = values_of(url_letters);

std::optional<std::string> decode(std::string_view text, const Values& values) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t bits = 0;
    unsigned count = 0;  // Number of bits that do not yet fill a byte.
    for (const char letter : text) {
        const uint8_t value = values[static_cast<uint8_t>(letter)];
        if (value == no_letter) return std::nullopt;
        bits = bits << 6 | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count);
        bits &= (1U << count) - 1;
    }
    if (bits != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    return decode(text, standard_values);
}

std::optional<std::string> from_base64url(std::string_view text) {
    return decode(text, url_values);
}

std::string to_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t bits = 0;
    unsigned count = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<uint8_t>(byte);
        count += 8;
        for (; count >= 6; count -= 6) text += url_letters[bits >> (count - 6) & 63];
    }
    if (count > 0) text += url_letters[bits << (6 - count) & 63];
    return text;
}

}  // namespace rollcall
