// Load: sends check-ins over many connections, and measures what it hears.
//
// Open loop: check-in n is due at begin + n / rate, whatever the server does. Its latency counts
// from then, so a server that stalls does not hide it by being sent less. With rate 0 the next
// check-in is due as soon as there is a place for it (closed loop).
//
// A place is where one check-in may be on its way: connections times in_flight. Everything is
// allocated before the first check-in. The time is bounded: so many seconds of sending, and the
// last answers are waited for a little longer.
//
// Threads: one, on epoll, edge-triggered. Units: nanoseconds of the steady clock.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/latencies.h"
#include "bench/load_wire.h"

namespace rollcall::load {

struct Plan {
    Protocol protocol = Protocol::http;
    sockaddr_in target{};
    size_t connections = 64;
    size_t in_flight = 1;  // Unanswered check-ins per connection; 1 with HTTP.
    double seconds = 10;
    double rate = 0;
    bool connection_per_checkin = false;
};

struct Totals {
    uint64_t sent = 0;
    uint64_t acknowledged = 0;
    uint64_t errors = 0;
    uint64_t behind = 0;  // Due within the time, but there never was a free place.
    int64_t took_ns = 0;
    std::string first_error;
    Latencies latencies;
};

// Prints the sentence and ends the process with status 1.
[[noreturn]] void give_up(std::string_view sentence);

struct Place {
    enum class State : uint8_t {
        parked,  // Its connection is not there: it waits outside of the queue.
        free,    // In the queue of free places.
        busy,    // A check-in is on its way.
    };
    State state = State::parked;
    int64_t due_ns = 0;  // When the check-in should have been sent.
};

// Free places, taken in turn so that every connection is used. Room for all, so push() never grows.
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
    int socket = -1;
    bool ready = false;     // Connected, and with MQTT accepted.
    bool has_news = false;  // In the list of those to be flushed.
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

    // Waits until every connection is there.
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

    void send_due();
    void send(size_t place);
    void flush(size_t index);
    void wait(int64_t until_ns);
    void handle(size_t index, uint32_t events);
    // False once the connection is gone.
    [[nodiscard]] bool receive(size_t index, uint32_t events);
    [[nodiscard]] bool read_answers(size_t index);
    // False if the answer is none to anything that was sent.
    [[nodiscard]] bool apply(size_t index, const Answer& answer);
    void count_errors(uint64_t checkins, std::string_view why);

    Plan plan_;
    std::vector<Message> messages_;
    std::vector<Connection> connections_;
    std::vector<Place> places_;  // in_flight of connection 0, then those of connection 1, ...
    FreePlaces free_places_;
    std::vector<size_t> to_flush_;
    std::vector<size_t> lost_;
    size_t ready_ = 0;
    int64_t next_reopen_ns_ = 0;
    int64_t begin_ns_ = 0;
    uint64_t due_ = UINT64_MAX;  // Check-ins that fall due within the time.
    int epoll_;
    Totals totals_;
};

}  // namespace rollcall::load
