// SinglestoreStandIn: a server that claims to be SingleStore, and records the statements and data
// that it receives.
//
// It implements the part of the protocol that Database uses, but no SQL: the test defines the rows
// that a statement returns; by default there are none. It shows what the code sends to SingleStore,
// but not how SingleStore would react.
//
// Source:  https://mariadb.com/kb/en/clientserver-protocol/ (handshake, OK, text result set, LOCAL
//          INFILE)
// Threads: one for each connection. The test's thread calls all functions.
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
    // Called for each statement, and for each login with the text "LOGIN name", in the thread of
    // the connection. Returned rows are sent only for SELECT and SHOW. In all other cases, only a
    // returned Refusal has an effect.
    using Answer = std::function<std::expected<Rows, Refusal>(const std::string& sql)>;

    explicit SinglestoreStandIn(Answer answer = [](const std::string&) { return Rows(); });
    ~SinglestoreStandIn();
    SinglestoreStandIn(const SinglestoreStandIn&) = delete;
    SinglestoreStandIn& operator=(const SinglestoreStandIn&) = delete;

    [[nodiscard]] Settings settings() const;
    // Returns the statements in order, without the query for the version.
    [[nodiscard]] std::vector<std::string> statements() const;
    // Returns the data of LOAD DATA LOCAL.
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
    std::list<Client> clients_;  // Until thread_ has ended, only thread_ uses this list.
    std::thread thread_;
};

}  // namespace rollcall
