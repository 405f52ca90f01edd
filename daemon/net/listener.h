// Listener: listening sockets. Each worker has its own for every address, bound with SO_REUSEPORT:
// the kernel spreads new connections over them, and no worker waits for another.
//
// Source: socket(7), SO_REUSEPORT.
// Threads: main.
#pragma once

#include <string>
#include <vector>

namespace rollcall {

struct ListeningSockets {
    std::string address;   // As bound: port 0 has become a port.
    std::vector<int> fds;  // One for each worker; the caller's to close.
};

// Binds and listens. After an error no socket is left, and `problem` says why.
[[nodiscard]] bool listen_on(const std::string& address, size_t workers,
                             ListeningSockets& listening, std::string& problem);

}  // namespace rollcall
