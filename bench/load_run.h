// Load: sends check-ins over many connections and measures the responses.
//
// A place is the room for one unanswered check-in. Each connection has in_flight places.
//
// Open loop: check-in n is due at begin + n / rate, regardless of the server's speed. Its latency
// counts from that time, so a slow server cannot hide its delay by receiving fewer check-ins.
// Closed loop (rate 0): the next check-in is due as soon as a place is free.
// Rounds: each place simulates one router. The first check-in of a router is due as in the open
// loop. Each later check-in is due `next` seconds after the reply to the previous check-in.
//
// All memory is allocated before the first check-in. A run sends for the configured number of
// seconds, and then waits at most a short time for the last responses.
//
// Threads: one, on epoll, edge-triggered. Units: nanoseconds of the steady clock.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "bench/latencies.h"
#include "bench/load_stream.h"
#include "bench/load_wire.h"

namespace rollcall::load {

struct Plan {
    Protocol protocol = Protocol::http;
    sockaddr_in target{};
    size_t connections = 64;
    size_t in_flight = 1;  // Unanswered check-ins per connection; always 1 with HTTP.
    double seconds = 10;
    double rate = 0;
    bool connection_per_checkin = false;
    int tls_version = 0;  // TLS1_2_VERSION or TLS1_3_VERSION; 0 for plain text.
    bool resume = false;  // Every connection resumes a TLS session that existed before the run.
    size_t rounds = 0;    // Check-ins of each router; 0 sends without rounds.
};

// One check-in of a run with rounds.
struct Sending {
    size_t round = 0;
    int64_t at_ns = 0;  // Time since the beginning of the run.
};

struct Totals {
    uint64_t sent = 0;
    uint64_t acknowledged = 0;
    uint64_t errors = 0;
    uint64_t behind = 0;   // Check-ins that were not sent when due, because no place was free.
    uint64_t resumed = 0;  // Connections that resumed a TLS session.
    int64_t took_ns = 0;
    std::string first_error;
    Latencies latencies;
    std::vector<Sending> sendings;  // Only with rounds.
};

// Prints the sentence and ends the process with status 1.
[[noreturn]] void give_up(std::string_view sentence);

struct Place {
    enum class State : uint8_t {
        parked,  // The connection is closed, so the place is not in the queue of free places.
        free,    // In the queue of free places.
        busy,    // The check-in of this place is unanswered.
    };
    State state = State::parked;
    int64_t due_ns = 0;  // Time at which the check-in was due.
    size_t round = 0;    // Only with rounds: number of check-ins that this place has sent.
};

// A queue of free places. Places are used in turn, so that every connection is used. The capacity
// of the queue is the number of all places, so push() never allocates.
class FreePlaces {
public:
    explicit FreePlaces(size_t places) : places_(places) {}
    [[nodiscard]] bool any() const { return taken_ < given_; }
    void push(size_t place) { places_[given_++ % places_.size()] = place; }
    size_t pop() { return places_[taken_++ % places_.size()]; }

private:
    std::vector<size_t> places_;
    uint64_t given_ = 0;
    uint64_t taken_ = 0;
};

struct Connection {
    Stream stream;
    bool ready = false;     // The connection is open; with MQTT, CONNACK has arrived as well.
    bool has_news = false;  // The connection is in the list of connections to flush.
    std::string out;
    std::unique_ptr<char[]> in;
    size_t in_bytes = 0;
};

class Load {
public:
    Load(const Plan& plan, std::vector<Message> messages);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    // Blocks until every connection is open.
    void connect();
    void run();
    [[nodiscard]] const Totals& totals() const { return totals_; }

private:
    [[nodiscard]] size_t in_flight() const { return plan_.in_flight; }
    [[nodiscard]] int64_t due_ns(uint64_t number) const;
    [[nodiscard]] uint64_t busy() const {
        return totals_.sent - totals_.acknowledged - totals_.errors;
    }

    void open(size_t index);
    void make_ready(size_t index);
    void lose(size_t index, std::string_view why);
    void reopen_lost();

    void run_rounds();
    void finish(int64_t end_ns);
    void send_due();
    void send_due_rounds();
    void flush_all();
    void send(size_t place);
    void flush(size_t index);
    void wait(int64_t until_ns);
    void handle(size_t index, uint32_t events);
    [[nodiscard]] bool advance(size_t index);
    // Returns false if the connection was closed.
    [[nodiscard]] bool receive(size_t index, uint32_t events);
    [[nodiscard]] bool read_answers(size_t index);
    // Returns false if the answer does not match a check-in that was sent.
    [[nodiscard]] bool apply(size_t index, const Answer& answer);
    void count_errors(uint64_t checkins, std::string_view why);

    struct Due {
        int64_t at_ns;
        size_t place;
        bool operator<(const Due& other) const { return at_ns > other.at_ns; }  // Earliest on top.
    };

    Plan plan_;
    std::unique_ptr<SSL_CTX, CloseTls> tls_;
    std::vector<Message> messages_;
    std::vector<Connection> connections_;
    std::vector<Place> places_;  // in_flight places of connection 0, then of connection 1, ...
    FreePlaces free_places_;
    std::priority_queue<Due> dues_;  // Used instead of free_places_ in a run with rounds.
    std::vector<size_t> to_flush_;
    std::vector<size_t> lost_;
    size_t ready_ = 0;
    int64_t next_reopen_ns_ = 0;
    int64_t begin_ns_ = 0;
    uint64_t due_ = UINT64_MAX;  // Number of check-ins that are due within the running time.
    int epoll_;
    Totals totals_;
};

}  // namespace rollcall::load
