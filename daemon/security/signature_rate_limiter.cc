#include "daemon/security/signature_rate_limiter.h"

#include "daemon/net/network.h"

namespace rollcall {

SignatureRateLimiter::SignatureRateLimiter(const Settings& settings)
    : settings_(settings), known_(zeroed<KnownNetwork>(known_networks_max)) {}

uint64_t SignatureRateLimiter::network_of_peer(std::string_view peer) const {
    return network_of(peer, settings_.quotas.network_bits_ipv4, settings_.quotas.network_bits_ipv6);
}

bool SignatureRateLimiter::may_verify(uint64_t network, int64_t now_s) {
    if (wrong_.second != now_s) wrong_ = {.second = now_s};
    const size_t wrong_max = settings_.auth.invalid_signatures_max;
    if (const KnownNetwork& known = entry_of(network); known.network == network)
        return wrong_.from_known < wrong_max && known.last_wrong_s != now_s;
    return wrong_.from_others < wrong_max && last_wrong_s_of_other(network) != now_s;
}

void SignatureRateLimiter::record_valid(uint64_t network) {
    if (KnownNetwork& known = entry_of(network); known.network != network) known = {network, 0};
}

void SignatureRateLimiter::record_wrong(uint64_t network) {
    if (KnownNetwork& known = entry_of(network); known.network == network) {
        ++wrong_.from_known;
        known.last_wrong_s = wrong_.second;
    } else {
        ++wrong_.from_others;
        last_wrong_s_of_other(network) = wrong_.second;
    }
}

SignatureRateLimiter::KnownNetwork& SignatureRateLimiter::entry_of(uint64_t network) const {
    return known_[network % known_networks_max];
}

int64_t& SignatureRateLimiter::last_wrong_s_of_other(uint64_t network) {
    return last_wrong_s_of_others_[network % other_networks_max];
}

}  // namespace rollcall
