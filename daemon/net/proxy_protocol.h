// PROXY protocol: what a load balancer says before the client's own bytes, in version 2.
//
//     [ 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | version, command | family | length | addresses, more
//     ]
//
// A balancer that speaks for itself (LOCAL, as for a health check), or for something that is not
// TCP, says no address.
//
// Source: The PROXY protocol, versions 1 & 2, section 2.2
//         (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
// Threads: pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "daemon/net/network.h"
#include "pipeline/base/error.h"

namespace rollcall {

struct ProxyHeader {
    size_t bytes;          // Of the header; the client's begin behind it.
    AddressText client{};  // Its address as text; empty if none is said.
};

// What is longer is refused: the addresses take 52 bytes, what else is said is not read.
inline constexpr size_t proxy_header_bytes_max = 4096;

// Nothing: there is more to come. bad_proxy_header at the first byte that is wrong.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace rollcall
