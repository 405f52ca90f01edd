// PROXY protocol: the header that a load balancer sends before the client's own bytes. It is text
// (version 1) or binary (version 2); the first byte tells which.
//
//   | PROXY TCP4 client balancer client-port balancer-port CR LF
//   | PROXY UNKNOWN anything CR LF
//
//   | 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | version, command | family | length | addresses, TLVs |
//
// The header names no address if the balancer connects on its own behalf (LOCAL, for a health
// check), or for a client that does not use TCP (UNKNOWN).
//
// Source: The PROXY protocol, versions 1 & 2, sections 2.1 and 2.2
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
    size_t bytes;          // Size of the header; the client's bytes begin after it.
    AddressText client{};  // Address of the client as text; empty if the header names none.
};

// Limits for the size of a header. A longer header is refused. The longest line of version 1 has
// 107 bytes (section 2.1). In version 2, the addresses take at most 52 bytes; the rest of the
// header is ignored.
inline constexpr size_t proxy_line_bytes_max = 107;
inline constexpr size_t proxy_header_bytes_max = 4096;

// Returns the header, or nothing if it is incomplete. Fails with bad_proxy_header if `bytes` cannot
// be the beginning of a header. A byte that does not match the start of a header fails at once. The
// other parts are checked as soon as the line of version 1, or the fixed part of version 2, is
// complete.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace rollcall
