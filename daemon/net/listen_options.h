// ListenOptions: what the clients of a listening socket speak, and how fast they must.
//
// Threads: constant once the loop listens.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "config/metrics.h"
#include "config/units.h"
#include "daemon/net/session.h"

namespace rollcall {

class Connection;
class TlsContext;
class TrustedProxies;

// The lowest rate at which a client may send something that it has begun.
struct MinimumRate {
    Millis grace{0};         // Time before the rate counts.
    size_t bytes_per_s = 0;  // Average after the grace; 0 disables the limit.

    // Returns the time that a client may take for this many bytes.
    [[nodiscard]] Millis time_allowed(size_t bytes) const {
        if (bytes_per_s == 0) return std::chrono::years(1);
        return grace + Millis(bytes * 1000 / bytes_per_s);
    }
};

struct ListenOptions {
    Transport transport;
    // Called once for each connection.
    std::function<std::unique_ptr<Session>(Connection&)> make_session;
    TlsContext* tls = nullptr;  // Null: plain text.
    // Each connection begins with a header of the PROXY protocol, which names the client.
    bool proxy_protocol = false;
    Millis proxy_header_timeout_max{15'000};
    // The proxies that name the client of each request in its header. Null: none.
    const TrustedProxies* trusted_proxies = nullptr;
    // For input that the session does not take before it is complete.
    MinimumRate input_rate_min = {};
};

}  // namespace rollcall
