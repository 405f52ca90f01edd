// forwarded_client: the client of a request that came through proxies, as their header fields name
// it:
//
//     X-Forwarded-For: 198.51.100.7, 203.0.113.9
//     Forwarded: for=198.51.100.7, for="[2001:db8::9]:4711";proto=https      RFC 7239
//
// Each proxy appends the address from which it received the request. Only what a trusted proxy
// appended can be believed: the client is the rightmost address that is not a trusted proxy's, or
// the leftmost one if all are. An element that names no address (`unknown`, `_hidden`, or a
// malformed one) ends the search: the proxy to its right counts as the client. Such elements do not
// refuse a request, because RFC 7239 allows them and a router cannot change what a proxy writes.
//
// A proxy that writes one of the two fields passes the other one on as its client wrote it. So if
// both are present, they must name the same client; otherwise neither is believed.
//
// A comma always ends an element, also between quotes, so that nothing that a client wrote can
// swallow what a proxy appended. No address contains one.
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
