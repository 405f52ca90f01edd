// StoredTokens: the tokens of auth.tokens_file. Each token has a line with the site and the tenant
// of the client. The line contains the SHA-256 of the token, not the token itself.
//
//   |  # site      tenant   SHA-256 of the token, in hex
//   |  tower-12    acme     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//   |  tower-13             60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
//   |  gw/*                 fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13
//
// Comments and blanks follow the rules of secret_file.h. A site may have several tokens, so that an
// operator can replace one without an interruption. A site that ends in `*` is a prefix: the token
// is valid for each site with this prefix, and the client must name the site together with the
// token. Tokens for a prefix are for gateways, and for agents that share one key.
//
// The object has three arrays:
//
//   |  entries   sorted by digest: [ digest | offset in names | line | lengths ]
//   |  buckets   by the first bits of a digest: the index of the first entry of each bucket
//   |  names     sites and tenants, concatenated
//
// The digest of a token selects a bucket, in which digests are compared in constant time. So time
// measurements can reveal only the bucket, which an attacker cannot choose.
//
// Threads: built by one thread, then only read. Units: lines are counted from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/signatures.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Returns true if the text is valid as the name of a site or tenant: UTF-8, not empty, without
// blanks and control characters, and not longer than the column site_id.
[[nodiscard]] bool is_site_name(std::string_view text);

class StoredTokens {
public:
    struct Token {
        std::string_view site;
        std::string_view tenant;  // Empty if the line has no tenant.
        uint32_t line;
    };

    StoredTokens() = default;
    // Reads the whole file or fails. The error's explanation names file, line and reason.
    [[nodiscard]] static Result<StoredTokens> read(const std::string& path, size_t tokens_max);

    // Returns the token with this digest. The views point into this object.
    [[nodiscard]] std::optional<Token> find(const Digest& digest) const;
    // Returns the token with this short digest. For a client that was identified earlier, only the
    // short digest of its token is known.
    [[nodiscard]] std::optional<Token> find(ShortDigest digest) const;

    [[nodiscard]] size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Digest digest;
        uint32_t name_at;
        uint32_t line;
        uint8_t site_bytes;
        uint8_t tenant_bytes;
    };

    [[nodiscard]] Result<void> add(std::span<const std::string_view> words, uint32_t line);
    void sort();
    [[nodiscard]] std::span<const Entry> bucket_of(ShortDigest digest) const;
    [[nodiscard]] Token token_of(const Entry& entry) const;

    std::vector<Entry> entries_;
    std::vector<uint32_t> buckets_{0, 0, 0};
    unsigned bucket_shift_ = 63;  // Number of low bits of a short digest that do not select the
                                  // bucket.
    std::string names_;
};

}  // namespace rollcall
