// TlsContext: the configuration that all TLS clients share: certificates, keys, protocol settings
// and ticket keys.
//
// OpenSSL implements TLS 1.2 (RFC 5246) and 1.3 (RFC 8446). The server's order of preference
// selects the algorithms. There is no renegotiation, no compression and no early data. The server
// ignores the server name (SNI, RFC 6066) that a client sends. A client gets the first certificate
// that its TLS version and algorithms can use; ECDSA comes before RSA. A client that uses ALPN (RFC
// 7301) must offer the protocol of the port, http/1.1 or mqtt; otherwise it is refused.
//
// A reload replaces the certificates; existing sessions keep the old ones. When tls.client_ca
// changes, all tickets become void, because the client of a ticket was verified against the old
// tls.client_ca.
//
// Threads: only one thread at a time may call load(); any thread may call the others.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "config/metrics.h"
#include "config/settings.h"
#include "config/units.h"
#include "daemon/net/tls_tickets.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"

struct ssl_ctx_st;
struct ssl_st;

namespace rollcall {

class TlsContext {
public:
    TlsContext(const Settings& settings, const Clock& clock);
    ~TlsContext();  // Every TlsSession must have ended.
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Loads the files that the settings name, for clients that connect from now on. Call load()
    // before the first session, and at each reload. An error (bad_setting) names the file and the
    // reason; the previous files then remain in effect.
    [[nodiscard]] Result<void> load();

    // Returns a new SSL object for one client. The caller frees the object.
    [[nodiscard]] ssl_st* make_ssl(Transport transport);
    [[nodiscard]] Millis handshake_timeout_max() const {
        return settings_.tls.handshake_timeout_max;
    }
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    using Context = std::unique_ptr<ssl_ctx_st, Free>;

    // The server certificate that expires first. Intermediate certificates are not considered.
    struct Expiry {
        int64_t left_s;
        std::string file;
    };

    [[nodiscard]] Context make_context();
    [[nodiscard]] Result<Expiry> load_files(ssl_ctx_st& context);

    const Settings& settings_;
    const Clock& clock_;
    MetricShard shard_;
    TlsTicketKeys ticket_keys_;  // Contexts that load() has replaced also use these keys.
    std::mutex mutex_;           // Guards context_; each handshake takes the lock once.
    Context context_;
};

}  // namespace rollcall
