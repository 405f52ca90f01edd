#include "tests/support/http_client.h"

#include <fmt/core.h>

namespace rollcall {

std::string HttpResponse::header(std::string_view name) const {
    const std::string line_start = fmt::format("\r\n{}: ", name);
    const size_t at = head.find(line_start);
    if (at == std::string::npos) return {};
    const size_t value = at + line_start.size();
    return head.substr(value, head.find("\r\n", value) - value);
}

std::string post_request(std::string_view body, std::string_view path) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: rollcall\r\nContent-Length: {}\r\n\r\n{}", path,
                       body.size(), body);
}

HttpResponse HttpClient::get(std::string_view path) {
    return exchange(fmt::format("GET {} HTTP/1.1\r\nHost: rollcall\r\n\r\n", path));
}

HttpResponse HttpClient::receive() {
    constexpr std::string_view head_end = "\r\n\r\n";
    size_t end = connection_.peek().find(head_end);
    while (end == std::string::npos) {
        if (!connection_.receive()) throw ConnectionEnded("a response broke off");
        end = connection_.peek().find(head_end);
    }
    HttpResponse response;
    response.head = connection_.take(end + head_end.size());
    // "HTTP/1.1 200 OK"
    response.status = std::stoi(response.head.substr(9, 3));
    const bool bodyless = response.status / 100 == 1 || response.status == 204;
    if (!bodyless) response.body = connection_.take(std::stoul(response.header("Content-Length")));
    return response;
}

}  // namespace rollcall
