#include "daemon/net/tls.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include "pipeline/base/destroy.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

// As OpenSSL names them, the best first; AES-128 before AES-256 because routers compute it, too.
constexpr const char* ciphers_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* ciphers_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// What RouterOS 6 has: the last is the one that every TLS 1.2 must have (RFC 5246, section 9).
constexpr const char* ciphers_cbc = ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr int tickets_each = 1;  // In 1.3; OpenSSL would send two.
// Records without data that a client may send at once: each new key costs as much as a hundred
// reads.
constexpr int records_without_data_max = 32;
constexpr unsigned char record_handshake = 22;  // RFC 8446, section 5.1.

using Context = std::unique_ptr<SSL_CTX, DestroyWith<SSL_CTX_free>>;
using Certificate = std::unique_ptr<X509, DestroyWith<X509_free>>;
using Bio = std::unique_ptr<BIO, DestroyWith<BIO_free>>;

// Why the last call failed: in the kernel's words, OpenSSL's, or better ones.
std::string why() {
    const unsigned long error = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
    const int number = ERR_GET_REASON(error);
    const bool of_pem = ERR_GET_LIB(error) == ERR_LIB_PEM;
    if (of_pem && number == PEM_R_NO_START_LINE) return "there is none in it, as PEM";
    if ((of_pem && number == PEM_R_BAD_PASSWORD_READ) || number == ERR_R_INTERRUPTED_OR_CANCELLED)
        return "it needs a passphrase, which nobody can type in";
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "it cannot be read";
}

using Problem = std::unexpected<std::string>;

Problem problem(std::string_view setting, const std::string& file, const std::string& reason) {
    return Problem(fmt::format("{}: {}: {}", setting, file, reason));
}

// --- tickets ---

// RFC 5077, section 4: encrypted, then authenticated.
struct TicketKey {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
};

TicketKey random_ticket_key() {
    TicketKey key;
    ensure(RAND_priv_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1);
    ensure(RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1);
    ensure(RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
    return key;
}

class TicketKeys {
public:
    TicketKeys(Millis lifetime, const Clock& clock)
        : lifetime_us_(lifetime.count() * 1000), clock_(clock), since_us_(clock.steady_us()) {}

    // The key for a new ticket.
    TicketKey current() {
        const std::lock_guard lock(mutex_);
        rotate();
        return current_;
    }

    // The key of that name, and whether it is not the current one any more.
    bool find(const unsigned char* name, TicketKey& key, bool& old) {
        const std::lock_guard lock(mutex_);
        rotate();
        for (const TicketKey* known : {&current_, &previous_}) {
            if (!std::equal(known->name.begin(), known->name.end(), name)) continue;
            key = *known;
            old = known == &previous_;
            return true;
        }
        return false;
    }

private:
    void rotate() {
        const int64_t age_us = clock_.steady_us() - since_us_;
        if (age_us < lifetime_us_) return;
        previous_ = age_us < 2 * lifetime_us_ ? current_ : random_ticket_key();
        current_ = random_ticket_key();
        since_us_ += age_us;
    }

    const int64_t lifetime_us_;
    const Clock& clock_;
    std::mutex mutex_;
    int64_t since_us_;  // That current_ is the current one.
    TicketKey current_ = random_ticket_key();
    TicketKey previous_ = random_ticket_key();  // At first it is nobody's.
};

// Called back for each ticket that is made (encrypt) or shown. Source:
// SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int encrypt) {
    constexpr int failed = -1, unknown = 0, good = 1, good_and_make_a_new_one = 2;
    auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    TicketKey key;
    bool old = false;
    if (encrypt != 0) {
        key = keys.current();
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return failed;
        std::ranges::copy(key.name, name);
    } else if (!keys.find(name, key, old)) {
        return unknown;
    }
    std::array<char, 7> digest{"SHA256"};
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                                         encrypt) == 1 &&
                       EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(&key, sizeof key);
    if (!ready) return failed;
    // A client of 1.3 uses a ticket once (RFC 8446, appendix C.4).
    const bool used_up = old || SSL_version(ssl) == TLS1_3_VERSION;
    return used_up ? good_and_make_a_new_one : good;
}

