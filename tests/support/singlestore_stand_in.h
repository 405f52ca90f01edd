// SinglestoreStandIn: says that it is a SingleStore, and keeps what it is asked and sent.
//
// It speaks as much of the protocol as Database does and knows no SQL: a statement gives the rows
// that the test says, and none by default. So it shows what goes to a SingleStore, not what a
// SingleStore makes of it.
//
// Source:  https://mariadb.com/kb/en/clientserver-protocol/ (handshake, OK, text result set, LOCAL
//          INFILE)
// Threads: one of its own for each connection; the rest is for the test's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"
#include "sinks/sql/query.h"

namespace rollcall {

class SinglestoreStandIn {
public:
    struct Refusal {
        uint16_t number;
        std::string message;
    };
    // Asked for each statement, and for "LOGIN name", in the thread of the connection. Of what
    // gives no rows only a refusal counts.
    using Answer = std::function<std::expected<Rows, Refusal>(const std::string& sql)>;

    explicit SinglestoreStandIn(Answer answer = [](const std::string&) { return Rows(); });
    ~SinglestoreStandIn();
    SinglestoreStandIn(const SinglestoreStandIn&) = delete;
    SinglestoreStandIn& operator=(const SinglestoreStandIn&) = delete;

    // Settings that name it.
    [[nodiscard]] Settings settings() const;
    // In their order, without the question for the version.
    [[nodiscard]] std::vector<std::string> statements() const;
    // What LOAD DATA LOCAL sent.
    [[nodiscard]] std::string loaded() const;

private:
    void serve();
    void talk(int client);
    void run(int client, const std::string& sql);

    Answer answer_;
    int listener_;
    uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> statements_;
    std::string loaded_;
    struct Client {
        int fd;
        std::thread thread;
    };
    std::list<Client> clients_;  // Of the thread that serves, until that has ended.
    std::thread thread_;
};

}  // namespace rollcall
