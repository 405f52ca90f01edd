// The values of the header field Allow: the methods that a path supports (RFC 9110, section
// 10.2.1).
//
// Threads: constants.
#pragma once

#include <string_view>

namespace rollcall::allowed_methods {

inline constexpr std::string_view pages = "GET, HEAD";
inline constexpr std::string_view health = "GET, HEAD, OPTIONS";  // /healthz on check-in ports.
inline constexpr std::string_view reports = "POST, PUT";
inline constexpr std::string_view reports_with_query = "GET, POST, PUT";
inline constexpr std::string_view report_options = "GET, POST, PUT, OPTIONS";

}  // namespace rollcall::allowed_methods
