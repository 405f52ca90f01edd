// TrustedProxies: the networks of trusted proxies. A trusted proxy names the client of each request
// in a header field (http/forwarded.h).
//
// Threads: constant after construction.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/address_range.h"
#include "config/settings.h"

namespace rollcall {

class TrustedProxies {
public:
    TrustedProxies() = default;
    // networks: the value of http.trusted_proxies, which cross_checks.h has validated.
    explicit TrustedProxies(const List& networks) {
        for (const Text& network : networks)
            if (const auto range = AddressRange::parse(network)) ranges_.push_back(*range);
    }

    [[nodiscard]] bool empty() const { return ranges_.empty(); }
    [[nodiscard]] bool contains(const in6_addr& address) const {
        return std::ranges::any_of(
            ranges_, [&](const AddressRange& range) { return range.contains(address); });
    }
    // Returns false if the text is not an address.
    [[nodiscard]] bool contains(std::string_view address) const {
        const auto parsed = ranges_.empty() ? std::nullopt : parse_address(address);
        return parsed && contains(*parsed);
    }

private:
    std::vector<AddressRange> ranges_;
};

}  // namespace rollcall
