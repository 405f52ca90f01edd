// HttpClient: one keep-alive HTTP connection; what is sent is the caller's, byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/tcp_client.h"

namespace rollcall {

struct HttpResponse {
    int status = 0;
    std::string head;  // All lines, the empty one included.
    std::string body;

    // The value of a header, empty if it is not there. The name as the daemon writes it.
    [[nodiscard]] std::string header(std::string_view name) const;
};

// A request with Content-Length, as a router writes it.
[[nodiscard]] std::string post_request(std::string_view body,
                                       std::string_view path = "/v1/checkins");

class HttpClient {
public:
    explicit HttpClient(uint16_t port) : connection_(port) {}

    void send(std::string_view bytes) const { connection_.send(bytes); }
    // The next response; it must carry Content-Length unless its status allows no body.
    [[nodiscard]] HttpResponse receive();

    [[nodiscard]] HttpResponse exchange(std::string_view request) {
        send(request);
        return receive();
    }
    [[nodiscard]] HttpResponse post(std::string_view body) { return exchange(post_request(body)); }
    [[nodiscard]] HttpResponse get(std::string_view path);

    [[nodiscard]] TcpClient& connection() { return connection_; }

private:
    TcpClient connection_;
};

}  // namespace rollcall
