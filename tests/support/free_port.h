// free_port(): a port of 127.0.0.1 on which nothing listens.
//
// The port is below the kernel's range of ephemeral ports, so that no outgoing connection can take
// it while a server restarts.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <random>
#include <stdexcept>

#include "tests/support/loopback.h"

namespace rollcall {

inline uint16_t free_port() {
    std::random_device device;
    std::uniform_int_distribution<uint16_t> ports(10'000, 32'000);
    for (int attempts = 0; attempts < 100; ++attempts) {
        const sockaddr_in address = loopback(ports(device));
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool bound =
            ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(probe);
        if (bound) return ntohs(address.sin_port);
    }
    throw std::runtime_error("no free port");
}

}  // namespace rollcall
