#include "daemon/http/credentials.h"

#include <algorithm>
#include <optional>

#include "daemon/security/base64.h"
#include "daemon/security/signatures.h"
#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// Returns the value of the field with this name; empty if there is none, or more than one.
std::string_view field(std::string_view fields, std::string_view wanted) {
    std::string_view found;
    size_t count = 0;
    each_field(fields, [&](std::string_view name, std::string_view value) {
        if (!same_word(name, wanted)) return;
        found = value;
        ++count;
    });
    return count == 1 ? found : std::string_view();
}

std::string_view query_of(std::string_view target) {
    return target.substr(std::min(target.find('?'), target.size() - 1) + 1);
}

// Returns the value of the first pair with this name, still percent-encoded.
std::string_view pair_in(std::string_view query, std::string_view wanted) {
    while (!wanted.empty() && !query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.size() > wanted.size() && pair.starts_with(wanted) && pair[wanted.size()] == '=')
            return pair.substr(wanted.size() + 1);
    }
    return {};
}

std::optional<Credential> by_authorization(std::string_view value, std::string& buffer) {
    const size_t space = std::min(value.find(' '), value.size());
    const std::string_view scheme = value.substr(0, space);
    const std::string_view rest = without_blanks(value.substr(space));
    if (rest.empty()) return std::nullopt;
    // InfluxDB's clients use the scheme name `Token`.
    if (same_word(scheme, "Bearer") || same_word(scheme, "Token")) return Credential{{}, rest, {}};
    if (!same_word(scheme, "Basic")) return std::nullopt;
    auto login = from_base64(rest);
    if (!login) return std::nullopt;
    buffer.swap(*login);
    const std::string_view both = buffer;
    const size_t colon = both.find(':');
    if (colon == both.npos) return std::nullopt;
    return Credential::login(both.substr(0, colon), both.substr(colon + 1));
}

}  // namespace

Result<Credential> credential_in(const HttpHead& head, const Settings& settings,
                                 std::string& buffer) {
    const auto& auth = settings.auth;
    buffer.clear();
    Credential credential;
    if (!head.authorization.empty()) {
        const auto found = by_authorization(head.authorization, buffer);
        if (!found) return fail(Code::bad_credential);
        credential = *found;
    } else if (!auth.token_header.empty()) {
        credential.token = field(head.fields, auth.token_header);
    }
    if (!credential.token.empty()) {
        if (credential.site.empty() && !auth.site_header.empty())
            credential.site = field(head.fields, auth.site_header);
        return credential;
    }
    const std::string_view query = query_of(head.target);
    const std::string_view token = pair_in(query, auth.token_query);
    append_decoded(token, false, buffer);
    const size_t token_bytes = buffer.size();
    append_decoded(pair_in(query, auth.site_query), false, buffer);
    credential.token = std::string_view(buffer).substr(0, token_bytes);
    credential.site = std::string_view(buffer).substr(token_bytes);
    return credential;
}

bool is_credential_field(std::string_view name, const Settings& settings) {
    return same_word(name, settings.auth.token_header) ||
           same_word(name, settings.auth.site_header);
}

std::string without_token(std::string_view query, const Settings& settings) {
    const std::string_view token = settings.auth.token_query;
    std::string rest;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (!token.empty() && pair.substr(0, pair.find('=')) == token) continue;
        rest.append(rest.empty() ? "" : "&").append(pair);
    }
    return rest;
}

}  // namespace rollcall
