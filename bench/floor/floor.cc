// rollcall-floor: the least that a server must do for a durable check-in, as a yardstick for
// rollcalld.
//
//   rollcall-floor http|mqtt PORT DIRECTORY
//
// One thread waits on epoll and reads what has arrived on all connections. It parses each body with
// simdjson and appends the body to a group. It writes the group with a checksum, syncs it, and then
// sends all replies. Everything else is missing: columns, limits, time limits, access control,
// metrics, delivery. The server speaks just enough HTTP keep-alive, or MQTT 3.1.1 with QoS 1, for
// rollcall-load.
//
// The file has its full size from the beginning. When it is full, it is overwritten from its start,
// like the recycled segments of a spool. Port 0 selects a free port, which is printed.

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <simdjson.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/checksum.h"

namespace rollcall::floor {

namespace {

constexpr size_t input_bytes_max = 1 << 20;
constexpr uint64_t file_bytes = 64 << 20;

void require(bool holds, const char* what) {
    if (holds) return;
    std::perror(what);
    std::exit(1);
}

// The records of one turn of the loop, written and synced together.
class Group {
public:
    explicit Group(const std::string& directory)
        : file_(open((directory + "/floor.log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        require(file_ >= 0, "open");
        const std::string zeros(1 << 20, '\0');
        for (uint64_t at = 0; at < file_bytes; at += zeros.size()) write_at(at, zeros);
        require(fdatasync(file_) == 0, "fdatasync");
        begin();
    }

    void add(std::string_view body) {
        const auto bytes = static_cast<uint32_t>(body.size());
        records_.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
        records_ += body;
    }

    void sync() {
        if (records_.size() == sizeof(uint32_t)) return;
        const std::string_view checked = std::string_view(records_).substr(sizeof(uint32_t));
        const uint32_t sum = checksum(std::as_bytes(std::span(checked.data(), checked.size())));
        std::memcpy(records_.data(), &sum, sizeof sum);
        if (at_ + records_.size() > file_bytes) at_ = 0;
        write_at(at_, records_);
        require(fdatasync(file_) == 0, "fdatasync");
        at_ += records_.size();
        begin();
    }

private:
    void begin() { records_.assign(sizeof(uint32_t), '\0'); }  // Room for the checksum.

    void write_at(uint64_t at, std::string_view bytes) const {
        require(pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
                    static_cast<ssize_t>(bytes.size()),
                "pwrite");
    }

    int file_;
    std::string records_;
    uint64_t at_ = 0;
};

// A message at the beginning of the input. Size 0 means that the message is not complete.
struct Message {
    size_t size = 0;
    std::string_view body = {};  // Empty for CONNECT.
};

// read_http() and read_mqtt() return the first message of the input. If the message is complete,
// they append its reply to `replies`.
Message read_http(std::string_view input, std::string& replies) {
    constexpr std::string_view name = "Content-Length: ";
    constexpr std::string_view reply =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 63\r\n\r\n"
        R"({"status":"ok","accepted":1,"server_time":1790000000,"next":30})";
    const size_t head = input.find("\r\n\r\n");
    if (head == input.npos) return {};
    const size_t length_at = input.find(name);
    size_t body_bytes = 0;
    if (length_at < head)
        std::from_chars(input.data() + length_at + name.size(), input.data() + head, body_bytes);
    const size_t size = head + 4 + body_bytes;
    if (input.size() < size) return {};
    replies += reply;
    return {size, input.substr(head + 4, body_bytes)};
}

Message read_mqtt(std::string_view input, std::string& replies) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(input[at]); };
    size_t length = 0;
    size_t at = 1;
    for (int shift = 0;; shift += 7, ++at) {
        if (at >= input.size()) return {};
        length |= static_cast<size_t>(byte(at) & 0x7f) << shift;
        if (byte(at) < 0x80) break;
    }
    const size_t size = ++at + length;
    if (input.size() < size) return {};
    constexpr std::string_view connack("\x20\x02\0\0", 4);
    constexpr std::string_view puback("\x40\x02", 2);
    if (byte(0) >> 4 == 1) replies += connack;
    if (byte(0) >> 4 != 3) return {size};
    const size_t id_at = at + 2 + static_cast<size_t>(byte(at) << 8 | byte(at + 1));
    if (id_at + 2 > size) return {size};
    replies += puback;
    replies += input.substr(id_at, 2);
    return {size, input.substr(id_at + 2, size - id_at - 2)};
}

using ReadMessage = Message (*)(std::string_view, std::string&);

struct Connection {
    std::string kept;  // The beginning of a message whose rest has not arrived.
    std::string replies;
};

class Server {
public:
    Server(ReadMessage read_message, uint16_t port, const std::string& directory)
        : read_message_(read_message),
          group_(directory),
          input_(new char[input_bytes_max + simdjson::SIMDJSON_PADDING]),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* name = reinterpret_cast<sockaddr*>(&address);
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        require(bind(listener_, name, length) == 0, "bind");
        require(listen(listener_, 4096) == 0, "listen");
        require(getsockname(listener_, name, &length) == 0, "getsockname");
        watch(listener_);
        fmt::print("{}\n", ntohs(address.sin_port));
        std::fflush(stdout);
    }

