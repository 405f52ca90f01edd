// MqttSessions: the MQTT sessions of one worker, what they share, and what they leave behind.
//
// Threads: the worker's, but ask_to_leave(), which any worker may call.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/ingest/context.h"
#include "daemon/mqtt/clients.h"
#include "daemon/mqtt/delayed_wills.h"
#include "daemon/net/connection.h"

namespace rollcall {

class MqttSession;

class MqttSessions final : public MqttMailbox {
public:
    MqttSessions(const IngestContext& context, MqttClients& clients, std::function<void()> wake);

    [[nodiscard]] std::unique_ptr<Session> make(Connection& connection);
    // At every turn of the loop: who was asked to leave leaves, so does who is not known any more,
    // and wills that are due are done.
    void turn();
    // Nobody is asked to leave from now on: the loop ends.
    void close();

    // --- for the sessions ---
    // A seat, which stays the session's until it leaves.
    [[nodiscard]] uint32_t enter(MqttSession& session);
    void leave(uint32_t seat);
    // due_us: steady.
    void add(int64_t due_us, DelayedWill will) { wills_.add(due_us, std::move(will)); }
    [[nodiscard]] int64_t now_s() const { return clock.steady_us() / 1'000'000; }

    const Settings& settings;
    MqttClients& clients;
    Intake& intake;
    Liveness& liveness;
    Credentials& credentials;
    Quotas& quotas;
    Refusals& refusals;
    const Clock& clock;

private:
    void ask_to_leave(uint32_t seat, uint64_t connection) override;
    // False if the ring is full.
    bool execute(const DelayedWill& will);

    std::vector<MqttSession*> seats_;  // nullptr: nobody has it.
    std::vector<uint32_t> free_seats_;
    DelayedWills wills_;
    std::mutex mutex_;  // Of what follows.
    struct Leaving {
        uint32_t seat;
        uint64_t connection;
    };
    std::vector<Leaving> leaving_;
    std::function<void()> wake_;  // Empty once it is closed.
};

}  // namespace rollcall
