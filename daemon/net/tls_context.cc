#include "daemon/net/tls_context.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/base/destroy.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

// OpenSSL's names in order of preference. AES-128 precedes AES-256, because routers are slow and
// AES-128 needs fewer rounds.
constexpr const char* ciphers_tls_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* ciphers_tls_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// The ciphers of RouterOS 6. The last cipher is mandatory in TLS 1.2 (RFC 5246, section 9).
constexpr const char* ciphers_cbc = ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA";
constexpr const char* groups = "X25519:P-256:P-384";

using Certificate = std::unique_ptr<X509, DestroyWith<X509_free>>;
using Bio = std::unique_ptr<BIO, DestroyWith<BIO_free>>;

// --- ALPN ---

// The ALPN names of the protocols that a port can speak. The names are global, because each SSL
// object keeps a pointer to one of them.
constexpr std::string_view protocol_http = "http/1.1";
constexpr std::string_view protocol_mqtt = "mqtt";

// Callback of OpenSSL. `offered` lists names, each preceded by its length (RFC 7301, section 3.1).
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
    const auto& spoken = *static_cast<const std::string_view*>(SSL_get_app_data(ssl));
    for (unsigned at = 0; at < offered_bytes; at += 1U + offered[at]) {
        const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
        if (name != spoken) continue;
        *chosen = offered + at + 1;
        *chosen_bytes = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// --- files ---

// Returns the reason why the last call of OpenSSL failed. The reason is a text of the kernel or of
// OpenSSL, or a clearer text of our own.
std::string last_error() {
    const unsigned long error = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
    const int reason = ERR_GET_REASON(error);
    const bool is_pem = ERR_GET_LIB(error) == ERR_LIB_PEM;
    if (is_pem && reason == PEM_R_NO_START_LINE)
        return "the file contains nothing in PEM format that can be used here";
    if ((is_pem && reason == PEM_R_BAD_PASSWORD_READ) || reason == ERR_R_INTERRUPTED_OR_CANCELLED)
        return "it is encrypted; remove its passphrase";
    const char* const text = ERR_reason_error_string(error);
    return text != nullptr ? text : "it cannot be read";
}

std::unexpected<Error> fail_of(std::string_view setting, const std::string& file,
                               std::string_view reason) {
    return fail(Code::bad_setting, fmt::format("{}: {}: {}", setting, file, reason));
}

// OpenSSL calls this for the passphrase of an encrypted key. The result -1 reports that there is no
// passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<void> use_certificate(SSL_CTX& context, const std::string& certificate,
                             const std::string& key) {
    if (SSL_CTX_use_certificate_chain_file(&context, certificate.c_str()) != 1)
        return fail_of("tls.certificate", certificate, last_error());
    const bool loaded = SSL_CTX_use_PrivateKey_file(&context, key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!loaded && ERR_GET_LIB(ERR_peek_error()) != ERR_LIB_X509)
        return fail_of("tls.key", key, last_error());
    if (!loaded || SSL_CTX_check_private_key(&context) != 1)
        return fail_of("tls.key", key, "it is not the key of " + certificate);
    return {};
}

// Returns the readable part of the file. OpenSSL's error queue tells whether reading failed.
std::string read_text(const std::string& path) {
    std::string text;
    const Bio file(BIO_new_file(path.c_str(), "r"));
    if (!file) return text;
    std::array<char, 4096> piece;
    for (int count = 0; (count = BIO_read(file.get(), piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<size_t>(count));
    return text;
}

// Configures the context to verify clients by the authorities in `text`, which is the content of
// the file `path`.
Result<void> use_client_ca(SSL_CTX& context, const std::string& path, const std::string& text) {
    if (text.empty() && ERR_peek_error() != 0) return fail_of("tls.client_ca", path, last_error());
    const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    int found = 0;
    while (const Certificate authority{
        PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get()) != 1 ||
            SSL_CTX_add_client_CA(&context, authority.get()) != 1)
            return fail_of("tls.client_ca", path, last_error());
        ++found;
    }
    // After the last certificate, OpenSSL reports a missing start line. Any other error means that
    // the file is wrong.
    if (found == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail_of("tls.client_ca", path, last_error());
    ERR_clear_error();
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    return {};
}

int64_t seconds_until(const ASN1_TIME* time) {
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, time) != 1) return 0;
    constexpr int64_t seconds_per_day = 86'400;
    return days * seconds_per_day + seconds;
}

}  // namespace

