// TlsEnd: the client side of a TLS connection, in memory, using OpenSSL. TlsClient: a TlsEnd on a
// connection to a port of 127.0.0.1.
//
// Errors: a failed handshake or record throws TlsFailed with OpenSSL's message; TlsClient also
// throws ConnectionEnded, like TcpClient.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/tcp_client.h"

namespace rollcall {

struct TlsFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class TlsEnd {
public:
    struct Options {
        std::string authority = {};  // File with the authority's certificate, for verifying the
                                     // server.
        int version = 0;             // Such as TLS1_2_VERSION; 0 allows TLS 1.2 and 1.3.
        std::string ciphers = {};    // Cipher list for TLS 1.2.
        std::string signatures = {};
        std::string alpn = {};  // In wire format: "\x08http/1.1".
        std::string certificate = {};
        std::string key = {};
        SSL_SESSION* session = nullptr;  // The session to resume.
    };

    explicit TlsEnd(const Options& options);

    // receive() takes encrypted bytes that the server has sent. take_outgoing() returns the
    // encrypted bytes that must be sent to the server.
    void receive(std::string_view sealed);
    [[nodiscard]] bool has_outgoing() const { return BIO_ctrl_pending(out_) > 0; }
    [[nodiscard]] std::string take_outgoing();

    // Continues the handshake. Returns true when it is complete.
    bool shake_hands();
    void send(std::string_view plain);
    // Returns all plaintext received so far.
    [[nodiscard]] std::string read();
    // Returns true if close_notify has been received.
    [[nodiscard]] bool ended() const { return ended_; }
    void say_end();
    void update_keys();  // TLS 1.3; also asks the server to update its keys.
    void renegotiate();  // TLS 1.2.

    [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    [[nodiscard]] std::string protocol() const;     // The protocol that ALPN selected.
    [[nodiscard]] std::string server_name() const;  // The common name in the server's certificate.
    [[nodiscard]] std::string cipher() const { return SSL_get_cipher(ssl_.get()); }
    // Returns the session, so that another client can resume it. With TLS 1.3 the session is
    // complete after the first read().
    [[nodiscard]] std::shared_ptr<SSL_SESSION> session() const;

private:
    std::shared_ptr<SSL_CTX> context_;
    std::shared_ptr<SSL> ssl_;
    BIO* in_;
    BIO* out_;
    bool ended_ = false;
};

class TlsClient {
public:
    TlsClient(uint16_t port, const TlsEnd::Options& options);

    void send(std::string_view plain);
    // Waits for exactly this many bytes of plaintext.
    [[nodiscard]] std::string take(size_t bytes);
    // Returns all plaintext until close_notify or the end of the connection. In the second case
    // end().ended() is false.
    [[nodiscard]] std::string take_rest();

    [[nodiscard]] TlsEnd& end() { return end_; }
    [[nodiscard]] TcpClient& connection() { return connection_; }

private:
    bool receive();

    TcpClient connection_;
    TlsEnd end_;
    std::string plain_;
};

}  // namespace rollcall
