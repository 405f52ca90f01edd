// forwarded_client: the client of a request that came through proxies. The proxies name the client
// in these header fields:
//
//     X-Forwarded-For: 198.51.100.7, 203.0.113.9
//     Forwarded: for=198.51.100.7, for="[2001:db8::9]:4711";proto=https      RFC 7239
//
// Each proxy appends the address from which it received the request. Only the addresses that
// trusted proxies appended are credible. The client is therefore the rightmost address that does
// not belong to a trusted proxy. If all addresses belong to trusted proxies, the client is the
// leftmost address.
//
// The search from right to left ends at an element that names no address (`unknown`, `_hidden`, or
// a malformed one). The client is then the proxy to the right of this element. Such an element is
// no reason to refuse the request, because RFC 7239 allows it and a router cannot change what a
// proxy writes.
//
// A proxy that writes one of the two fields passes the other field on as the client wrote it. So if
// both fields are present, they must name the same client; otherwise both are ignored.
//
// A comma always ends an element, even inside quotes; no address contains a comma. If quotes could
// protect a comma, a client could open a quote without closing it. The address that a proxy appends
// would then become part of the quoted text.
//
// Threads: pure function.
#pragma once

#include <string_view>

#include "daemon/net/network.h"
#include "daemon/net/trusted_proxies.h"

namespace rollcall {

// fields: all fields of a request that a trusted proxy sent (HttpHead::fields). Returns an empty
// text if they name no client.
[[nodiscard]] AddressText forwarded_client(std::string_view fields, const TrustedProxies& proxies);

}  // namespace rollcall
