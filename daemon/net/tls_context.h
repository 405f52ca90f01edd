// TlsContext: what all TLS clients share: certificates, keys, protocol settings and ticket keys.
//
// TLS 1.2 (RFC 5246) and 1.3 (RFC 8446), by OpenSSL; the server's order of algorithms decides.
// There is no renegotiation, no compression and no early data. The name that a client asks for (RFC
// 6066) is ignored: it gets the first certificate that its version and algorithms can use, ECDSA
// before RSA. By ALPN (RFC 7301) a client may ask for http/1.1 or mqtt, according to the port; a
// client that offers only other protocols wants another service and is refused.
//
// A reload replaces the certificates; sessions that exist keep the old ones. Tickets become void
// when tls.client_ca changes, because a ticket says that its client was verified.
//
// Threads: load() on one thread at a time, the rest on any; a lock guards the current context. A
// handshake takes it once.
#pragma once

#include <memory>
#include <mutex>

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
    ~TlsContext();  // After every TlsSession.
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Loads the files that the settings name, for clients that connect from now on. Call it before
    // the first session, and at each reload. An error (bad_setting) explains which file and why,
    // and leaves everything as it was.
    [[nodiscard]] Result<void> load();

    // Returns OpenSSL's object for a new client, which the caller frees.
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

    [[nodiscard]] Context make_context();
    [[nodiscard]] Result<void> load_files(ssl_ctx_st& context);

    const Settings& settings_;
    const Clock& clock_;
    MetricShard shard_;
    TlsTicketKeys ticket_keys_;  // Of every context, current or replaced.
    std::mutex mutex_;           // Guards context_.
    Context context_;
};

}  // namespace rollcall
