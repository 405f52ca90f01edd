// ListenOptions: the protocol that the clients of a listening socket speak, and the minimum rate at
// which they must send.
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

// The lowest rate at which a client may send an unfinished request.
struct MinimumRate {
    Millis grace{0};         // Time before the rate applies.
    size_t bytes_per_s = 0;  // Average rate after the grace time; 0 disables the limit.

    // Returns the time that a client may take for this many bytes.
    [[nodiscard]] Millis time_allowed(size_t bytes) const {
        if (bytes_per_s == 0) return std::chrono::years(1);
        return grace + Millis(bytes * 1000 / bytes_per_s);
    }
};

struct ListenOptions {
    Transport transport;
    // Creates the session of a connection; called once for each connection.
    std::function<std::unique_ptr<Session>(Connection&)> make_session;
    TlsContext* tls = nullptr;  // nullptr if the clients speak plain text.
    // True if each connection begins with a header of the PROXY protocol, which names the client.
    bool proxy_protocol = false;
    Millis proxy_header_timeout_max{15'000};
    // The proxies that name the client of each request in a header field; nullptr if no proxy is
    // trusted.
    const TrustedProxies* trusted_proxies = nullptr;
    // The minimum rate of an unfinished request whose bytes the connection keeps, such as an MQTT
    // packet.
    MinimumRate input_rate_min = {};
};

}  // namespace rollcall
