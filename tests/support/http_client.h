// HttpClient: a keep-alive HTTP connection that sends the bytes of the caller unchanged.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/tcp_client.h"

namespace rollcall {

struct HttpResponse {
    int status = 0;
    std::string head;  // All header lines, including the empty one.
    std::string body;

    // Returns the value of a header field, or an empty string if the field is missing. `name` must
    // have the upper and lower case that the daemon uses.
    [[nodiscard]] std::string header(std::string_view name) const;
};

// Returns a request with Content-Length, as a router sends it.
[[nodiscard]] std::string post_request(std::string_view body,
                                       std::string_view path = "/v1/checkins");

class HttpClient {
public:
    explicit HttpClient(uint16_t port) : connection_(port) {}

    void send(std::string_view bytes) const { connection_.send(bytes); }
    // Waits for the next response, which must have Content-Length unless its status allows no body.
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
