#include "daemon/security/json_web_token.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "daemon/security/base64.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/json_text.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

namespace {

// --- parts ---

struct Parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
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

// Reads the object `json`. For each member, calls visit(name, cursor), which must read the member's
// value from the cursor. Returns false if `json` is not exactly one object, or if a visit fails.
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

// Reads a text. Fails if `text` already has a value, because no member may occur twice.
bool read_text(JsonCursor& cursor, std::optional<std::string>& text) {
    JsonString raw;
    if (text || cursor.peek() != '"' || !cursor.string(raw)) return false;
    json_unescape(raw.raw, text.emplace());
    return true;
}

// Reads a NumericDate, which may have a fraction (RFC 7519, section 2).
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

// Reads an audience, which is a text or a list of texts (RFC 7519, section 4.1.3). Sets `found` to
// true if `wanted` is one of the texts, otherwise to false.
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

bool read_header(std::string& header, JsonWebToken& token) {
    std::optional<std::string> algorithm;
    std::optional<std::string> key_id;
    const bool read = each_member(header, [&](std::string_view name, JsonCursor& cursor) {
        if (name == "alg") return read_text(cursor, algorithm);
        if (name == "kid") return read_text(cursor, key_id);
        return name != "crit" && cursor.skip();
    });
    if (!read || !algorithm) return false;
    const auto known = algorithm_of(*algorithm);
    if (!known) return false;
    token.algorithm = *known;
    token.key_id = key_id.value_or("");
    return true;
}

void append_member(std::string& json, std::string_view name, std::string_view value) {
    json += json.empty() ? '{' : ',';
    append_json_text(name, json);
    json += ':';
    append_json_text(value, json);
}

}  // namespace

bool looks_like_json_web_token(std::string_view token) { return split(token).has_value(); }

std::optional<JsonWebToken> parse_json_web_token(std::string_view token) {
    const auto parts = split(token);
    if (!parts) return std::nullopt;
    auto header = from_base64url(parts->header);
    auto payload = from_base64url(parts->payload);
    auto signature = from_base64url(parts->signature);
    if (!header || !payload || !signature) return std::nullopt;
    JsonWebToken parsed{
        .algorithm = Algorithm::hs256,
        .key_id = {},
        .signing_input = token.substr(0, token.size() - parts->signature.size() - 1),
        .payload = std::move(*payload),
        .signature = std::move(*signature)};
    if (!read_header(*header, parsed)) return std::nullopt;
    return parsed;
}

std::optional<Claims> read_claims(const JsonWebToken& token, const ClaimRules& rules) {
    std::string payload = token.payload;
    std::optional<std::string> issuer;
    std::optional<std::string> site;
    std::optional<std::string> tenant;
    std::optional<int64_t> expires_s;
    std::optional<int64_t> not_before_s;
    std::optional<int64_t> issued_s;
    std::optional<std::string> id;
    std::optional<bool> audience_matches;
    const bool read = each_member(payload, [&](std::string_view name, JsonCursor& cursor) {
        if (name == "iss") return read_text(cursor, issuer);
        if (name == "sub") return read_text(cursor, site);
        if (name == "exp") return read_seconds(cursor, expires_s);
        if (name == "nbf") return read_seconds(cursor, not_before_s);
        if (name == "iat") return read_seconds(cursor, issued_s);
        if (name == "jti") return read_text(cursor, id);
        if (name == "aud") return read_audience(cursor, rules.audience, audience_matches);
        if (!rules.tenant_claim.empty() && name == rules.tenant_claim)
            return read_text(cursor, tenant);
        return cursor.skip();
    });
    if (!read || !site || !is_site_name(*site) || !audience_matches.value_or(true))
        return std::nullopt;
    if (tenant && !tenant->empty() && !is_site_name(*tenant)) return std::nullopt;
    if (!rules.issuer.empty() && issuer != rules.issuer) return std::nullopt;
    // expires_s is 0 if a token never expires, so a token that expired in 1970 or before gets 1.
    if (expires_s) expires_s = std::max<int64_t>(*expires_s, 1);
    return Claims{std::move(*site),         tenant.value_or(""),  expires_s.value_or(0),
                  not_before_s.value_or(0), issued_s.value_or(0), id.value_or("")};
}

std::string sign_json_web_token(std::string_view key_id, std::string_view secret,
                                const Claims& claims, const ClaimRules& rules) {
    std::string header;
    append_member(header, "alg", to_text(Algorithm::hs256));
    append_member(header, "kid", key_id);
    std::string payload;
    append_member(payload, "sub", claims.site);
    if (!claims.tenant.empty()) append_member(payload, rules.tenant_claim, claims.tenant);
    if (!rules.issuer.empty()) append_member(payload, "iss", rules.issuer);
    if (!claims.id.empty()) append_member(payload, "jti", claims.id);
    if (claims.issued_s != 0) payload += fmt::format(",\"iat\":{}", claims.issued_s);
    if (claims.expires_s != 0) payload += fmt::format(",\"exp\":{}", claims.expires_s);
    if (claims.not_before_s != 0) payload += fmt::format(",\"nbf\":{}", claims.not_before_s);
    const std::string signing_input =
        to_base64url(header + "}") + "." + to_base64url(payload + "}");
    return signing_input + "." + to_base64url(bytes_of(hmac_sha256(secret, signing_input)));
}

}  // namespace rollcall
