#include "bench/load_run.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace rollcall::load {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t connecting_ns_max = 30 * second_ns;
constexpr size_t connecting_max = 1000;  // Less than the listen backlog of a server.
constexpr int64_t last_answers_ns_max = 10 * second_ns;
constexpr int64_t reopen_ns = second_ns / 10;
constexpr size_t answer_bytes_max = 4096;

int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

[[noreturn]] void give_up_errno(std::string_view what) {
    give_up(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

}  // namespace

void give_up(std::string_view sentence) {
    fmt::print(stderr, "rollcall-load: {}\n", sentence);
    std::exit(1);
}

Load::Load(const Plan& plan, std::vector<Message> messages)
    : plan_(plan),
      tls_(plan.tls_version == 0 ? nullptr : make_tls_context(plan.tls_version)),
      messages_(std::move(messages)),
      connections_(plan.connections),
      places_(plan.connections * plan.in_flight),
      free_places_(places_.size()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    size_t message_bytes_max = 64;  // Room for a CONNECT.
    for (const Message& message : messages_)
        message_bytes_max = std::max(message_bytes_max, message.size());
    for (Connection& connection : connections_) {
        connection.out.reserve(message_bytes_max * (in_flight() + 1));
        connection.in = std::make_unique_for_overwrite<char[]>(answer_bytes_max);
    }
    to_flush_.reserve(connections_.size());
    lost_.reserve(connections_.size());
}

Load::~Load() { ::close(epoll_); }

void Load::connect() {
    if (plan_.resume)
        for (size_t i = 0; i < connections_.size(); ++i)
            connections_[i].stream.gather(plan_.target, tls_.get(), i);
    if (plan_.connection_per_checkin) {
        for (size_t i = 0; i < connections_.size(); ++i) make_ready(i);
        return;
    }
    const int64_t deadline_ns = now_ns() + connecting_ns_max;
    for (size_t opened = 0; ready_ < connections_.size();) {
        while (opened < connections_.size() && opened < ready_ + connecting_max) open(opened++);
        if (!lost_.empty() || now_ns() > deadline_ns)
            give_up(fmt::format("only {} of {} connections came about: {}", ready_,
                                connections_.size(), totals_.first_error));
        wait(deadline_ns);
    }
}

void Load::run() {
    begin_ns_ = now_ns();
    if (plan_.rounds > 0) return run_rounds();
    const int64_t end_ns = begin_ns_ + static_cast<int64_t>(plan_.seconds * 1e9);
    const bool open_loop = plan_.rate > 0;
    if (open_loop) due_ = static_cast<uint64_t>(plan_.seconds * plan_.rate);
    while (now_ns() < end_ns) {
        send_due();
        wait(free_places_.any() ? std::min(end_ns, due_ns(totals_.sent)) : end_ns);
    }
    if (open_loop) {
        send_due();
        totals_.behind = due_ - totals_.sent;
    }
    finish(end_ns);
}

void Load::run_rounds() {
    const int64_t end_ns = begin_ns_ + static_cast<int64_t>(plan_.seconds * 1e9);
    totals_.sendings.reserve(places_.size() * plan_.rounds);
    for (size_t place = 0; place < places_.size(); ++place) dues_.push({due_ns(place), place});
    while ((!dues_.empty() || busy() > 0) && now_ns() < end_ns) {
        send_due_rounds();
        wait(dues_.empty() ? end_ns : std::min(end_ns, dues_.top().at_ns));
    }
    totals_.behind = dues_.size();
    finish(end_ns);
}

void Load::finish(int64_t end_ns) {
    const int64_t deadline_ns = end_ns + last_answers_ns_max;
    while (busy() > 0 && now_ns() < deadline_ns) wait(deadline_ns);
    totals_.took_ns = now_ns() - begin_ns_;
    count_errors(busy(), "an answer did not come in time");
}

int64_t Load::due_ns(uint64_t number) const {
    if (plan_.rate == 0) return begin_ns_;
    return begin_ns_ + static_cast<int64_t>(static_cast<double>(number) / plan_.rate * 1e9);
}

void Load::count_errors(uint64_t checkins, std::string_view why) {
    if (checkins > 0 && totals_.first_error.empty()) totals_.first_error = why;
    totals_.errors += checkins;
}

void Load::open(size_t index) {
    Connection& connection = connections_[index];
    const bool connects =
        connection.stream.open(plan_.target, tls_.get(), plan_.connection_per_checkin, index);
    const int connect_errno = errno;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = index}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.stream.socket(), &event) < 0)
        give_up_errno("epoll_ctl");
    connection.in_bytes = 0;
    connection.out.clear();
    if (plan_.protocol == Protocol::mqtt)
        connection.out += mqtt_connect(fmt::format("rollcall-load-{}", index));
    if (!connects) lose(index, std::generic_category().message(connect_errno));
}

