// TlsSession: the TLS state of one client, between the socket and the session. It does no I/O.
//
//   | from the socket  -> handshake(), then decrypt() -> to the session
//   | from the session -> encrypt() -> outgoing()     -> to the socket
//
// TlsContext configures versions, algorithms, ALPN and tickets (tls_context.h). For an idle client
// OpenSSL keeps no buffers (SSL_MODE_RELEASE_BUFFERS).
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

    // Continues the handshake with the bytes that have arrived. Removes the bytes that the
    // handshake has used from the front of `encrypted`. Returns true when the handshake is done;
    // the remaining bytes are for decrypt(). After an error only outgoing() may be called; its
    // bytes may be an alert.
    [[nodiscard]] Result<bool> handshake(std::string_view& encrypted);
    [[nodiscard]] bool handshake_begun() const { return handshake_begun_; }

    // Frees OpenSSL's objects after a failed handshake. From then on, only outgoing() may be
    // called.
    void abandon() { ssl_.reset(); }

    // --- after the handshake ---

    // Returns true if the client resumed an earlier session by a ticket.
    [[nodiscard]] bool resumed() const;
    // The common name (RFC 5280, appendix A.1) in the subject of the client's verified certificate.
    // Empty if there is no certificate, if the subject does not have exactly one common name, or if
    // the name has control characters.
    [[nodiscard]] std::string_view certificate_name() const { return certificate_name_; }

    // Removes complete records from the front of `encrypted`, writes plaintext to `into`, and
    // returns the size of the plaintext. Returns 0 if there is no more plaintext, or if
    // input_ended(). The caller keeps a record that has arrived in part (partial_record()). OpenSSL
    // does not get such a record, because it would keep the record in a buffer of the maximum
    // record size, which the memory budget does not count.
    [[nodiscard]] size_t decrypt(std::string_view& encrypted, std::span<char> into);
    // A buffer in which the caller may keep a record that has arrived in part.
    [[nodiscard]] Buffer& partial_record() { return partial_record_; }
    // Returns true if the client has announced that it sends no more (close_notify), or has
    // violated the protocol.
    [[nodiscard]] bool input_ended() const { return input_ended_; }
    // Returns the client's protocol violation, if any. After a violation, nothing is sent to the
    // client.
    [[nodiscard]] std::optional<Code> fault() const { return fault_; }

    // Encrypts `plain` and appends the records to outgoing(). Has no effect after a fault.
    void encrypt(std::string_view plain);
    // Appends close_notify to outgoing(). Returns false if close_notify was sent before, or cannot
    // be sent.
    bool send_close_notify();
    // The bytes to send, in order. The caller clears the buffer after sending.
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
    std::unique_ptr<ssl_st, Free> ssl_;  // nullptr until the first byte of a handshake arrives.
    std::string_view incoming_;          // Only set while a call of OpenSSL runs.
    Buffer outgoing_;
    Buffer partial_record_;
    std::string certificate_name_;
};

}  // namespace rollcall
