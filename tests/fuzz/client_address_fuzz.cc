// Parses arbitrary bytes as a PROXY protocol header, and as the header fields by which a trusted
// proxy names its client. No input may break the parsers, and every client that they return must be
// an address. The result must not depend on how the bytes of a PROXY header are split. The address
// that the proxy appends must be found, whatever the client has sent before it.
//
// The first byte selects what the other bytes are: 0 a PROXY header; 1 the value of
// X-Forwarded-For; 2 the value of Forwarded; 3 several lines. The first of these lines is the value
// of X-Forwarded-For, and each further line is the value of a field Forwarded.
#include <algorithm>
#include <string>
#include <string_view>

#include "config/address_range.h"
#include "daemon/http/forwarded.h"
#include "daemon/net/proxy_protocol.h"
#include "pipeline/base/error.h"

namespace {

using namespace rollcall;

constexpr size_t prefixes_max = 300;  // Longer than any header of version 1.

void check_address(const AddressText& client) {
    ensure(client[0] == '\0' || parse_address(client.data()).has_value());
}

// Parses every prefix of the bytes. When a prefix contains a complete header or is malformed, the
// bytes after the prefix must not change the result.
void check_proxy_header(std::string_view bytes) {
    const auto whole = parse_proxy_header(bytes);
    if (whole && *whole) {
        ensure((*whole)->bytes <= bytes.size());
        check_address((*whole)->client);
    }
    bool was_wrong = false;
    for (size_t size = 0; size < std::min(bytes.size(), prefixes_max); ++size) {
        const auto part = parse_proxy_header(bytes.substr(0, size));
        ensure(part || !whole);
        ensure(!was_wrong || !part);
        was_wrong = !part;
        if (!part || !*part) continue;
        ensure(whole && *whole && (*part)->bytes == (*whole)->bytes);
        ensure((*part)->client == (*whole)->client);
    }
}

std::string client_in(const std::string& fields) {
    static const TrustedProxies proxies({"192.0.2.0/24", "2001:db8::/32"});
    const AddressText client = forwarded_client(fields, proxies);
    check_address(client);
    return client.data();
}

// `value` must not contain line ends, because the HTTP parser accepts none inside a value.
void check_value(const std::string& name, const std::string& value, const std::string& appended) {
    (void)client_in(name + ": " + value + "\r\n");
    ensure(client_in(name + ": " + value + "," + appended + "\r\n") == "198.51.100.7");
}

void check_fields(const std::string& text) {
    std::string fields;
    for (const char letter : text)
        fields += letter == '\n' ? "\r\nForwarded:" : std::string{letter};
    (void)client_in("X-Forwarded-For:" + fields + "\r\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 4 == 0) {
        check_proxy_header({reinterpret_cast<const char*>(data) + 1, size - 1});
        return 0;
    }
    std::erase(text, '\r');
    if (data[0] % 4 == 3) {
        check_fields(text);
        return 0;
    }
    std::erase(text, '\n');
    if (data[0] % 4 == 1) check_value("X-Forwarded-For", text, "198.51.100.7");
    if (data[0] % 4 == 2) check_value("Forwarded", text, "for=198.51.100.7");
    return 0;
}
