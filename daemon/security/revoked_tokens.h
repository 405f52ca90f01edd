// RevokedTokens: the ids of JSON Web Tokens that are no longer accepted, read from a file.
//
//   |  # id of the token        the rest of the line is a note
//   |  Zm9yLi4uaGVyZS4uLg       stolen 2026-03-01
//
// Comments and blanks follow the rules of secret_file.h. Only a token with the claim `jti` can be
// revoked; the tokens of `rollcalld token new` have this claim.
//
// Threads: built by one thread, then only read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/secret_file.h"
#include "pipeline/base/error.h"

namespace rollcall {

class RevokedTokens {
public:
    RevokedTokens() = default;
    // Reads the whole file or fails. The error's explanation names file, line and reason.
    [[nodiscard]] static Result<RevokedTokens> read(const std::string& path, size_t tokens_max) {
        RevokedTokens tokens;
        const auto read = read_secret_file(
            path, [&](std::span<const std::string_view> words, uint32_t) -> Result<void> {
                if (tokens.ids_.size() == tokens_max)
                    return fail(Code::bad_file, "the file has more lines than auth.revoked_max");
                tokens.ids_.emplace_back(words.front());
                return {};
            });
        if (!read) return std::unexpected(read.error());
        std::ranges::sort(tokens.ids_);
        return tokens;
    }

    // Returns false for an empty id, because a token without an id cannot be revoked.
    [[nodiscard]] bool contains(std::string_view id) const {
        return std::ranges::binary_search(ids_, id, {},
                                          [](const auto& text) { return std::string_view(text); });
    }

    [[nodiscard]] size_t size() const { return ids_.size(); }

private:
    std::vector<std::string> ids_;  // Sorted. No id is empty.
};

}  // namespace rollcall
