#include "daemon/security/stored_tokens.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "daemon/security/secret_file.h"
#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

namespace {

constexpr size_t entries_of_a_place = 4;
constexpr unsigned mark_bits = std::numeric_limits<uint64_t>::digits;

bool read_digest(std::string_view hex, Digest& digest) {
    if (hex.size() != 2 * digest.size()) return false;
    for (size_t at = 0; at < digest.size(); ++at) {
        const int high = hex_digit(hex[2 * at]);
        const int low = hex_digit(hex[2 * at + 1]);
        if (high < 0 || low < 0) return false;
        digest[at] = static_cast<uint8_t>(high * 16 + low);
    }
    return true;
}

}  // namespace

bool is_site_name(std::string_view text) {
    const auto is_blank = [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == '\x7f'; };
    return !text.empty() && text.size() <= bytes_max(Column::site_id) &&
           std::ranges::none_of(text, is_blank) && utf8_valid(text);
}

uint64_t StoredTokens::mark_of(const Digest& digest) {
    uint64_t mark = 0;
    for (size_t at = 0; at < sizeof mark; ++at) mark = mark << 8 | digest[at];
    return mark;
}

std::expected<StoredTokens, std::string> StoredTokens::read(const std::string& path,
                                                            size_t tokens_max) {
    StoredTokens tokens;
    const auto taken = read_secret_file(
        path, [&](std::span<const std::string_view> words, uint32_t line) -> std::string {
            if (tokens.entries_.size() == tokens_max) return "is one more than auth.tokens_max";
            return tokens.take(words, line);
        });
    if (!taken) return std::unexpected(taken.error());
    tokens.sort();
    const auto twice = std::ranges::adjacent_find(tokens.entries_, {}, &Entry::digest);
    if (twice != tokens.entries_.end())
        return std::unexpected(at_line(path, std::next(twice)->line,
                                       fmt::format("is the token of line {} again", twice->line)));
    return tokens;
}

std::string StoredTokens::take(std::span<const std::string_view> words, uint32_t line) {
    if (words.size() < 2 || words.size() > 3) return "is not: site [tenant] SHA-256";
    const std::string_view site = words.front();
    const std::string_view tenant = words.size() == 3 ? words[1] : std::string_view();
    Entry entry{};
    if (!read_digest(words.back(), entry.digest))
        return "does not end in a SHA-256, which has 64 hex digits";
    if (!is_site_name(site)) return "the site is not UTF-8, or longer than a site can be";
    if (!tenant.empty() && !is_site_name(tenant))
        return "the tenant is not UTF-8, or longer than one can be";
    if (names_.size() > std::numeric_limits<uint32_t>::max() - site.size() - tenant.size())
        return "is more than there is room for";
    entry.name_at = static_cast<uint32_t>(names_.size());
    entry.line = line;
    entry.site_bytes = static_cast<uint8_t>(site.size());
    entry.tenant_bytes = static_cast<uint8_t>(tenant.size());
    names_.append(site).append(tenant);
    entries_.push_back(entry);
    return {};
}

void StoredTokens::sort() {
    std::ranges::sort(entries_, [](const Entry& left, const Entry& right) {
        return std::tie(left.digest, left.line) < std::tie(right.digest, right.line);
    });
    entries_.shrink_to_fit();
    names_.shrink_to_fit();
    const size_t places = std::bit_ceil(std::max<size_t>(2, entries_.size() / entries_of_a_place));
    place_shift_ = mark_bits - static_cast<unsigned>(std::countr_zero(places));
    places_.assign(places + 1, 0);
    for (const Entry& entry : entries_) ++places_[(mark_of(entry.digest) >> place_shift_) + 1];
    for (size_t place = 1; place <= places; ++place) places_[place] += places_[place - 1];
}

// Those that begin as the mark does.
std::span<const StoredTokens::Entry> StoredTokens::near(uint64_t mark) const {
    const size_t place = mark >> place_shift_;
    return std::span(entries_).subspan(places_[place], places_[place + 1] - places_[place]);
}

std::optional<StoredTokens::Token> StoredTokens::find(const Digest& digest) const {
    const Entry* found = nullptr;
    for (const Entry& entry : near(mark_of(digest)))
        if (same_secret(bytes_of(entry.digest), bytes_of(digest))) found = &entry;
    if (found == nullptr) return std::nullopt;
    return token_of(*found);
}

std::optional<StoredTokens::Token> StoredTokens::find(uint64_t mark) const {
    for (const Entry& entry : near(mark))
        if (mark_of(entry.digest) == mark) return token_of(entry);
    return std::nullopt;
}

StoredTokens::Token StoredTokens::token_of(const Entry& entry) const {
    const std::string_view names = std::string_view(names_).substr(entry.name_at);
    return {names.substr(0, entry.site_bytes), names.substr(entry.site_bytes, entry.tenant_bytes),
            entry.line};
}

}  // namespace rollcall
