// TlsTicketKeys: the keys that encrypt TLS session tickets, and their rotation.
//
// A ticket (RFC 5077; RFC 8446, section 4.6.1) holds the state of a session, encrypted with a key
// of the server. So the daemon keeps no state for a disconnected client, and the client can resume
// its session without another signature of the server.
//
// Each key encrypts new tickets for the lifetime of one ticket (tls.ticket_lifetime_max). Then a
// new key replaces it, and for the same time again the replaced key only decrypts tickets. So every
// ticket can be decrypted for at least one lifetime, and for at most two. The keys are random and
// never leave this process.
//
// Threads: any; a lock guards the keys. Each handshake takes the lock once or twice.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "config/units.h"
#include "pipeline/base/clock.h"

struct ssl_ctx_st;

namespace rollcall {

// The key of a ticket. A ticket is encrypted with `cipher`, then authenticated with `mac` (RFC
// 5077, section 4).
struct TlsTicketKey {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
};

class TlsTicketKeys {
public:
    TlsTicketKeys(Millis lifetime, const Clock& clock);
    TlsTicketKeys(const TlsTicketKeys&) = delete;
    TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

    // Lets sessions of this context create and accept tickets with these keys. The keys must
    // outlive the context.
    void install(ssl_ctx_st& context);

    // Returns the key for new tickets.
    [[nodiscard]] TlsTicketKey current();

    struct Found {
        TlsTicketKey key;
        bool is_previous;  // If true, the client should get a new ticket.
    };
    // Returns the key with this name, if the key is still in use.
    [[nodiscard]] std::optional<Found> find(std::span<const unsigned char, 16> name);

private:
    void rotate();

    const int64_t lifetime_us_;
    const Clock& clock_;
    std::mutex mutex_;  // Guards the members below.
    int64_t current_since_us_;
    TlsTicketKey current_;
    TlsTicketKey previous_;  // Initially a key that no ticket uses.
};

}  // namespace rollcall
