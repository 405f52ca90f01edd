// PROXY protocol, version 2: the header that a load balancer sends before the client's own bytes.
//
//   | 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | version, command | family | length | addresses, TLVs |
//
// A balancer that connects on its own behalf (LOCAL, for a health check), or for a client that does
// not use TCP, names no address.
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
    size_t bytes;          // Size of the header; the client's bytes begin behind it.
    AddressText client{};  // Address of the client as text; empty if the header names none.
};

// A longer header is refused. The addresses take 52 bytes at most; the rest is ignored.
inline constexpr size_t proxy_header_bytes_max = 4096;

// Returns the header, or nothing if `bytes` ends before it does. Fails with bad_proxy_header at the
// first wrong byte.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace rollcall