// --- a context of OpenSSL's, from the files ---

// Asked for the passphrase of a key.
int no_passphrase(char*, int, int, void*) { return -1; }

std::expected<void, std::string> use_certificate(SSL_CTX& context, const std::string& certificate,
                                                 const std::string& key) {
    if (SSL_CTX_use_certificate_chain_file(&context, certificate.c_str()) != 1)
        return problem("tls.certificate", certificate, why());
    const bool read = SSL_CTX_use_PrivateKey_file(&context, key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!read && ERR_GET_LIB(ERR_peek_error()) != ERR_LIB_X509)
        return problem("tls.key", key, why());
    if (!read || SSL_CTX_check_private_key(&context) != 1)
        return problem("tls.key", key, "it is not the key of " + certificate);
    return {};
}

std::string text_of(const std::string& path) {
    std::string text;
    const Bio file(BIO_new_file(path.c_str(), "r"));
    if (!file) return text;
    std::array<char, 4096> some;
    for (int count = 0; (count = BIO_read(file.get(), some.data(), some.size())) > 0;)
        text.append(some.data(), static_cast<size_t>(count));
    return text;
}

// The file's text. Clients' certificates are verified by what is in it.
std::expected<std::string, std::string> use_client_ca(SSL_CTX& context, const std::string& path) {
    std::string text = text_of(path);
    if (text.empty() && ERR_peek_error() != 0) return problem("tls.client_ca", path, why());
    const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    int found = 0;
    while (const Certificate authority{
        PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get()) != 1 ||
            SSL_CTX_add_client_CA(&context, authority.get()) != 1)
            return problem("tls.client_ca", path, why());
        ++found;
    }
    // The end of the file is told as a beginning that is not there.
    if (found == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return problem("tls.client_ca", path, why());
    ERR_clear_error();
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    return text;
}

int64_t seconds_left(const ASN1_TIME* time) {
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, time) != 1) return 0;
    constexpr int64_t seconds_a_day = 86'400;
    return days * seconds_a_day + seconds;
}

// Until the first of its certificates expires.
int64_t seconds_left(SSL_CTX& context) {
    int64_t left = std::numeric_limits<int64_t>::max();
    for (long found = SSL_CTX_set_current_cert(&context, SSL_CERT_SET_FIRST); found == 1;
         found = SSL_CTX_set_current_cert(&context, SSL_CERT_SET_NEXT))
        left = std::min(left, seconds_left(X509_get0_notAfter(SSL_CTX_get0_certificate(&context))));
    return left;
}

// --- what a handshake failed of ---

// Of the last error. SSL_get_error(3): a reason from an alert that came is this and the alert.
Code reason_of_failure() {
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) return Code::tls_malformed;
    if (reason > SSL_AD_REASON_OFFSET) return Code::tls_client_alert;
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW: return Code::tls_version;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SHARED_GROUPS:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        case SSL_R_NO_SUITABLE_GROUPS:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_APPLICATION_PROTOCOL: return Code::tls_no_common_algorithm;
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return Code::tls_bad_certificate;
        default: return Code::tls_malformed;
    }
}

std::string_view protocol_of(Transport transport) {
    return transport == Transport::http ? "http/1.1" : "mqtt";
}

}  // namespace

// --- OpenSSL calls back ---

