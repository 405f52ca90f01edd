// SignatureRateLimiter: limits the CPU time that wrong public-key signatures can take from a
// worker.
//
// Verifying a signature of RS256, ES256 or EdDSA costs as much as many check-ins. So the number of
// wrong signatures per second is limited in two ways:
//
//   1. Each network (the first quotas.network_bits_ipv4 or _ipv6 bits of an address) may send one
//      wrong signature per second.
//   2. All known networks together may send auth.invalid_signatures_max wrong signatures per
//      second. All other networks together may send the same number. A network is known after it
//      has sent a valid signature.
//
// Known and other networks are limited separately, so that wrong signatures from many other
// networks do not delay the known networks. Each of the two groups has a table of fixed size,
// indexed by the hash of the network. If two known networks share an entry, only the network that
// last sent a valid signature is known. If two other networks share an entry, they share one wrong
// signature per second.
//
// Threads: one worker. Units: seconds since 1970, UTC. Memory: 8 KiB for the other networks. 1 MiB
// for the known networks, of which only the used pages are resident.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

class SignatureRateLimiter {
public:
    explicit SignatureRateLimiter(const Settings& settings);

    // Returns the process_hash() of the network of an address.
    [[nodiscard]] uint64_t network_of_peer(std::string_view peer) const;

    // Returns true if a signature from this network may be verified now.
    [[nodiscard]] bool may_verify(uint64_t network, int64_t now_s);
    void record_valid(uint64_t network);
    // Counts a wrong signature. The time of the signature is that of the last call of may_verify().
    void record_wrong(uint64_t network);

private:
    static constexpr size_t known_networks_max = 65536;
    static constexpr size_t other_networks_max = 1024;

    struct KnownNetwork {
        uint64_t network;      // 0 if the entry is free.
        int64_t last_wrong_s;  // Second of the network's last wrong signature.
    };
    struct WrongInSecond {
        int64_t second = 0;
        size_t from_known = 0;
        size_t from_others = 0;
    };

    [[nodiscard]] KnownNetwork& entry_of(uint64_t network) const;
    [[nodiscard]] int64_t& last_wrong_s_of_other(uint64_t network);

    const Settings& settings_;
    WrongInSecond wrong_;
    ZeroedArray<KnownNetwork> known_;
    std::array<int64_t, other_networks_max> last_wrong_s_of_others_{};
};

}  // namespace rollcall
