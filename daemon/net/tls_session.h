// TlsSession: the TLS of one client, in memory, between the bytes of its socket and its session.
//
//   | from the socket  -> handshake(), then decrypt() -> to the session
//   | from the session -> encrypt() -> outgoing()     -> to the socket
//
// TlsContext sets versions, algorithms, ALPN and tickets (tls_context.h). OpenSSL keeps no buffers
// for an idle client (SSL_MODE_RELEASE_BUFFERS).
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/metrics.h"
#include "daemon/net/buffers.h"
#include "daemon/net/tls_context.h"
#include "pipeline/base/error.h"

struct ssl_st;

namespace rollcall {

class TlsSession {
public:
    TlsSession(TlsContext& context, Transport transport);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // Continues the handshake with the bytes that have arrived, and takes them off the front of
    // `encrypted`. Returns true when the handshake is done; the rest is for decrypt(). After an
    // error only outgoing() may be called, which may hold an alert.
    [[nodiscard]] Result<bool> handshake(std::string_view& encrypted);
    [[nodiscard]] bool handshake_begun() const { return handshake_begun_; }

    // --- after the handshake ---

    // Returns true if the client resumed an earlier session by a ticket.
    [[nodiscard]] bool resumed() const;
    // The common name (RFC 5280, appendix A.1) in the subject of the client's verified certificate.
    // Empty if there is no certificate, or not exactly one such name, or one with control
    // characters.
    [[nodiscard]] std::string_view certificate_name() const { return certificate_name_; }

    // Takes what it can off the front of `encrypted`, fills `into` with plaintext, and returns its
    // size; 0 if there is no more, or input_ended().
    [[nodiscard]] size_t decrypt(std::string_view& encrypted, std::span<char> into);
    // Some bytes of a record have arrived, and not all; at most record_bytes_max are kept.
    [[nodiscard]] bool in_partial_record() const;
    static constexpr size_t record_bytes_max = 16 * 1024;  // RFC 8446, section 5.1.
    // The client has said that it sends no more (close_notify), or has broken the protocol.
    [[nodiscard]] bool input_ended() const { return input_ended_; }
    // How the client has broken the protocol; nothing is sent to it any more.
    [[nodiscard]] std::optional<Code> fault() const { return fault_; }

    // Appends the records of `plain` to outgoing(). Has no effect after a fault.
    void encrypt(std::string_view plain);
    // Appends close_notify to outgoing(). Returns false if that was done before, or cannot be.
    bool send_close_notify();
    // Bytes to be sent, in order. The caller clears them when they are sent.
    [[nodiscard]] Buffer& outgoing() { return outgoing_; }

private:
    struct Callbacks;
    struct Free {
        void operator()(ssl_st* ssl) const;
    };

    void begin_handshake();
    [[nodiscard]] bool identify_client();

    TlsContext& context_;
    Transport transport_;
    bool handshake_begun_ = false;
    bool input_ended_ = false;
    bool close_notify_sent_ = false;
    std::optional<Code> fault_;
    std::unique_ptr<ssl_st, Free> ssl_;  // Null until the first byte of a handshake arrives.
    std::string_view incoming_;          // Set while a call of OpenSSL runs.
    Buffer outgoing_;
    std::string certificate_name_;
};

}  // namespace rollcall
