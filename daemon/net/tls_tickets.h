// TlsTicketKeys: the keys that encrypt TLS session tickets, and their rotation.
//
// A ticket (RFC 5077; RFC 8446, section 4.6.1) holds the state of a session, encrypted by a key of
// the server. So the daemon keeps nothing for a client that is away, and the client resumes its
// session without a signature.
//
// The current key encrypts new tickets for one lifetime; then it becomes the previous key, which
// decrypts for another lifetime. So every ticket is good for at least one lifetime, and for at most
// two. The keys are random and known to this process only.
//
// Threads: any; a lock guards the keys. A handshake takes it once or twice.
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

// RFC 5077, section 4: a ticket is encrypted, then authenticated.
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

    // Lets the sessions of this context make and accept tickets by these keys, which must outlive
    // it.
    void install(ssl_ctx_st& context);

    // Returns the key for new tickets.
    [[nodiscard]] TlsTicketKey current();

    struct Found {
        TlsTicketKey key;
        bool is_previous;  // The client should get a new ticket.
    };
    // Returns the key of that name, if it is still in use.
    [[nodiscard]] std::optional<Found> find(std::span<const unsigned char, 16> name);

private:
    void rotate();

    const int64_t lifetime_us_;
    const Clock& clock_;
    std::mutex mutex_;  // Guards all below.
    int64_t current_since_us_;
    TlsTicketKey current_;
    TlsTicketKey previous_;  // At first a key that no ticket has.
};

}  // namespace rollcall
