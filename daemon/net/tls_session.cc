#include "daemon/net/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

namespace rollcall {

namespace {

// Maximum number of consecutive records without application data, such as a key update of TLS 1.3.
// The limit is low because a key update costs as much as a hundred reads of data.
constexpr int records_without_data_max = 32;
constexpr unsigned char record_type_handshake = 22;  // RFC 8446, section 5.1.

// Returns the size of the complete records at the front of `encrypted`. If a header announces more
// than the maximum size of a record, all bytes count as complete, so that OpenSSL refuses the
// record at once. A header consists of the type, the version (2 bytes) and the length (2 bytes).
size_t complete_records(std::string_view encrypted) {
    constexpr size_t header_bytes = 5;                  // RFC 8446, section 5.1.
    constexpr size_t content_bytes_max = 16384 + 2048;  // RFC 5246, section 6.2.3.
    const auto byte = [&](size_t at) {
        return static_cast<size_t>(static_cast<unsigned char>(encrypted[at]));
    };
    size_t at = 0;
    while (encrypted.size() - at >= header_bytes) {
        const size_t content_bytes = byte(at + 3) << 8 | byte(at + 4);
        if (content_bytes > content_bytes_max) return encrypted.size();
        if (encrypted.size() - at - header_bytes < content_bytes) break;
        at += header_bytes + content_bytes;
    }
    return at;
}

// Returns the code for OpenSSL's last error. A reason above SSL_AD_REASON_OFFSET is an alert that
// the client sent (SSL_get_error(3)).
Code code_of_last_error() {
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

bool has_expired(const X509& certificate) {
    int days = 0, seconds = 0;
    return ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(&certificate)) == 1 &&
           (days < 0 || seconds < 0);
}

// Returns the only common name of the certificate's subject, or an empty string.
std::string common_name(const X509& certificate) {
    const X509_NAME* const subject = X509_get_subject_name(&certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
    unsigned char* text = nullptr;
    const int bytes =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (bytes < 0) return {};
    std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(bytes));
    OPENSSL_free(text);
    const auto is_control = [](unsigned char byte) { return byte < ' ' || byte == 0x7f; };
    return std::ranges::any_of(name, is_control) ? std::string() : name;
}

}  // namespace

// The callbacks of a BIO (an I/O object of OpenSSL) that reads from incoming_ and writes to
// outgoing_.
struct TlsSession::Callbacks {
    static TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, int size) {
        BIO_clear_retry_flags(bio);
        std::string_view& incoming = session_of(bio).incoming_;
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
        session_of(bio).outgoing_.append({bytes, static_cast<size_t>(count)});
        return count;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    // Returns the only BIO_METHOD of the process, which is never freed.
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
};

TlsSession::TlsSession(TlsContext& context, Transport transport)
    : context_(context), transport_(transport) {}

TlsSession::~TlsSession() = default;

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

// --- the handshake ---

void TlsSession::begin_handshake() {
    ssl_.reset(context_.make_ssl(transport_));
    BIO* const bio = BIO_new(Callbacks::in_memory());
    ensure(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
}

Result<bool> TlsSession::handshake(std::string_view& encrypted) {
    // Creates no OpenSSL object for a client that speaks plain text.
    if (!handshake_begun_ && static_cast<unsigned char>(encrypted.front()) != record_type_handshake)
        fault_ = Code::tls_plaintext;
    else if (!handshake_begun_)
        begin_handshake();
    handshake_begun_ = true;
    if (fault_) return fail(*fault_);
    ERR_clear_error();
    incoming_ = encrypted;
    const int done = SSL_do_handshake(ssl_.get());
    encrypted = std::exchange(incoming_, {});
    if (done == 1) {
        if (identify_client()) return true;
        fault_ = Code::tls_bad_certificate;
    } else if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) {
        return false;
    } else {
        fault_ = code_of_last_error();
    }
    return fail(*fault_);
}

// Returns false if the client resumed a session and its certificate has expired since that session
// began.
bool TlsSession::identify_client() {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return true;
    if (has_expired(*certificate)) return false;
    certificate_name_ = common_name(*certificate);
    return true;
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

// --- records ---

size_t TlsSession::decrypt(std::string_view& encrypted, std::span<char> into) {
    ERR_clear_error();
    const size_t complete = complete_records(encrypted);
    incoming_ = encrypted.substr(0, complete);
    size_t total = 0;
    int without_data = 0;
    while (total < into.size() && !input_ended_) {
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
        input_ended_ = true;
        if (error != SSL_ERROR_ZERO_RETURN) fault_ = code_of_last_error();
    }
    encrypted.remove_prefix(complete - std::exchange(incoming_, {}).size());
    return total;
}

void TlsSession::encrypt(std::string_view plain) {
    if (plain.empty() || fault_) return;
    ERR_clear_error();
    // outgoing_ is never full, so OpenSSL writes all or fails.
    const int count = SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    if (count != static_cast<int>(plain.size())) fault_ = Code::tls_malformed;
}

bool TlsSession::send_close_notify() {
    if (!ssl_ || fault_ || close_notify_sent_ || SSL_in_init(ssl_.get()) != 0) return false;
    close_notify_sent_ = true;
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    return true;
}

}  // namespace rollcall
