// SteppedWorker: a worker with complete sessions in one thread, and a committer that the test
// controls. Clients connect over Unix sockets, which leave no ports in TIME_WAIT. The result of a
// run depends only on its input: no state is left from earlier runs, and the clock does not move.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

#include "daemon/worker.h"

namespace rollcall {

class StoppedClock final : public Clock {
public:
    [[nodiscard]] int64_t wall_us() const override { return 1'780'000'000'000'000; }
    [[nodiscard]] int64_t steady_us() const override { return 1'000'000'000; }
};

class SteppedWorker {
public:
    class Client {
    public:
        explicit Client(SteppedWorker& worker)
            : worker_(worker), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
            ensure(connect(fd_, reinterpret_cast<const sockaddr*>(&worker.address_),
                           worker.address_bytes_) == 0);
            worker.step();
        }
        ~Client() {
            close(fd_);
            worker_.step();
        }
        Client(const Client&) = delete;
        Client& operator=(const Client&) = delete;

        // Sends bytes, without waiting for room in the socket buffer: the input of a fuzzer always
        // fits. If the worker has closed or paused the connection, it may never read the bytes.
        void send(std::string_view bytes) const {
            (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            worker_.step();
        }
        void end_sending() const {
            shutdown(fd_, SHUT_WR);
            worker_.step();
        }
        // Returns all bytes received so far.
        [[nodiscard]] const std::string& received() {
            std::array<char, 65536> bytes;
            for (ssize_t count = 0; (count = recv(fd_, bytes.data(), bytes.size(), 0)) > 0;)
                received_.append(bytes.data(), static_cast<size_t>(count));
            return received_;
        }

    private:
        SteppedWorker& worker_;
        int fd_;
        std::string received_;
    };

    SteppedWorker(const Settings& settings, Transport transport)
        : intake_({settings.ingest.slots_max, settings.ingest.slot_rows_max,
                   settings.ingest.slot_text_max.count, settings.http.body_size_max.count,
                   settings.ingest.reports_max},
                  {}, wakeup_, shard),
          shared_(settings),
          worker_(settings, clock_, shared_, intake_, shard) {
        ensure(shared_.credential_files.load().has_value());
        std::signal(SIGPIPE, SIG_IGN);
        const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        // bind() without a name chooses an unused one (unix(7), autobind).
        address_.sun_family = AF_UNIX;
        ensure(bind(listener, reinterpret_cast<const sockaddr*>(&address_),
                    sizeof address_.sun_family) == 0);
        ensure(listen(listener, 16) == 0);
        getsockname(listener, reinterpret_cast<sockaddr*>(&address_), &address_bytes_);
        worker_.listen(listener, transport);
    }

    // Runs a few turns of the loop: enough to accept a connection, read and respond.
    void step() {
        for (int turns = 0; turns < 3; ++turns) worker_.step();
    }

    // Reports all published slots as durable.
    void commit() {
        auto& ring = intake_.ring();
        for (uint64_t slot = ring.durable(); slot < ring.published(); ++slot) count(ring.at(slot));
        ring.advance_durable(ring.published());
        step();
    }
    // Commits until no slot is left.
    void commit_all() {
        for (bool more = true; more;) {
            const uint64_t before = intake_.ring().published();
            commit();
            more = intake_.ring().published() != before;
        }
        ensure(intake_.handed_over());
    }

    // Returns the number of committed rows, without the rows of refused reports.
    [[nodiscard]] size_t reports() const { return reports_; }
    [[nodiscard]] size_t refused(Transport transport) const {
        size_t all = 0;
        for (size_t code = 0; code < std::size(code_names); ++code)
            all += static_cast<size_t>(shard.read(Metric::checkins_rejected_total,
                                                  label_of(transport, static_cast<Code>(code))));
        return all;
    }

    MetricShard shard;

private:
    void count(const Columns& rows) {
        for (size_t row = 0; row < rows.rows(); ++row) {
            const bool refused = rows.has(row, Column::warnings) &&
                                 std::ranges::find(code_names, rows.text(row, Column::warnings)) !=
                                     std::end(code_names);
            reports_ += refused ? 0 : 1;
        }
    }

    StoppedClock clock_;
    Wakeup wakeup_;
    Intake intake_;
    SharedState shared_;
    Worker worker_;
    sockaddr_un address_{};
    socklen_t address_bytes_ = sizeof address_;
    size_t reports_ = 0;
};

// Small settings, so that rings fill and limits are reached.
inline Settings fuzz_settings() {
    Settings settings;
    settings.general.log_level = "error";
    settings.general.pending_acks_max = 5;
    settings.ingest.slot_rows_max = 4;
    settings.ingest.slot_text_max = Bytes{2 * row_text_max};
    settings.ingest.slots_max = 2;
    settings.ingest.reports_max = 6;
    settings.replies.sites_max = 64;
    settings.quotas.tracked_max = 64;
    settings.http.header_size_max = Bytes{1024};
    settings.http.header_fields_max = 16;
    settings.http.paths = {"/a"};
    settings.mqtt.packet_size_max = Bytes{4096};
    settings.mqtt.in_flight_max = 4;
    settings.mqtt.topic_aliases_max = 2;
    settings.mqtt.sessions_max = 1;
    return settings;
}

}  // namespace rollcall