struct Tls::Callbacks {
    static Tls& tls_of(BIO* bio) { return *static_cast<Tls*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, int size) {
        BIO_clear_retry_flags(bio);
        std::string_view& incoming = tls_of(bio).incoming_;
        if (incoming.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const size_t count = incoming.copy(into, static_cast<size_t>(size));
        incoming.remove_prefix(count);
        return static_cast<int>(count);
    }

    static int write(BIO* bio, const char* bytes, int count) {
        BIO_clear_retry_flags(bio);
        tls_of(bio).outgoing_.append({bytes, static_cast<size_t>(count)});
        return count;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    // One for the process; it is never freed.
    static const BIO_METHOD* in_memory() {
        static const BIO_METHOD* const method = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rollcall");
            ensure(made != nullptr);
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }();
        return method;
    }

    // `offered`: names, each with its length before it (RFC 7301, section 3.1).
    static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                               const unsigned char* offered, unsigned offered_bytes, void*) {
        const auto& self = *static_cast<const Tls*>(SSL_get_app_data(ssl));
        const std::string_view ours = protocol_of(self.transport_);
        for (unsigned at = 0; at < offered_bytes; at += 1U + offered[at]) {
            const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1,
                                        offered[at]);
            if (name != ours) continue;
            *chosen = offered + at + 1;
            *chosen_bytes = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
};

// --- what all share ---

struct TlsContext::Shared {
    Shared(const Settings& all_settings, const Clock& its_clock)
        : settings(all_settings),
          clock(its_clock),
          ticket_keys(settings.tls.ticket_lifetime_max, clock) {}

    [[nodiscard]] std::expected<Context, std::string> read_files();
    [[nodiscard]] SSL* start() {
        const std::lock_guard lock(mutex);
        return SSL_new(context.get());  // Which keeps the context, too.
    }

