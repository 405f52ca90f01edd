#include "daemon/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr int tickets_per_handshake = 1;  // For TLS 1.3, where OpenSSL by default sends two.

template <size_t bytes>
void randomize(std::array<unsigned char, bytes>& key) {
    ensure(RAND_priv_bytes(key.data(), static_cast<int>(key.size())) == 1);
}

TlsTicketKey random_key() {
    TlsTicketKey key;
    randomize(key.name);
    randomize(key.cipher);
    randomize(key.mac);
    return key;
}

bool set_up(TlsTicketKey& key, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
            int encrypt) {
    std::array<char, 7> digest{"SHA256"};
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, encrypt) ==
               1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// Callback of OpenSSL for each ticket that it creates (encrypt) or receives. The results are
// explained in SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int encrypt) {
    constexpr int failed = -1, unknown_key = 0, accepted = 1, accepted_send_new_ticket = 2;
    auto& keys = *static_cast<TlsTicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    std::optional<TlsTicketKeys::Found> found;
    if (encrypt != 0) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return failed;
        found = {keys.current(), false};
        std::ranges::copy(found->key.name, name);
    } else {
        found = keys.find(std::span<const unsigned char, 16>(name, 16));
        if (!found) return unknown_key;
    }
    const bool done = set_up(found->key, iv, cipher, mac, encrypt);
    OPENSSL_cleanse(&found->key, sizeof found->key);
    if (!done) return failed;
    // A client of TLS 1.3 uses each ticket only once (RFC 8446, appendix C.4).
    const bool needs_new_ticket = found->is_previous || SSL_version(ssl) == TLS1_3_VERSION;
    return needs_new_ticket ? accepted_send_new_ticket : accepted;
}

}  // namespace

TlsTicketKeys::TlsTicketKeys(Millis lifetime, const Clock& clock)
    : lifetime_us_(lifetime.count() * 1000),
      clock_(clock),
      current_since_us_(clock.steady_us()),
      current_(random_key()),
      previous_(random_key()) {}

void TlsTicketKeys::install(ssl_ctx_st& context) {
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(&context, (lifetime_us_ + 999'999) / 1'000'000);
    SSL_CTX_set_num_tickets(&context, tickets_per_handshake);
    SSL_CTX_set_app_data(&context, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, on_ticket);
}

TlsTicketKey TlsTicketKeys::current() {
    const std::lock_guard lock(mutex_);
    rotate();
    return current_;
}

std::optional<TlsTicketKeys::Found> TlsTicketKeys::find(std::span<const unsigned char, 16> name) {
    const std::lock_guard lock(mutex_);
    rotate();
    if (std::ranges::equal(current_.name, name)) return Found{current_, false};
    if (std::ranges::equal(previous_.name, name)) return Found{previous_, true};
    return std::nullopt;
}

void TlsTicketKeys::rotate() {
    const int64_t age_us = clock_.steady_us() - current_since_us_;
    if (age_us < lifetime_us_) return;
    previous_ = age_us < 2 * lifetime_us_ ? current_ : random_key();
    current_ = random_key();
    current_since_us_ += age_us;
}

}  // namespace rollcall
