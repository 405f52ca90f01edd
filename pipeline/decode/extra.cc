#include "pipeline/decode/extra.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

struct SecretPart {
    std::string_view text;
    Privacy privacy;
};

// A name that contains one of these parts indicates a secret or identifies a person. The parts are
// folded like keys and sorted by their first letters. `key` occurs in many harmless names, so the
// list contains it only with a word in front of it.
constexpr SecretPart secret_parts[] = {
    {"accesskey", Privacy::credential},     {"apikey", Privacy::credential},
    {"authkey", Privacy::credential},       {"authorization", Privacy::credential},
    {"community", Privacy::credential},     {"cookie", Privacy::credential},
    {"credential", Privacy::credential},    {"devicekey", Privacy::credential},
    {"encryptionkey", Privacy::credential}, {"iccid", Privacy::subscriber},
    {"imei", Privacy::subscriber},          {"imsi", Privacy::subscriber},
    {"jwt", Privacy::credential},           {"licencekey", Privacy::credential},
    {"licensekey", Privacy::credential},    {"loginkey", Privacy::credential},
    {"masterkey", Privacy::credential},     {"mobilenumber", Privacy::subscriber},
    {"msisdn", Privacy::subscriber},        {"networkkey", Privacy::credential},
    {"onetimecode", Privacy::credential},   {"passcode", Privacy::credential},
    {"passkey", Privacy::credential},       {"passphrase", Privacy::credential},
    {"passw", Privacy::credential},         {"phone", Privacy::subscriber},
    {"pincode", Privacy::credential},       {"privatekey", Privacy::credential},
    {"psk", Privacy::credential},           {"secret", Privacy::credential},
    {"securitykey", Privacy::credential},   {"sessionkey", Privacy::credential},
    {"sharedkey", Privacy::credential},     {"signingkey", Privacy::credential},
    {"simid", Privacy::subscriber},         {"simnumber", Privacy::subscriber},
    {"simserial", Privacy::subscriber},     {"sshkey", Privacy::credential},
    {"staticwepkey", Privacy::credential},  {"subscriber", Privacy::subscriber},
    {"token", Privacy::credential},         {"uicc", Privacy::subscriber},
    {"wepkey", Privacy::credential},        {"wifikey", Privacy::credential},
    {"wirelesskey", Privacy::credential},   {"wpakey", Privacy::credential}};
constexpr std::array<std::string_view, 6> secret_ends = {"pass", "pin", "pwd",
                                                         "auth", "otp", "puk"};

// For each letter, the index of the first part that begins with it. One more entry marks the end of
// the last letter's parts.
constexpr std::array<uint8_t, 27> parts_from = [] {
    std::array<uint8_t, 27> from{};
    for (size_t letter = 0; letter < from.size(); ++letter)
        for (const auto& part : secret_parts)
            from[letter] += part.text[0] < static_cast<char>('a' + letter);
    return from;
}();

// For each first letter, a mask of the second letters of the parts that begin with it. With this
// table, most positions in a name need no comparison with the parts.
constexpr uint32_t letter_bit(char letter) { return uint32_t{1} << ((letter - 'a') & 31); }
constexpr std::array<uint32_t, 256> seconds_of = [] {
    std::array<uint32_t, 256> seconds{};
    for (const auto& part : secret_parts)
        seconds[static_cast<uint8_t>(part.text[0])] |= letter_bit(part.text[1]);
    return seconds;
}();

// If the text begins with one of the parts, returns the privacy of that part, otherwise open. The
// first byte of the text is a lower-case letter.
Privacy privacy_at(std::string_view text) {
    const auto letter = static_cast<size_t>(text[0] - 'a');
    for (size_t part = parts_from[letter]; part < parts_from[letter + 1]; ++part)
        if (text.starts_with(secret_parts[part].text)) return secret_parts[part].privacy;
    return Privacy::open;
}

constexpr size_t name_bytes_max = 64;  // Only the end of a longer name is checked.

