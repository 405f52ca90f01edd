// Error: what went wrong, and which action follows.
//
// Every failure that can be expected is an Error: a code of config/codes.def, and the errno or the
// byte behind it. It never allocates; the sentence a person reads is made at the edge, in the
// answer or the log line. A failure that cannot be expected is a bug, and ensure() ends the
// process, in release builds too.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string_view>

#include "config/metrics.h"

namespace rollcall {

enum class Action : uint8_t {
    reject,  // The sender's: answer with the code, and go on.
    retry,   // Time's: keep the data, wait, call again.
    halt,    // Nobody's: a promise can no longer be kept. Stop answering and exit.
};

// The part at fault; codes.def explains each.
enum class Source : uint8_t { json, body, http, access, mqtt, tls, connection, pipeline };

struct CodeInfo {
    Source source;
    Action action;
    int http_status;
    std::string_view help;
};

inline constexpr CodeInfo codes_table[] = {
#define CODE(name, source, action, http_status, help) \
    {Source::source, Action::action, http_status, help},
#define WARNING(name, help)
#include "config/codes.def"
#undef CODE
#undef WARNING
};

constexpr const CodeInfo& info(Code code) { return codes_table[static_cast<size_t>(code)]; }

struct Error {
    Code code;
    int os_errno = 0;        // What the kernel said, or 0.
    int64_t offset = -1;     // The byte of the body at fault, or -1.
    bool truncated = false;  // At fault is its end: it was cut, or never finished.
    int64_t wait_s = 0;      // The sender may try again after that; 0: nothing is said.

    [[nodiscard]] constexpr Action action() const { return info(code).action; }
};

template <class T>
using Result = std::expected<T, Error>;

constexpr std::unexpected<Error> fail(Code code, int os_errno = 0) {
    return std::unexpected(Error{code, os_errno});
}

#define ensure(condition)                                                                        \
    ((condition) ? void(0)                                                                       \
                 : (std::fprintf(stderr, "%s:%d: ensure(%s)\n", __FILE__, __LINE__, #condition), \
                    std::abort()))

}  // namespace rollcall
