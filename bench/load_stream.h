// Stream: one connection of rollcall-load, plain or with TLS.
//
// Nothing blocks. With edge-triggered epoll, the caller calls advance(), send() and receive() again
// after each event until they return 0.
//
// TLS: the certificate of the server is not verified. With `resume`, gather() fetches a TLS session
// for each stream, and every connection of the stream resumes it. `resume` works only with TLS 1.2.
// In TLS 1.3, the session is not complete after the handshake.
//
// Errors: a failed call of the sockets or of OpenSSL ends the connection. If this machine runs out
// of a resource such as ports, the process ends with a message.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

namespace rollcall::load {

struct CloseTls {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* tls) const {
        SSL_set_shutdown(tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // Keeps the session.
        SSL_free(tls);
    }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

// Returns the settings of all TLS connections. version: TLS1_2_VERSION or TLS1_3_VERSION.
[[nodiscard]] std::unique_ptr<SSL_CTX, CloseTls> make_tls_context(int version);

class Stream {
public:
    Stream() = default;
    ~Stream() { close(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Opens a socket and begins to connect. Returns false and sets errno if one of the two failed
    // at once.
    // context: nullptr for plain text.
    // resets: if true, close() sends a reset, which frees the local port at once. If false, the
    // port stays in use for a minute.
    // number: the number of the connection. Every few thousand connections use another source
    // address in 127.0.0.0/8. When half of an address's ports are in use, the kernel needs long to
    // find a free one.
    [[nodiscard]] bool open(const sockaddr_in& target, SSL_CTX* context, bool resets,
                            size_t number);
    void close();
    [[nodiscard]] bool is_open() const { return socket_ >= 0; }
    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }

    // send() and receive() return the number of bytes, 0 if the call would block, and -1 if the
    // connection has ended or failed. why() returns the reason for -1.
    [[nodiscard]] ssize_t send(const char* bytes, size_t count);
    [[nodiscard]] ssize_t receive(char* bytes, size_t room);
    // Continues the handshake. Returns 1 when data may be sent, 0 if the call would block, and -1
    // if the handshake failed.
    [[nodiscard]] int advance();
    [[nodiscard]] const std::string& why() const { return why_; }
    [[nodiscard]] bool resumed() const { return tls_ && SSL_session_reused(tls_.get()) == 1; }

    // Connects once, keeps the TLS session of the handshake, and closes the connection.
    void gather(const sockaddr_in& target, SSL_CTX* context, size_t number);

private:
    [[nodiscard]] ssize_t fail_with_errno();
    [[nodiscard]] int tls_result(int result);

    int socket_ = -1;
    std::unique_ptr<SSL, CloseTls> tls_;
    std::unique_ptr<SSL_SESSION, CloseTls> session_;
    std::string why_;
};

}  // namespace rollcall::load
