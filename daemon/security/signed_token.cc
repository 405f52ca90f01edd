#include "daemon/security/signed_token.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "daemon/security/base64.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

namespace {

constexpr std::string_view our_prefix = "rc1.";

// --- parts ---

struct Parts {
    std::string_view first;
    std::string_view second;
    std::string_view third;
};

std::optional<Parts> split(std::string_view token) {
    const size_t first = token.find('.');
    if (first == token.npos) return std::nullopt;
    const size_t second = token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
    return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                 token.substr(second + 1)};
}

// --- JSON ---

// Calls visit(name, cursor) at the value of each member of an object, which is all of `json`.
template <class Visit>
bool each_member(std::string& json, Visit visit) {
    if (!utf8_valid(json)) return false;
    json.reserve(json.size() + body_padding);
    JsonCursor cursor(json);
    if (cursor.peek() != '{') return false;
    std::string name;
    const bool whole = cursor.each('}', [&] {
        JsonString raw;
        if (!cursor.name(raw)) return false;
        name.clear();
        json_unescape(raw.raw, name);
        cursor.peek();
        return visit(std::string_view(name), cursor);
    });
    return whole && cursor.finish();
}

// A member that may come once.
bool read_text(JsonCursor& cursor, std::optional<std::string>& text) {
    JsonString raw;
    if (text || cursor.peek() != '"' || !cursor.string(raw)) return false;
    json_unescape(raw.raw, text.emplace());
    return true;
}

// RFC 7519, section 2: a NumericDate may have a fraction.
bool read_seconds(JsonCursor& cursor, std::optional<int64_t>& seconds) {
    constexpr double seconds_max = 1e15;
    JsonNumber number;
    if (seconds || !cursor.number(number)) return false;
    if (number.exact) {
        seconds = number.integer;
        return true;
    }
    double value = 0;
    const char* const end = number.lexeme.data() + number.lexeme.size();
    if (std::from_chars(number.lexeme.data(), end, value).ec != std::errc{}) return false;
    if (!(std::abs(value) < seconds_max)) return false;
    seconds = static_cast<int64_t>(std::floor(value));
    return true;
}

// RFC 7519, section 4.1.3: a text, or a list of them; found: one is `wanted`.
bool read_audience(JsonCursor& cursor, std::string_view wanted, std::optional<bool>& found) {
    if (found) return false;
    found = false;
    const auto read_one = [&] {
        std::optional<std::string> one;
        if (!read_text(cursor, one)) return false;
        found = *found || *one == wanted;
        return true;
    };
    if (cursor.peek() == '[') return cursor.each(']', read_one);
    return read_one();
}

std::optional<Algorithm> json_algorithm(std::string_view name) {
    for (const Algorithm algorithm :
         {Algorithm::hs256, Algorithm::rs256, Algorithm::es256, Algorithm::eddsa})
        if (name == to_text(algorithm)) return algorithm;
    return std::nullopt;
}

bool read_header(std::string& header, Envelope& envelope) {
    std::optional<std::string> algorithm;
    std::optional<std::string> key_id;
    const bool read = each_member(header, [&](std::string_view name, JsonCursor& cursor) {
        if (name == "alg") return read_text(cursor, algorithm);
        if (name == "kid") return read_text(cursor, key_id);
        return name != "crit" && cursor.skip();
    });
    if (!read || !algorithm) return false;
    const auto known = json_algorithm(*algorithm);
    if (!known) return false;
    envelope.algorithm = *known;
    envelope.key_id = key_id.value_or("");
    return true;
}

std::optional<Claims> read_json_claims(std::string payload, const ClaimRules& rules) {
    std::optional<std::string> issuer;
    std::optional<std::string> site;
    std::optional<std::string> tenant;
    std::optional<int64_t> expires_s;
    std::optional<int64_t> not_before_s;
    std::optional<bool> for_us;
    const bool read = each_member(payload, [&](std::string_view name, JsonCursor& cursor) {
        if (name == "iss") return read_text(cursor, issuer);
        if (name == "sub") return read_text(cursor, site);
        if (name == "exp") return read_seconds(cursor, expires_s);
        if (name == "nbf") return read_seconds(cursor, not_before_s);
        if (name == "aud") return read_audience(cursor, rules.audience, for_us);
        if (!rules.tenant_claim.empty() && name == rules.tenant_claim)
            return read_text(cursor, tenant);
        return cursor.skip();
    });
    if (!read || !site || !for_us.value_or(true)) return std::nullopt;
    if (!rules.issuer.empty() && issuer != rules.issuer) return std::nullopt;
    // 0 means never here, and long ago there.
    if (expires_s) expires_s = std::max<int64_t>(*expires_s, 1);
    return Claims{std::move(*site), tenant.value_or(""), expires_s.value_or(0),
                  not_before_s.value_or(0)};
}

// --- our own ---

// The four lines of a payload.
std::optional<std::array<std::string_view, 4>> lines_of(std::string_view payload) {
    std::array<std::string_view, 4> lines;
    for (size_t line = 0; line < lines.size(); ++line) {
        const size_t end = payload.find('\n');
        const bool last = line + 1 == lines.size();
        if ((end == payload.npos) != last) return std::nullopt;
        lines[line] = payload.substr(0, end);
        if (!last) payload.remove_prefix(end + 1);
    }
    return lines;
}

std::optional<Claims> read_our_claims(std::string_view payload) {
    const auto lines = lines_of(payload);
    if (!lines) return std::nullopt;
    const auto [key_id, expires, site, tenant] = *lines;
    Claims claims{std::string(site), std::string(tenant), 0, 0};
    const char* const end = expires.data() + expires.size();
    const auto read = std::from_chars(expires.data(), end, claims.expires_s);
    if (read.ec != std::errc{} || read.ptr != end || claims.expires_s < 0) return std::nullopt;
    return claims;
}

}  // namespace

bool looks_signed(std::string_view token) { return split(token).has_value(); }

std::optional<Envelope> open_envelope(std::string_view token) {
    const auto parts = split(token);
    if (!parts) return std::nullopt;
    auto payload = from_base64url(parts->second);
    auto signature = from_base64url(parts->third);
    if (!payload || !signature) return std::nullopt;
    const std::string_view signed_text = token.substr(0, token.size() - parts->third.size() - 1);
    Envelope envelope{Algorithm::signed_token, "", signed_text, std::move(*payload),
                      std::move(*signature)};
    if (token.starts_with(our_prefix)) {
        const auto lines = lines_of(envelope.payload);
        if (!lines) return std::nullopt;
        envelope.key_id = lines->front();
        return envelope;
    }
    auto header = from_base64url(parts->first);
    if (!header || !read_header(*header, envelope)) return std::nullopt;
    return envelope;
}

std::optional<Claims> read_claims(const Envelope& envelope, const ClaimRules& rules) {
    auto claims = envelope.algorithm == Algorithm::signed_token
                      ? read_our_claims(envelope.payload)
                      : read_json_claims(envelope.payload, rules);
    if (!claims || !is_site_name(claims->site)) return std::nullopt;
    if (!claims->tenant.empty() && !is_site_name(claims->tenant)) return std::nullopt;
    return claims;
}

std::string sign_token(std::string_view key_id, std::string_view key, const Claims& claims) {
    const std::string text =
        fmt::format("{}{}", our_prefix,
                    to_base64url(fmt::format("{}\n{}\n{}\n{}", key_id, claims.expires_s,
                                             claims.site, claims.tenant)));
    return text + "." + to_base64url(bytes_of(hmac_sha256(key, text)));
}

}  // namespace rollcall
