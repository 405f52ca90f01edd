#include "daemon/http/forwarded.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "config/address_range.h"
#include "daemon/http/parser.h"
#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

using Address = std::optional<in6_addr>;

// Removes the text before the first separator, and the separator. Returns the removed text without
// the blanks around it.
std::string_view take_part(std::string_view& text, char separator) {
    const size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

bool is_port_of_node(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

// Returns the address of a node: IPv4, IPv6 or [IPv6], with or without a port (RFC 7239, section
// 6). Proxies write ports into X-Forwarded-For as well.
Address address_of_node(std::string_view node) {
    const bool is_bracketed = node.starts_with('[');
    const bool has_bare_ipv6 = !is_bracketed && std::ranges::count(node, ':') > 1;
    const size_t host_end = is_bracketed    ? node.find(']') + 1
                            : has_bare_ipv6 ? node.size()
                                            : std::min(node.find(':'), node.size());
    const std::string_view port = node.substr(host_end);
    if (!port.empty() && (port.front() != ':' || !is_port_of_node(port.substr(1))))
        return std::nullopt;
    std::string_view host = node.substr(0, host_end);
    if (!is_bracketed) return parse_address(host);
    if (host.size() < 2 || !host.contains(':')) return std::nullopt;
    return parse_address(host.substr(1, host.size() - 2));
}

std::string_view without_quotes(std::string_view value) {
    const bool is_quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
    return is_quoted ? value.substr(1, value.size() - 2) : value;
}

bool has_quotes(std::string_view text) { return text.find_first_of("\"\\") != text.npos; }

// Returns the address in the pair `for` of an element of Forwarded (RFC 7239, section 4). Quotes
// are only allowed around a whole value.
Address address_of_element(std::string_view element) {
    Address address;
    bool has_for = false;
    while (!element.empty()) {
        const std::string_view pair = take_part(element, ';');
        if (pair.empty()) continue;
        const size_t equals = pair.find('=');
        if (equals == pair.npos) return std::nullopt;
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value = without_quotes(pair.substr(equals + 1));
        if (has_quotes(name) || has_quotes(value)) return std::nullopt;
        if (!same_word(name, "for")) continue;
        if (has_for) return std::nullopt;  // Section 4: each name may occur once.
        has_for = true;
        address = address_of_node(value);
    }
    return address;
}

// Finds the client in the addresses of all fields with one name. Call add() for each address, from
// left to right.
class Route {
public:
    explicit Route(const TrustedProxies& proxies) : proxies_(proxies) {}

    void add(const Address& address) {
        is_present_ = true;
        if (!address) {
            client_.reset();
        } else if (!client_ || !proxies_.contains(*address)) {
            client_ = address;
        }
    }
    [[nodiscard]] bool is_present() const { return is_present_; }
    [[nodiscard]] const Address& client() const { return client_; }

private:
    const TrustedProxies& proxies_;
    bool is_present_ = false;
    Address client_;  // The client according to the elements so far.
};

bool same_address(const Address& one, const Address& other) {
    if (!one || !other) return false;
    return std::memcmp(&*one, &*other, sizeof *one) == 0;
}

}  // namespace

AddressText forwarded_client(std::string_view fields, const TrustedProxies& proxies) {
    Route x_forwarded_for(proxies);
    Route forwarded(proxies);
    each_field(fields, [&](std::string_view name, std::string_view value) {
        const bool is_x = same_word(name, "X-Forwarded-For");
        if (!is_x && !same_word(name, "Forwarded")) return;
        while (!value.empty()) {
            const std::string_view element = take_part(value, ',');
            if (element.empty())
                continue;  // RFC 9110, section 5.6.1.2: empty elements are ignored.
            if (is_x) {
                x_forwarded_for.add(address_of_node(element));
            } else {
                forwarded.add(address_of_element(element));
            }
        }
    });
    const Address& client = forwarded.is_present() ? forwarded.client() : x_forwarded_for.client();
    const bool is_in_doubt = forwarded.is_present() && x_forwarded_for.is_present() &&
                             !same_address(forwarded.client(), x_forwarded_for.client());
    if (!client || is_in_doubt) return {};
    return address_text(AF_INET6, &*client);
}

}  // namespace rollcall