    const Settings& settings;
    const Clock& clock;
    TicketKeys ticket_keys;  // Every context, old or new, points here.
    std::mutex mutex;        // Of context.
    Context context;
};

std::expected<Context, std::string> TlsContext::Shared::read_files() {
    ERR_clear_error();
    const auto& tls = settings.tls;
    Context made(SSL_CTX_new(TLS_server_method()));
    ensure(made != nullptr);
    SSL_CTX& its = *made;
    SSL_CTX_set_min_proto_version(&its, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(&its, TLS1_3_VERSION);
    SSL_CTX_set_options(
        &its, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(&its, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(&its, SSL_MODE_AUTO_RETRY);  // Comes back from each record without data.
    const std::string older = std::string(ciphers_12) + (tls.cbc_ciphers ? ciphers_cbc : "");
    ensure(SSL_CTX_set_cipher_list(&its, older.c_str()) == 1);
    ensure(SSL_CTX_set_ciphersuites(&its, ciphers_13) == 1);
    ensure(SSL_CTX_set1_groups_list(&its, groups) == 1);
    SSL_CTX_set_alpn_select_cb(&its, Tls::Callbacks::choose_protocol, nullptr);

    SSL_CTX_set_session_cache_mode(&its, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(&its,
                        std::chrono::ceil<std::chrono::seconds>(tls.ticket_lifetime_max).count());
    SSL_CTX_set_num_tickets(&its, tickets_each);
    SSL_CTX_set_app_data(&its, &ticket_keys);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(&its, on_ticket);

    SSL_CTX_set_default_passwd_cb(&its, no_passphrase);
    for (size_t number = 0; number < tls.certificate.size(); ++number)
        if (auto used = use_certificate(its, tls.certificate[number], tls.key[number]); !used)
            return Problem(used.error());
    std::string authorities;
    if (!tls.client_ca.empty()) {
        auto used = use_client_ca(its, tls.client_ca);
        if (!used) return Problem(used.error());
        authorities = std::move(*used);
    }
    // A ticket tells of a client that it was verified, so it is worth nothing to others.
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(authorities.data()), authorities.size(),
           digest.data());
    ensure(SSL_CTX_set_session_id_context(&its, digest.data(), digest.size()) == 1);
    return made;
}

TlsContext::TlsContext(const Settings& settings, const Clock& clock)
    : shared_(std::make_unique<Shared>(settings, clock)) {}

TlsContext::~TlsContext() = default;

std::expected<void, std::string> TlsContext::read() {
    if (shared_->settings.tls.certificate.empty()) return {};
    auto made = shared_->read_files();
    if (!made) return Problem(made.error());
    const int64_t left_s = seconds_left(**made);
    shard_.set(Metric::tls_certificate_expiry_timestamp_seconds,
               shared_->clock.wall_us() / 1'000'000 + left_s);
    if (left_s < 0)
        log(LogLevel::warning, "tls.certificate: expired; routers that check will not connect");
    const std::lock_guard lock(shared_->mutex);
    std::swap(shared_->context, *made);
    return {};
}

Millis TlsContext::handshake_timeout_max() const {
    return shared_->settings.tls.handshake_timeout_max;
}

// --- one client ---

Tls::Tls(TlsContext& context, Transport transport) : context_(context), transport_(transport) {}
Tls::~Tls() = default;

void Tls::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

void Tls::begin() {
    ssl_.reset(context_.shared_->start());
    BIO* const bio = BIO_new(Callbacks::in_memory());
    ensure(ssl_ != nullptr && bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_accept_state(ssl_.get());
}

Result<bool> Tls::shake_hands(std::string_view& sealed) {
    // Who speaks in plain text is not worth an object of OpenSSL's.
    if (!begun_ && static_cast<unsigned char>(sealed.front()) != record_handshake)
        fault_ = Code::tls_plaintext;
    else if (!begun_)
        begin();
    begun_ = true;
    if (fault_) return fail(*fault_);
    ERR_clear_error();
    incoming_ = sealed;
    const int done = SSL_do_handshake(ssl_.get());
    sealed = std::exchange(incoming_, {});
    if (done == 1) {
        if (identify()) return true;
        fault_ = Code::tls_bad_certificate;
    } else if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) {
        return false;
    } else {
        fault_ = reason_of_failure();
    }
    return fail(*fault_);
}

// False if the certificate that a ticket tells of has expired since.
bool Tls::identify() {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return true;
    if (seconds_left(X509_get0_notAfter(certificate)) < 0) return false;
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return true;
    unsigned char* text = nullptr;
    const int bytes =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (bytes < 0) return true;
    const std::string_view name(reinterpret_cast<const char*>(text), static_cast<size_t>(bytes));
    const auto is_control = [](unsigned char byte) { return byte < ' ' || byte == 0x7f; };
    if (std::ranges::none_of(name, is_control)) certified_ = name;
    OPENSSL_free(text);
    return true;
}

bool Tls::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

bool Tls::in_a_record() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

size_t Tls::open(std::string_view& sealed, std::span<char> into) {
    ERR_clear_error();
    incoming_ = sealed;
    size_t total = 0;
    int without_data = 0;
    while (total < into.size() && !ended_) {
        const int count =
            SSL_read(ssl_.get(), into.data() + total, static_cast<int>(into.size() - total));
        if (count > 0) {
            total += static_cast<size_t>(count);
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), count);
        const bool more_has_come = !incoming_.empty();
        if (error == SSL_ERROR_WANT_READ && !more_has_come) break;
        if (error == SSL_ERROR_WANT_READ && ++without_data <= records_without_data_max) continue;
        ended_ = true;
        if (error != SSL_ERROR_ZERO_RETURN) fault_ = reason_of_failure();
    }
    sealed = std::exchange(incoming_, {});
    return total;
}

void Tls::seal(std::string_view plain) {
    if (plain.empty() || fault_) return;
    ERR_clear_error();
    // The memory that it writes into is never full.
    const int count = SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    if (count != static_cast<int>(plain.size())) fault_ = Code::tls_malformed;
}

bool Tls::say_end() {
    if (!ssl_ || fault_ || end_said_ || SSL_in_init(ssl_.get()) != 0) return false;
    end_said_ = true;
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    return true;
}

}  // namespace rollcall
