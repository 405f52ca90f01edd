#include "daemon/security/stored_tokens.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

#include "daemon/security/secret_file.h"
#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

namespace {

constexpr size_t entries_per_bucket = 4;
constexpr unsigned short_digest_bits = std::numeric_limits<ShortDigest>::digits;

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

Result<StoredTokens> StoredTokens::read(const std::string& path, size_t tokens_max) {
    StoredTokens tokens;
    const auto added = read_secret_file(
        path, [&](std::span<const std::string_view> words, uint32_t line) -> Result<void> {
            if (tokens.entries_.size() == tokens_max)
                return fail(Code::bad_file, "the file has more lines than auth.tokens_max");
            return tokens.add(words, line);
        });
    if (!added) return std::unexpected(added.error());
    tokens.sort();
    const auto twice = std::ranges::adjacent_find(tokens.entries_, {}, &Entry::digest);
    if (twice != tokens.entries_.end()) {
        const auto error =
            fail(Code::bad_file, fmt::format("repeats the token of line {}", twice->line));
        return std::unexpected(at_line(path, std::next(twice)->line, error.error()));
    }
    return tokens;
}

Result<void> StoredTokens::add(std::span<const std::string_view> words, uint32_t line) {
    const auto wrong = [](const char* reason) { return fail(Code::bad_file, reason); };
    if (words.size() < 2 || words.size() > 3)
        return wrong("the line must have the form: site [tenant] SHA-256");
    const std::string_view site = words.front();
    const std::string_view tenant = words.size() == 3 ? words[1] : std::string_view();
    Entry entry{};
    if (!read_digest(words.back(), entry.digest))
        return wrong("does not end in a SHA-256, which has 64 hex digits");
    if (!is_site_name(site)) return wrong("the site is not UTF-8, or is longer than 128 bytes");
    if (!tenant.empty() && !is_site_name(tenant))
        return wrong("the tenant is not UTF-8, or is longer than 128 bytes");
    if (names_.size() > std::numeric_limits<uint32_t>::max() - site.size() - tenant.size())
        return wrong("the names of all sites together are too long");
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
    const size_t buckets = std::bit_ceil(std::max<size_t>(2, entries_.size() / entries_per_bucket));
    bucket_shift_ = short_digest_bits - static_cast<unsigned>(std::countr_zero(buckets));
    buckets_.assign(buckets + 1, 0);
    for (const Entry& entry : entries_) ++buckets_[(shortened(entry.digest) >> bucket_shift_) + 1];
    for (size_t bucket = 1; bucket <= buckets; ++bucket) buckets_[bucket] += buckets_[bucket - 1];
}

std::span<const StoredTokens::Entry> StoredTokens::bucket_of(ShortDigest digest) const {
    const size_t bucket = digest >> bucket_shift_;
    return std::span(entries_).subspan(buckets_[bucket], buckets_[bucket + 1] - buckets_[bucket]);
}

std::optional<StoredTokens::Token> StoredTokens::find(const Digest& digest) const {
    const Entry* found = nullptr;
    for (const Entry& entry : bucket_of(shortened(digest)))
        if (same_secret(bytes_of(entry.digest), bytes_of(digest))) found = &entry;
    if (found == nullptr) return std::nullopt;
    return token_of(*found);
}

std::optional<StoredTokens::Token> StoredTokens::find(ShortDigest digest) const {
    for (const Entry& entry : bucket_of(digest))
        if (shortened(entry.digest) == digest) return token_of(entry);
    return std::nullopt;
}

StoredTokens::Token StoredTokens::token_of(const Entry& entry) const {
    const std::string_view names = std::string_view(names_).substr(entry.name_at);
    return {names.substr(0, entry.site_bytes), names.substr(entry.site_bytes, entry.tenant_bytes),
            entry.line};
}

}  // namespace rollcall
