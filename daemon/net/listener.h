// Listener: opens listening sockets. Each worker has its own socket for every address, bound with
// SO_REUSEPORT. The kernel distributes new connections over these sockets, so workers do not wait
// for each other.
//
// Source: socket(7), SO_REUSEPORT.
// Threads: main.
#pragma once

#include <string>
#include <vector>

#include "pipeline/base/error.h"

namespace rollcall {

struct ListeningSockets {
    std::string address;   // The bound address, with the port that the kernel chose if the
                           // settings say port 0.
    std::vector<int> fds;  // One for each worker; the caller closes them.
};

// Binds `count` sockets to `address` (host:port) and listens. An error (listen_failed) explains why
// and leaves no socket open.
[[nodiscard]] Result<ListeningSockets> listen_on(const std::string& address, size_t count);

}  // namespace rollcall
