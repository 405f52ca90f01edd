// MqttSessions: the MQTT sessions of one worker. It closes a connection when its client has
// connected again, and stores wills that are due. Any worker may store any will.
//
// Threads: the worker's; any thread may call post_takeover().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "config/settings.h"
#include "daemon/ingest/context.h"
#include "daemon/mqtt/clients.h"
#include "daemon/mqtt/delayed_wills.h"
#include "daemon/net/connection.h"

namespace rollcall {

class MqttSession;

class MqttSessions final : private MqttMailbox {
public:
    // wake: makes the worker call on_turn() soon; any thread may call wake.
    MqttSessions(const IngestContext& context, MqttClients& registry, std::function<void()> wake);

    [[nodiscard]] std::unique_ptr<Session> make(Connection& connection);
    // Ends the sessions that were taken over and those whose credential is no longer valid, and
    // stores the wills that are due. Call on_turn() at every turn of the loop.
    void on_turn();
    // Call this when the loop ends. Later takeovers are ignored.
    void close();

    // --- for the sessions ---
    // Adds a session and returns its index, which stays the same until remove().
    [[nodiscard]] uint32_t add(MqttSession& session);
    void remove(uint32_t index);
    // Stores the row of a will, and charges the quotas of its client as for a check-in. If the will
    // is refused, counts the refusal.
    [[nodiscard]] Result<Receipt> store(const DelayedWill& will);
    [[nodiscard]] MqttMailbox& mailbox() { return *this; }
    [[nodiscard]] MqttClients& registry() const { return registry_; }
    [[nodiscard]] const IngestContext& context() const { return context_; }
    [[nodiscard]] const Settings& settings() const { return context_.settings; }
    [[nodiscard]] int64_t now_s() const { return context_.clock.steady_us() / 1'000'000; }

private:
    struct Takeover {
        uint32_t session_index;
        uint64_t connection;
    };
    void post_takeover(uint32_t session_index, uint64_t connection) override;
    [[nodiscard]] std::vector<Takeover> take_takeovers();
    void store_due_wills();

    IngestContext context_;
    MqttClients& registry_;
    std::vector<MqttSession*> sessions_;  // By index; nullptr if the index is free.
    std::vector<uint32_t> free_indexes_;
    std::mutex mutex_;  // Protects the members below.
    std::vector<Takeover> takeovers_;
    std::function<void()> wake_;  // Empty after close().
};

}  // namespace rollcall