void Load::make_ready(size_t index) {
    connections_[index].ready = true;
    ++ready_;
    for (size_t place = index * in_flight(); place < (index + 1) * in_flight(); ++place) {
        if (places_[place].state != Place::State::parked) continue;
        places_[place].state = Place::State::free;
        if (plan_.rounds == 0) free_places_.push(place);
    }
}

// Counts the unanswered check-ins of a closed connection as errors. The connection is reopened
// later.
void Load::lose(size_t index, std::string_view why) {
    Connection& connection = connections_[index];
    if (!connection.ready && totals_.first_error.empty()) totals_.first_error = why;
    if (connection.ready) --ready_;
    connection.ready = false;
    connection.stream.close();
    for (size_t place = index * in_flight(); place < (index + 1) * in_flight(); ++place) {
        if (places_[place].state != Place::State::busy) continue;
        places_[place].state = Place::State::parked;
        count_errors(1, why);
    }
    if (lost_.empty()) next_reopen_ns_ = now_ns() + reopen_ns;
    lost_.push_back(index);
}

void Load::reopen_lost() {
    if (lost_.empty() || now_ns() < next_reopen_ns_) return;
    next_reopen_ns_ = now_ns() + reopen_ns;
    for (size_t left = lost_.size(); left > 0; --left) {
        const size_t index = lost_.front();
        lost_.erase(lost_.begin());  // Erase first: open() may append the connection again.
        if (plan_.connection_per_checkin)
            make_ready(index);
        else
            open(index);
    }
}

void Load::send_due() {
    const int64_t now = now_ns();
    while (free_places_.any() && totals_.sent < due_ && due_ns(totals_.sent) <= now) {
        const size_t place = free_places_.pop();
        if (!connections_[place / in_flight()].ready) {
            places_[place].state = Place::State::parked;
            continue;
        }
        places_[place].state = Place::State::busy;
        places_[place].due_ns = plan_.rate > 0 ? due_ns(totals_.sent) : now;
        send(place);
    }
    flush_all();
}

void Load::send_due_rounds() {
    const int64_t now = now_ns();
    while (!dues_.empty() && dues_.top().at_ns <= now) {
        const Due due = dues_.top();
        dues_.pop();
        Place& place = places_[due.place];
        place.state = Place::State::busy;
        place.due_ns = due.at_ns;
        totals_.sendings.push_back({.round = place.round++, .at_ns = now - begin_ns_});
        send(due.place);
    }
    flush_all();
}

void Load::flush_all() {
    for (const size_t index : to_flush_) flush(index);
    to_flush_.clear();
}

void Load::send(size_t place) {
    const size_t index = place / in_flight();
    Connection& connection = connections_[index];
    if (!connection.stream.is_open()) open(index);
    const uint64_t sent = totals_.sent++;
    // In a run with rounds, a place simulates one router. If there are as many places as `routers`
    // in load_wire.cc, all check-ins of a place have the same serial number.
    const uint64_t number = plan_.rounds > 0 ? places_[place].round * places_.size() + place : sent;
    messages_[number % messages_.size()].append_to(connection.out, number,
                                                   static_cast<uint16_t>(place % in_flight() + 1));
    if (!connection.has_news) to_flush_.push_back(index);
    connection.has_news = true;
}

void Load::flush(size_t index) {
    Connection& connection = connections_[index];
    connection.has_news = false;
    while (connection.stream.is_open() && !connection.out.empty()) {
        const ssize_t sent = connection.stream.send(connection.out.data(), connection.out.size());
        if (sent == 0) return;  // epoll reports when the stream accepts more bytes.
        if (sent < 0) return lose(index, connection.stream.why());
        connection.out.erase(0, static_cast<size_t>(sent));
    }
}