// Returns whether a name indicates a secret or identifies a person. The name consists of lower-case
// letters and digits.
Privacy privacy_of_letters(std::string_view text) {
    constexpr uint32_t last_letters = [] {
        uint32_t letters = 0;
        for (const auto end : secret_ends) letters |= letter_bit(end.back());
        return letters;
    }();
    const bool has_end =
        !text.empty() && (last_letters & letter_bit(text.back())) != 0 &&
        std::ranges::any_of(secret_ends, [&](auto end) { return text.ends_with(end); });
    if (has_end || text == "key" || text == "keys") return Privacy::credential;
    for (size_t at = 0; at + 1 < text.size(); ++at) {
        if ((seconds_of[static_cast<uint8_t>(text[at])] & letter_bit(text[at + 1])) == 0) continue;
        if (const Privacy privacy = privacy_at(text.substr(at)); privacy != Privacy::open)
            return privacy;
    }
    return Privacy::open;
}

}  // namespace

Privacy privacy_of(std::string_view name) {
    std::array<char, name_bytes_max> folded;
    if (name.size() > folded.size()) name.remove_prefix(name.size() - folded.size());
    size_t size = 0;
    for (const char c : name) {
        folded[size] = lower(c);
        size += is_letter(c) || is_digit(c);
    }
    return privacy_of_letters({folded.data(), size});
}

Privacy privacy_of(std::string_view name, const FoldedName& folded) {
    const bool is_same = name.size() <= name_bytes_max && folded.has_only_letters();
    return is_same ? privacy_of_letters(folded.view()) : privacy_of(name);
}

void Extra::put(std::string_view bytes) {
    std::memcpy(&bytes_[used_], bytes.data(), bytes.size());
    used_ += bytes.size();
}

// Appends a comma and the name of a member. Returns false and appends nothing if the member is to
// be left out. Does the same if the comma, the name and a value of `value_bytes` bytes do not fit.
bool Extra::begin(const Name& named, size_t value_bytes) {
    if (muted_ > 0 || named.secret) return false;
    const std::string_view name = named.text;
    const size_t before = used_;
    if (used_ == 0) put('{');
    const char last = bytes_[used_ - 1];
    if (last != '{' && last != '[') put(',');
    const bool fits = room() > name.size() + value_bytes;
    if (fits && name.empty()) return true;
    if (fits && quote(name, named.plain) && room() > value_bytes + 1) {
        put(':');
        return true;
    }
    used_ = before;
    cut_ = true;
    return false;
}

bool Extra::quote(std::string_view text, bool plain) {
    if (room() < text.size() + 2) return false;
    put('"');
    const size_t begin = used_;
    put(text);  // Copy the text, then check whether it needs escapes.
    size_t seen = plain ? text.size() : 0;
    while (seen < text.size()) {
        const size_t step = json_plain(&bytes_[begin + seen]);
        seen += step;
        if (step < json_step) break;
    }
    if (seen < text.size()) {
        used_ = begin;
        if (!quote_escaped(text)) return false;
    }
    put('"');
    return true;
}

bool Extra::quote_escaped(std::string_view text) {
    for (const char c : text) {
        if (room() < 7) return false;
        if (c == '"' || c == '\\') put('\\');
        if (static_cast<uint8_t>(c) >= ' ') {
            put(c);
            continue;
        }
        constexpr std::string_view hex = "0123456789abcdef";
        put("\\u00");
        put(hex[static_cast<uint8_t>(c) >> 4]);
        put(hex[c & 15]);
    }
    return true;
}

void Extra::text(const Name& name, std::string_view value) {
    const size_t before = used_;
    if (!begin(name, value.size() + 2)) return;
    if (quote(value)) return;
    used_ = before;
    cut_ = true;
}

void Extra::literal(const Name& name, std::string_view value) {
    if (begin(name, value.size())) put(value);
}

Extra::Mark Extra::open(const Name& name, char bracket) {
    const Mark mark = used_;
    if (begin(name, 2)) {
        put(bracket);
        ++depth_;
    } else {
        ++muted_;
    }
    return mark;
}

void Extra::close(Mark mark, char bracket) {
    if (muted_ > 0) {
        --muted_;
        return;
    }
    --depth_;
    const bool empty = used_ <= mark || bytes_[used_ - 1] == '{' || bytes_[used_ - 1] == '[';
    if (empty) {
        used_ = mark;
    } else {
        put(bracket);
    }
}

std::string_view Extra::json() {
    if (used_ == 0) return {};
    bytes_[used_] = '}';
    return {bytes_.data(), used_ + 1};
}

}  // namespace rollcall
