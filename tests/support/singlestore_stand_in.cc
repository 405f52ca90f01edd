#include "tests/support/singlestore_stand_in.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string_view>

#include "tests/support/loopback.h"

namespace rollcall {

namespace {

using namespace std::string_literals;

std::string little_endian(uint64_t value, size_t bytes) {
    std::string text;
    for (; bytes > 0; --bytes, value >>= 8) text += static_cast<char>(value);
    return text;
}

// Encodes a text with its length, which takes one byte if it is below 251.
std::string with_length(std::string_view text) {
    return (text.size() < 251 ? little_endian(text.size(), 1)
                              : "\xfc" + little_endian(text.size(), 2)) +
           std::string(text);
}

bool read_all(int fd, char* to, size_t bytes) {
    while (bytes > 0) {
        const ssize_t got = read(fd, to, bytes);
        if (got <= 0) return false;
        to += got;
        bytes -= static_cast<size_t>(got);
    }
    return true;
}

// Receives a packet: three bytes of length, a sequence number, and the body.
std::optional<std::string> receive(int fd) {
    unsigned char head[4];
    if (!read_all(fd, reinterpret_cast<char*>(head), sizeof head)) return std::nullopt;
    std::string body(head[0] | size_t{head[1]} << 8 | size_t{head[2]} << 16, '\0');
    if (!read_all(fd, body.data(), body.size())) return std::nullopt;
    return body;
}

void send_packet(int fd, uint8_t number, const std::string& body) {
    const std::string packet = little_endian(body.size(), 3) + static_cast<char>(number) + body;
    (void)!send(fd, packet.data(), packet.size(), MSG_NOSIGNAL);
}

// An OK packet: one affected row, no insert id, autocommit, no warnings.
const std::string ok = "\0\1\0\2\0\0\0"s;
const std::string end_of_rows = "\xfe\0\0\2\0"s;

std::string greeting() {
    // Capability flags: PROTOCOL_41, CONNECT_WITH_DB, LOCAL_FILES, TRANSACTIONS, SECURE_CONNECTION,
    // PLUGIN_AUTH.
    constexpr uint32_t capabilities =
        1 << 0 | 1 << 3 | 1 << 7 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 19;
    return "\n5.7.32\0"s + little_endian(1, 4) + "saltsalt\0"s +
           little_endian(capabilities & 0xffff, 2) + "\x2d"s + little_endian(2, 2) +
           little_endian(capabilities >> 16, 2) + "\x15"s + std::string(10, '\0') +
           "saltsaltsalt\0"s + "mysql_native_password\0"s;
}

void send_rows(int fd, const Rows& rows) {
    const size_t columns = rows.empty() ? 1 : rows.front().size();
    uint8_t number = 0;
    send_packet(fd, ++number, little_endian(columns, 1));
    for (size_t column = 0; column < columns; ++column)
        send_packet(fd, ++number,
                    "\3def\0\0\0\1c\0\x0c"s + little_endian(0x2d, 2) + little_endian(1024, 4) +
                        "\xfd"s + std::string(5, '\0'));
    send_packet(fd, ++number, end_of_rows);
    for (const auto& row : rows) {
        std::string body;
        for (const auto& value : row) body += value ? with_length(*value) : "\xfb"s;
        send_packet(fd, ++number, body);
    }
    send_packet(fd, ++number, end_of_rows);
}

void send_refusal(int fd, uint8_t number, const SinglestoreStandIn::Refusal& refusal) {
    send_packet(fd, number, "\xff" + little_endian(refusal.number, 2) + "#HY000" + refusal.message);
}

// Returns the user name in a login packet. The name begins after 32 bytes and ends with a zero
// byte.
std::string name_in(const std::string& login) {
    return login.size() < 32 ? "" : login.substr(32, login.find('\0', 32) - 32);
}

}  // namespace

SinglestoreStandIn::SinglestoreStandIn(Answer answer)
    : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    port_ = listen_on_loopback(listener_);
    thread_ = std::thread([this] { serve(); });
}

SinglestoreStandIn::~SinglestoreStandIn() {
    shutdown(listener_, SHUT_RDWR);  // Ends accept().
    thread_.join();
    close(listener_);
    for (auto& client : clients_) {
        shutdown(client.fd, SHUT_RDWR);
        client.thread.join();
        close(client.fd);
    }
}

Settings SinglestoreStandIn::settings() const {
    Settings settings;
    settings.singlestore.host = "127.0.0.1";
    settings.singlestore.port = port_;
    return settings;
}

std::vector<std::string> SinglestoreStandIn::statements() const {
    const std::lock_guard lock(mutex_);
    return statements_;
}

std::string SinglestoreStandIn::loaded() const {
    const std::lock_guard lock(mutex_);
    return loaded_;
}

void SinglestoreStandIn::serve() {
    for (;;) {
        const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        clients_.push_back({client, std::thread([this, client] {
                                talk(client);
                                shutdown(client, SHUT_RDWR);
                            })});
    }
}

void SinglestoreStandIn::talk(int client) {
    constexpr char query_command = 3;
    send_packet(client, 0, greeting());
    const auto login = receive(client);
    if (!login) return;
    if (const auto let_in = answer_("LOGIN " + name_in(*login)); !let_in)
        return send_refusal(client, 2, let_in.error());
    send_packet(client, 2, ok);
    while (const auto packet = receive(client)) {
        if (packet->empty() || packet->front() != query_command) return;
        run(client, packet->substr(1));
    }
}

void SinglestoreStandIn::run(int client, const std::string& sql) {
    if (sql == "SELECT @@memsql_version") return send_rows(client, {{"8.9.0"}});
    {
        const std::lock_guard lock(mutex_);
        statements_.push_back(sql);
    }
    const auto answer = answer_(sql);
    if (!answer) return send_refusal(client, 1, answer.error());
    if (sql.starts_with("SELECT") || sql.starts_with("SHOW")) return send_rows(client, *answer);
    if (!sql.starts_with("LOAD DATA LOCAL")) return send_packet(client, 1, ok);
    send_packet(client, 1, "\xfbrows.tsv");
    uint8_t number = 2;
    for (auto packet = receive(client); packet && !packet->empty(); packet = receive(client)) {
        ++number;
        const std::lock_guard lock(mutex_);
        loaded_ += *packet;
    }
    send_packet(client, number, ok);
}

}  // namespace rollcall
