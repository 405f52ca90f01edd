#include "tests/support/tls_client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>

namespace rollcall {

namespace {

[[noreturn]] void fail() {
    std::array<char, 256> words{};
    ERR_error_string_n(ERR_peek_error(), words.data(), words.size());
    ERR_clear_error();
    throw TlsFailed(words.data());
}

void must(long result) {
    if (result != 1) fail();
}

}  // namespace

TlsEnd::TlsEnd(const Options& options)
    : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), in_(nullptr), out_(nullptr) {
    SSL_CTX* const context = context_.get();
    // Security level 0, because tests also use weak algorithms and old versions.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, options.version != 0 ? options.version : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, options.version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (!options.authority.empty()) {
        must(SSL_CTX_load_verify_file(context, options.authority.c_str()));
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    if (!options.ciphers.empty()) must(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()));
    if (!options.signatures.empty())
        must(SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str()));
    if (!options.certificate.empty()) {
        must(SSL_CTX_use_certificate_file(context, options.certificate.c_str(), SSL_FILETYPE_PEM));
        must(SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM));
    }
    ssl_ = std::shared_ptr<SSL>(SSL_new(context), SSL_free);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);  // An empty BIO means "wait", not "end of input".
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    if (!options.alpn.empty())
        SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                            static_cast<unsigned>(options.alpn.size()));
    if (options.session != nullptr) {
        // Use a copy, because OpenSSL marks a session that was used for resumption.
        const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> copy(
            SSL_SESSION_dup(options.session), SSL_SESSION_free);
        must(SSL_set_session(ssl_.get(), copy.get()));
    }
}

void TlsEnd::receive(std::string_view sealed) {
    BIO_write(in_, sealed.data(), static_cast<int>(sealed.size()));
}

std::string TlsEnd::take_outgoing() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

bool TlsEnd::shake_hands() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) fail();
    return done == 1;
}

void TlsEnd::send(std::string_view plain) {
    ERR_clear_error();
    if (SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) <= 0) fail();
}

std::string TlsEnd::read() {
    std::string all;
    std::array<char, 16384> some;
    for (;;) {
        ERR_clear_error();
        const int count = SSL_read(ssl_.get(), some.data(), some.size());
        if (count > 0) {
            all.append(some.data(), static_cast<size_t>(count));
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), count);
        if (error == SSL_ERROR_ZERO_RETURN) {
            ended_ = true;
            say_end();  // Without close_notify, OpenSSL marks the session as not resumable.
        }
        if (error != SSL_ERROR_ZERO_RETURN && error != SSL_ERROR_WANT_READ) fail();
        return all;
    }
}

void TlsEnd::say_end() { SSL_shutdown(ssl_.get()); }

void TlsEnd::update_keys() {
    must(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED));
    must(SSL_do_handshake(ssl_.get()));
}

void TlsEnd::renegotiate() {
    must(SSL_renegotiate(ssl_.get()));
    (void)shake_hands();
}

std::string TlsEnd::protocol() const {
    const unsigned char* name = nullptr;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &bytes);
    return {reinterpret_cast<const char*>(name), bytes};
}

std::string TlsEnd::server_name() const {
    std::array<char, 128> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_.get())),
                              NID_commonName, name.data(), name.size());
    return name.data();
}

std::shared_ptr<SSL_SESSION> TlsEnd::session() const {
    return {SSL_get1_session(ssl_.get()), SSL_SESSION_free};
}

TlsClient::TlsClient(uint16_t port, const TlsEnd::Options& options)
    : connection_(port), end_(options) {
    try {
        while (!end_.shake_hands()) {
            connection_.send(end_.take_outgoing());
            end_.receive(connection_.take(connection_.peek().size()));
        }
    } catch (const TlsFailed&) {
        connection_.send(end_.take_outgoing());  // Send the alert.
        throw;
    }
    connection_.send(end_.take_outgoing());
    plain_ = end_.read();
}

void TlsClient::send(std::string_view plain) {
    end_.send(plain);
    connection_.send(end_.take_outgoing());
}

bool TlsClient::receive() {
    if (!connection_.receive()) return false;
    end_.receive(connection_.take(connection_.peek().size()));
    plain_ += end_.read();
    if (!end_.ended()) connection_.send(end_.take_outgoing());
    return !end_.ended();
}

std::string TlsClient::take(size_t bytes) {
    while (plain_.size() < bytes)
        if (!receive()) throw ConnectionEnded("the daemon ended the connection");
    std::string taken = plain_.substr(0, bytes);
    plain_.erase(0, bytes);
    return taken;
}

std::string TlsClient::take_rest() {
    while (receive()) continue;
    return std::move(plain_);
}

}  // namespace rollcall