    void turn() {
        epoll_event events[1024];
        const int count = epoll_wait(epoll_, events, std::size(events), -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd == listener_)
                accept_all();
            else
                receive(events[i].data.fd);
        }
        group_.sync();
        for (const int fd : to_answer_) answer(fd);
        to_answer_.clear();
    }

private:
    void watch(int fd) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        require(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connections_.size() <= static_cast<size_t>(fd))
                connections_.resize(static_cast<size_t>(fd) + 1);
            connections_[static_cast<size_t>(fd)] = {};
            watch(fd);
        }
    }

    void receive(int fd) {
        Connection& connection = connections_[static_cast<size_t>(fd)];
        const size_t kept = connection.kept.size();
        std::memcpy(input_.get(), connection.kept.data(), kept);
        const ssize_t got = recv(fd, input_.get() + kept, input_bytes_max - kept, 0);
        if (got < 0 && errno == EAGAIN) return;
        std::string_view input(input_.get(), kept + static_cast<size_t>(std::max<ssize_t>(got, 0)));
        if (got <= 0 || !take_messages(connection, input)) {
            close(fd);
            return;
        }
        connection.kept = input;
        if (!connection.replies.empty()) to_answer_.push_back(fd);
    }

    // Returns false if a body is not JSON.
    bool take_messages(Connection& connection, std::string_view& input) {
        for (;;) {
            const Message message = read_message_(input, connection.replies);
            if (message.size == 0) return true;
            if (!message.body.empty()) {
                const auto parsed = parser_.parse(message.body.data(), message.body.size(), false);
                if (parsed.error() != simdjson::SUCCESS) return false;
                group_.add(message.body);
            }
            input.remove_prefix(message.size);
        }
    }

    void answer(int fd) {
        std::string& replies = connections_[static_cast<size_t>(fd)].replies;
        // rollcall-load reads its replies, so the socket always has room for them.
        if (send(fd, replies.data(), replies.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(replies.size()))
            close(fd);
        replies.clear();
    }

    ReadMessage read_message_;
    Group group_;
    std::unique_ptr<char[]> input_;
    simdjson::dom::parser parser_;
    std::vector<Connection> connections_;  // By file descriptor.
    std::vector<int> to_answer_;
    int epoll_;
    int listener_;
};

}  // namespace

}  // namespace rollcall::floor

int main(int argc, char** argv) {
    using namespace rollcall::floor;
    const std::string_view protocol = argc == 4 ? argv[1] : "";
    if (protocol != "http" && protocol != "mqtt") {
        fmt::print(stderr, "usage: rollcall-floor http|mqtt PORT DIRECTORY\n");
        return 2;
    }
    Server server(protocol == "http" ? read_http : read_mqtt,
                  static_cast<uint16_t>(std::atoi(argv[2])), argv[3]);
    for (;;) server.turn();
}
