// TlsContext: the configuration that all TLS clients share: certificates, keys, protocol settings
// and ticket keys.
//
// OpenSSL implements TLS 1.2 (RFC 5246) and 1.3 (RFC 8446). The server's order of preference
// selects the algorithms. There is no renegotiation, no compression and no early data. The server
// ignores the name that a client asks for (RFC 6066). A client gets the first certificate that its
// version and algorithms can use; ECDSA comes before RSA. By ALPN (RFC 7301) a client may ask for
// http/1.1 or mqtt, whichever the port speaks; a client that offers only other protocols is
// refused.
//
// A reload replaces the certificates; existing sessions keep the old ones. Tickets become void when
// tls.client_ca changes, because a ticket implies that its client was verified.
//
// Threads: only one thread at a time may call load(); any thread may call the others. A lock guards
// the current context; each handshake takes the lock once.
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
    ~TlsContext();  // Every TlsSession must have ended.
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Loads the files that the settings name, for clients that connect from now on. Call it before
    // the first session, and at each reload. An error (bad_setting) names the file and the reason;
    // the previous files then remain in effect.
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
    TlsTicketKeys ticket_keys_;  // Shared by all contexts, the current and the replaced ones.
    std::mutex mutex_;           // Guards context_.
    Context context_;
};

}  // namespace rollcall
