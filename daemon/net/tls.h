// Tls: one client's TLS, in memory, between the bytes of its socket and those of its session.
// TlsContext: what all clients share: certificates and keys, and the keys of tickets.
//
//   from the socket -> shake_hands(), then open() -> for the session
//   from the session -> seal() -> outgoing() -> for the socket
//
// TLS 1.2 (RFC 5246) and 1.3 (RFC 8446), by OpenSSL; the server's preference decides. There is no
// renegotiation, no compression, no early data. Whatever name a client asks for (RFC 6066), it gets
// the certificates that are there: the first that its version and algorithms can use, ECDSA before
// RSA. ALPN (RFC 7301) is http/1.1 or mqtt; who offers others only is refused, for it means another
// service.
//
// Tickets (RFC 5077; RFC 8446, section 4.6.1) hold the session, encrypted, so nothing is kept here
// for a client that is away. Their key is changed after tls.ticket_lifetime_max; with the one
// before it every ticket is good for that long. Keys are made at start and known to this process
// only. Tickets are void when the client CA has become another.
//
// Idle, a client owns no buffers of OpenSSL's (SSL_MODE_RELEASE_BUFFERS).
//
// Threads: a Tls is its loop's. A context is everyone's, with a lock: it is taken once or twice in
// a
//          handshake, which costs a thousand times as much.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/metrics.h"
#include "config/settings.h"
#include "daemon/net/buffers.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"

struct ssl_st;

namespace rollcall {

class TlsContext {
public:
    TlsContext(const Settings& settings, const Clock& clock);
    ~TlsContext();  // After every Tls.
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Main: reads the files that the settings name, for the clients that come from now on. An error
    // is a sentence that says which file and why, and leaves all as it was. Before the first Tls,
    // and at each reload.
    [[nodiscard]] std::expected<void, std::string> read();

    [[nodiscard]] Millis handshake_timeout_max() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }  // Main writes it.

private:
    friend class Tls;
    struct Shared;

    std::unique_ptr<Shared> shared_;
    MetricShard shard_;
};

class Tls {
public:
    Tls(TlsContext& context, Transport transport);
    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    // Goes on with the handshake by what has come, and takes it off the front of `sealed`. True:
    // the handshake is done, and what is left is for open(). After an error nothing more may be
    // called but outgoing(), which may hold an alert.
    [[nodiscard]] Result<bool> shake_hands(std::string_view& sealed);
    [[nodiscard]] bool begun() const { return begun_; }
    // After the handshake. resumed: by a ticket.
    [[nodiscard]] bool resumed() const;
    // The common name (RFC 5280, appendix A.1) in the subject of the client's certificate, which
    // verified. Empty: no certificate, or not exactly one such name, or one with control
    // characters.
    [[nodiscard]] std::string_view certified() const { return certified_; }

    // Takes what it can off the front of `sealed`, and gives plaintext: as much as fits into
    // `into`. 0: there is no more, or it has ended().
    [[nodiscard]] size_t open(std::string_view& sealed, std::span<char> into);
    // Of a record some bytes have come and not all; at most record_bytes_max are kept.
    [[nodiscard]] bool in_a_record() const;
    static constexpr size_t record_bytes_max = 16 * 1024;  // RFC 8446, section 5.1.
    // The client has said that it sends no more (close_notify), or is at fault.
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::optional<Code> fault() const { return fault_; }

    // Into outgoing(). Nothing is said to a client at fault.
    void seal(std::string_view plain);
    // Says that no more is sent (close_notify): false if that was said, or cannot be.
    bool say_end();
    // What is to be sent, in this order; who has sent it clears it.
    [[nodiscard]] Buffer& outgoing() { return outgoing_; }

    // For OpenSSL, which calls back.
    struct Callbacks;

private:
    struct Free {
        void operator()(ssl_st* ssl) const;
    };

    void begin();
    [[nodiscard]] bool identify();

    TlsContext& context_;
    Transport transport_;
    bool begun_ = false;
    bool ended_ = false;
    bool end_said_ = false;
    std::optional<Code> fault_;
    std::unique_ptr<ssl_st, Free> ssl_;  // None until the first byte has come.
    std::string_view incoming_;          // While a call runs.
    Buffer outgoing_;
    std::string certified_;
};

}  // namespace rollcall