TlsContext::TlsContext(const Settings& settings, const Clock& clock)
    : settings_(settings), clock_(clock), ticket_keys_(settings.tls.ticket_lifetime_max, clock) {}

TlsContext::~TlsContext() = default;

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::Context TlsContext::make_context() {
    Context made(SSL_CTX_new(TLS_server_method()));
    ensure(made != nullptr);
    SSL_CTX* const context = made.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // No buffers for an idle client.
    // OpenSSL must return after each record, because TlsSession counts records without data.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    const std::string tls_1_2 =
        std::string(ciphers_tls_1_2) + (settings_.tls.cbc_ciphers ? ciphers_cbc : "");
    ensure(SSL_CTX_set_cipher_list(context, tls_1_2.c_str()) == 1);
    ensure(SSL_CTX_set_ciphersuites(context, ciphers_tls_1_3) == 1);
    ensure(SSL_CTX_set1_groups_list(context, groups) == 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    ticket_keys_.install(*context);
    return made;
}

Result<TlsContext::Expiry> TlsContext::load_files(ssl_ctx_st& context) {
    const auto& tls = settings_.tls;
    Expiry first{.left_s = std::numeric_limits<int64_t>::max(), .file = {}};
    for (size_t number = 0; number < tls.certificate.size(); ++number) {
        const std::string& file = tls.certificate[number];
        if (auto used = use_certificate(context, file, tls.key[number]); !used)
            return std::unexpected(used.error());
        // OpenSSL returns the certificate that was added last.
        const int64_t left_s =
            seconds_until(X509_get0_notAfter(SSL_CTX_get0_certificate(&context)));
        if (left_s < first.left_s) first = {.left_s = left_s, .file = file};
    }
    const std::string authorities = tls.client_ca.empty() ? "" : read_text(tls.client_ca);
    if (!tls.client_ca.empty())
        if (auto used = use_client_ca(context, tls.client_ca, authorities); !used)
            return std::unexpected(used.error());
    // OpenSSL resumes a session only in a context with the same session id context. Here this id is
    // a digest of the authorities, so a change of the authorities voids all tickets.
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(authorities.data()), authorities.size(),
           digest.data());
    ensure(SSL_CTX_set_session_id_context(&context, digest.data(), digest.size()) == 1);
    return first;
}

Result<void> TlsContext::load() {
    if (settings_.tls.certificate.empty()) return {};
    ERR_clear_error();
    Context made = make_context();
    const auto expiry = load_files(*made);
    if (!expiry) return std::unexpected(expiry.error());
    shard_.set(Metric::tls_certificate_expiry_timestamp_seconds,
               clock_.wall_us() / 1'000'000 + expiry->left_s);
    if (expiry->left_s < 0)
        log(LogLevel::warning,
            "tls.certificate: {} expired {} s ago; clients that verify it cannot connect. Renew it "
            "and reload the daemon (SIGHUP)",
            expiry->file, -expiry->left_s);
    const std::lock_guard lock(mutex_);
    std::swap(context_, made);
    return {};
}

ssl_st* TlsContext::make_ssl(Transport transport) {
    SSL* ssl = nullptr;
    {
        const std::lock_guard lock(mutex_);
        ssl = SSL_new(context_.get());  // The SSL object shares ownership of the context.
    }
    ensure(ssl != nullptr);
    const std::string_view& spoken = transport == Transport::http ? protocol_http : protocol_mqtt;
    SSL_set_app_data(ssl, const_cast<std::string_view*>(&spoken));
    return ssl;
}

}  // namespace rollcall
