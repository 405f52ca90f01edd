// StoredTokens: tokens of which a file holds the SHA-256, and whose they are.
//
//     # site      tenant   SHA-256 of the token, in hex
//     tower-12    acme     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//     tower-13             60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
//     gw/*                 fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13
//
// The lines are those of a secret_file. Several tokens may be of one site, so that one can be
// changed. A site that ends in `*` is whatever site is named beside the token and begins so: for
// gateways, and for agents that share a key.
//
//     entries   sorted by digest    [ digest | where in names | line | lengths ]
//     places    by the first bits of a digest: where its entries begin
//     names     sites and tenants, one behind the other
//
// A token is found by its digest. Nobody can choose the digest of a token, so where in the table it
// would stand may be seen; whether it is there is compared in constant time.
//
// Threads: made by one, then only read. Units: lines from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/signatures.h"

namespace rollcall {

// What a site and a tenant may be: UTF-8 without blanks and control characters, as long as the
// column holds.
[[nodiscard]] bool is_site_name(std::string_view text);

class StoredTokens {
public:
    struct Token {
        std::string_view site;
        std::string_view tenant;  // Empty: not said.
        uint32_t line;
    };

    // None.
    StoredTokens() = default;
    // All of a file or nothing: then the sentence names file, line and reason.
    [[nodiscard]] static std::expected<StoredTokens, std::string> read(const std::string& path,
                                                                       size_t tokens_max);

    // The token with this digest, or nothing. The views lie in here.
    [[nodiscard]] std::optional<Token> find(const Digest& digest) const;
    // The same by the mark of a digest, for who has been found before.
    [[nodiscard]] std::optional<Token> find(uint64_t mark) const;
    // The first bytes of a digest, by which it is remembered.
    [[nodiscard]] static uint64_t mark_of(const Digest& digest);

    [[nodiscard]] size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Digest digest;
        uint32_t name_at;
        uint32_t line;
        uint8_t site_bytes;
        uint8_t tenant_bytes;
    };

    // Empty, or why the line is wrong.
    [[nodiscard]] std::string take(std::span<const std::string_view> words, uint32_t line);
    void sort();
    [[nodiscard]] std::span<const Entry> near(uint64_t mark) const;
    [[nodiscard]] Token token_of(const Entry& entry) const;

    std::vector<Entry> entries_;
    std::vector<uint32_t> places_{0, 0, 0};
    unsigned place_shift_ = 63;  // A mark shifted so is a place.
    std::string names_;
};

}  // namespace rollcall
