// TlsEnd: the client's end of TLS, in memory, by OpenSSL. TlsClient: the same on a connection to a
// port of this machine.
//
// Errors: a handshake or a record that fails throws TlsFailed with OpenSSL's words; TlsClient also
//         throws ConnectionEnded, as TcpClient does.
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
        std::string authority = {};  // File; the server's certificate is verified by it.
        int version = 0;             // The only one, such as TLS1_2_VERSION; 0: 1.2 or 1.3.
        std::string ciphers = {};    // Of 1.2.
        std::string signatures = {};
        std::string alpn = {};  // As on the wire: "\x08http/1.1".
        std::string certificate = {};
        std::string key = {};
        SSL_SESSION* session = nullptr;  // To be resumed.
    };

    explicit TlsEnd(const Options& options);

    // Of the wire: what has come, and what is to be sent.
    void receive(std::string_view sealed);
    [[nodiscard]] bool has_outgoing() const { return BIO_ctrl_pending(out_) > 0; }
    [[nodiscard]] std::string take_outgoing();

    // True: it is done.
    bool shake_hands();
    void send(std::string_view plain);
    // All the plaintext that has come.
    [[nodiscard]] std::string read();
    // close_notify has come.
    [[nodiscard]] bool ended() const { return ended_; }
    void say_end();
    void update_keys();  // 1.3; asks the server to update its own.
    void renegotiate();  // 1.2.

    [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    [[nodiscard]] std::string protocol() const;     // By ALPN.
    [[nodiscard]] std::string server_name() const;  // The common name in the certificate.
    [[nodiscard]] std::string cipher() const { return SSL_get_cipher(ssl_.get()); }
    // For another client; good after the first read() in 1.3.
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
    // All plaintext up to close_notify, or up to an end without (then end().ended() is false).
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
