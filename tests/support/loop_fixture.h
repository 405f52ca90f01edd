// LoopFixture: a Loop in the thread of the test, advanced by step(), with clients on socket pairs
// and sessions that follow a script.
//
// Threads: one. The loop uses the real clock, but no timer: only sweep() checks deadlines.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/net/listener.h"
#include "daemon/net/loop.h"

namespace rollcall {

// Instructions for the sessions of a test, and a record of their calls.
struct SessionScript {
    // Removes bytes from the front of the input. The default removes all of them.
    std::function<void(Connection&, std::string_view&)> on_data = {};
    std::function<void(Connection&)> on_deadline = {};
    std::string taken;                // Bytes that on_data() removed.
    std::vector<std::string> events;  // Names of the other callbacks that were called.
    Connection* last = nullptr;       // The connection of the last session.
};

class ScriptedSession final : public Session {
public:
    ScriptedSession(Connection& connection, SessionScript& script)
        : connection_(connection), script_(script) {
        script_.last = &connection;
        script_.events.push_back("open");
    }
    void on_data(std::string_view& bytes) override {
        const std::string_view before = bytes;
        if (script_.on_data)
            script_.on_data(connection_, bytes);
        else
            bytes = {};
        script_.taken += before.substr(0, before.size() - bytes.size());
    }
    void on_resume() override { script_.events.push_back("resume"); }
    void on_deadline() override {
        script_.events.push_back("deadline");
        if (script_.on_deadline) script_.on_deadline(connection_);
    }
    void on_slow_input() override { script_.events.push_back("slow_input"); }
    bool on_shutdown() override {
        script_.events.push_back("shutdown");
        return true;
    }
    void on_close() override { script_.events.push_back("close"); }

private:
    Connection& connection_;
    SessionScript& script_;
};

// Makes the loop listen on a free loopback port, and returns the port.
inline uint16_t listen_on_free_port(Loop& loop, const ListenOptions& options) {
    const ListeningSockets listening = listen_on("127.0.0.1:0", 1).value();
    loop.listen(listening.fds.front(), options);
    return static_cast<uint16_t>(
        std::stoi(listening.address.substr(listening.address.rfind(':') + 1)));
}

class LoopFixture {
public:
    // The client's end of a connection.
    class Client {
    public:
        Client(LoopFixture& fixture, int fd) : fixture_(&fixture), fd_(fd) {}
        Client(Client&& other) noexcept
            : fixture_(other.fixture_), fd_(std::exchange(other.fd_, -1)) {}
        Client& operator=(Client&&) = delete;
        ~Client() { leave(); }

        void send(std::string_view bytes) {
            fill(bytes);
            fixture_->step();
        }
        // Sends bytes like send(), but without a step of the loop.
        void fill(std::string_view bytes) const {
            ensure(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(bytes.size()));
        }
        void end_sending() {
            shutdown(fd_, SHUT_WR);
            fixture_->step();
        }
        // Returns all that has arrived since the last call.
        std::string receive() {
            std::string received;
            std::array<char, 65536> piece;
            for (ssize_t count = 0; (count = recv(fd_, piece.data(), piece.size(), 0)) != 0;) {
                if (count < 0) return received;
                received.append(piece.data(), static_cast<size_t>(count));
            }
            ended_ = true;
            return received;
        }
        // Returns true if the daemon has closed its side. Discards the bytes that arrived before.
        bool ended() {
            fixture_->step();
            (void)receive();
            return ended_;
        }
        void leave() {
            if (fd_ < 0) return;
            close(std::exchange(fd_, -1));
            fixture_->step();
        }

    private:
        LoopFixture* fixture_;
        int fd_;
        bool ended_ = false;
    };

    LoopFixture() {
        std::signal(SIGPIPE, SIG_IGN);
        listen.make_session = [this](Connection& connection) {
            return std::make_unique<ScriptedSession>(connection, script);
        };
    }
    ~LoopFixture() = default;
    LoopFixture(const LoopFixture&) = delete;
    LoopFixture& operator=(const LoopFixture&) = delete;

    // Returns the loop. The first call creates it with the options of that moment.
    Loop& loop() {
        if (!loop_) loop_ = std::make_unique<Loop>(clock, shard, options, [] {});
        return *loop_;
    }
    // Closes all connections. A fixture whose connections refer to its members must call this
    // before the members are destroyed.
    void close_loop() { loop_.reset(); }
    ConnectionTable& table() { return loop().connections(); }

    Client connect() { return connect(listen); }
    Client connect(const ListenOptions& how, uint32_t address = 0x0100007f) {
        int ends[2];
        ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        sockaddr_storage peer{};
        peer.ss_family = AF_INET;
        reinterpret_cast<sockaddr_in&>(peer).sin_addr.s_addr = address;
        Client client(*this, ends[1]);
        table().accept(ends[0], peer, how);
        step();
        return client;
    }

    // Runs a few turns of the loop: enough to read input, respond and close connections.
    void step() {
        for (int turns = 0; turns < 4; ++turns) loop().step();
    }
    // Sleeps for some time, then checks all deadlines.
    void sweep(std::chrono::milliseconds time = std::chrono::milliseconds(3)) {
        std::this_thread::sleep_for(time);
        step();
        table().begin_sweep();
        while (table().sweep()) continue;
        step();
    }

    [[nodiscard]] int64_t refused(Code code) const {
        return shard.read(Metric::checkins_rejected_total, label_of(Transport::mqtt, code));
    }

    Settings settings;
    Clock clock;
    MetricShard shard;
    SessionScript script;
    ConnectionTable::Options options{settings};
    ListenOptions listen{.transport = Transport::mqtt, .make_session = {}};

private:
    std::unique_ptr<Loop> loop_;
};

}  // namespace rollcall
