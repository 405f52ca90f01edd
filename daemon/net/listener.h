// Listener: opens listening sockets. Each worker has its own socket for every address, bound with
// SO_REUSEPORT: the kernel spreads new connections over them, and no worker waits for another.
//
// Source: socket(7), SO_REUSEPORT.
// Threads: main.
#pragma once

#include <string>
#include <vector>

#include "pipeline/base/error.h"

namespace rollcall {

struct ListeningSockets {
    std::string address;   // As bound: with the port that the kernel chose for port 0.
    std::vector<int> fds;  // One for each worker; the caller closes them.
};

// Binds `count` sockets to `address` (host:port) and listens. An error (listen_failed) explains why
// and leaves no socket open.
[[nodiscard]] Result<ListeningSockets> listen_on(const std::string& address, size_t count);

}  // namespace rollcall