void Load::wait(int64_t until_ns) {
    reopen_lost();
    if (!lost_.empty()) until_ns = std::min(until_ns, next_reopen_ns_);
    const int64_t left_ns = std::max<int64_t>(until_ns - now_ns(), 0);
    const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
    epoll_event events[512];
    const int count = epoll_pwait2(epoll_, events, std::size(events), &timeout, nullptr);
    if (count < 0 && errno != EINTR) give_up_errno("epoll_pwait2");
    for (int i = 0; i < count; ++i) handle(events[i].data.u64, events[i].events);
}

void Load::handle(size_t index, uint32_t events) {
    Connection& connection = connections_[index];
    if (!connection.stream.is_open()) return;  // An earlier event has closed the connection.
    if (connection.stream.is_tls() && !advance(index)) return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && !receive(index, events)) return;
    // Any event can enable a TLS stream to write: TLS sometimes has to read before it can write.
    if (!(events & EPOLLOUT) && !connection.stream.is_tls()) return;
    if (plan_.protocol == Protocol::http && !connection.ready) make_ready(index);
    if (!connection.has_news) flush(index);
}

// Returns true if the handshake is complete.
bool Load::advance(size_t index) {
    Stream& stream = connections_[index].stream;
    const int done = stream.advance();
    if (done < 0) lose(index, stream.why());
    return done > 0;
}

bool Load::receive(size_t index, uint32_t events) {
    Connection& connection = connections_[index];
    for (;;) {
        const size_t room = answer_bytes_max - connection.in_bytes;
        const ssize_t got =
            connection.stream.receive(connection.in.get() + connection.in_bytes, room);
        if (got == 0) return true;
        if (got < 0) {
            lose(index, connection.stream.why());
            return false;
        }
        connection.in_bytes += static_cast<size_t>(got);
        if (!read_answers(index)) return false;
        // A short read means that the socket is empty, unless the end of the stream follows. A TLS
        // stream may hold further records.
        const bool ends = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        if (static_cast<size_t>(got) < room && !ends && !connection.stream.is_tls()) return true;
    }
}

bool Load::read_answers(size_t index) {
    Connection& connection = connections_[index];
    std::string_view bytes(connection.in.get(), connection.in_bytes);
    for (;;) {
        const Answer answer = read_answer(plan_.protocol, bytes);
        if (answer.kind == Answer::Kind::more) break;
        if (!apply(index, answer)) {
            lose(index, fmt::format("an answer makes no sense (code {})", answer.code));
            return false;
        }
        bytes.remove_prefix(answer.bytes);
        if (plan_.connection_per_checkin) {
            if (connection.stream.resumed()) ++totals_.resumed;
            connection.stream.close();
            return false;
        }
    }
    if (bytes.size() == answer_bytes_max) {
        lose(index, "an answer is too long");
        return false;
    }
    std::memmove(connection.in.get(), bytes.data(), bytes.size());
    connection.in_bytes = bytes.size();
    return true;
}

bool Load::apply(size_t index, const Answer& answer) {
    if (answer.kind == Answer::Kind::broken) return false;
    if (answer.kind == Answer::Kind::connected) {
        if (connections_[index].ready) return false;
        make_ready(index);
        return true;
    }
    if (answer.packet_id < 1 || answer.packet_id > in_flight()) return false;
    const size_t at = index * in_flight() + answer.packet_id - 1;
    Place& place = places_[at];
    if (place.state != Place::State::busy) return false;
    if (answer.kind == Answer::Kind::taken) {
        ++totals_.acknowledged;
        totals_.latencies.add((now_ns() - place.due_ns) / 1000);
    } else {
        count_errors(1, fmt::format("HTTP status {}", answer.code));
    }
    place.state = Place::State::free;
    if (plan_.rounds == 0)
        free_places_.push(at);
    else if (place.round < plan_.rounds)
        dues_.push({now_ns() + answer.next_s * second_ns, at});
    return true;
}

}  // namespace rollcall::load
