// Error: a failure, consisting of its code, the action to take, and optionally an explanation for
// the operator.
//
// Every expected failure is an Error with a code of config/codes.def. Functions return it in a
// Result<T>. An unexpected failure is a bug: ensure() ends the process, in release builds too.
//
// clang-format off
// Contract:
//   1. An Error without an explanation never allocates, so the refusal of a check-in costs no
//      memory. Code on the path of a check-in (decode, HTTP, MQTT, spool) sets a code and numbers
//      only.
//   2. Code that calls something outside of the process (files, sinks, databases, TLS) adds an
//      explanation: the attempted action, the answer, and the remedy if it is known.
//   3. The explanation is for logs, health messages and commands, and may name paths and hosts. It
//      is never sent to a client: a client gets the help text of the code.
//   4. A caller adds the context of the failure with in_context(). describe() builds a sentence
//      from the code and the explanation. It is called only where a person reads the sentence.
//   5. A report with several findings (config/load.h, a schema comparison) is a value and not an
//      Error.
// clang-format on
//
// Threads: an Error belongs to one thread. Other threads may have copies of it, because all copies
//          share one immutable explanation.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/metrics.h"

namespace rollcall {

enum class Action : uint8_t {
    reject,  // The sender must change something: respond with the code and continue.
    retry,   // The cause may be temporary: keep the data, wait, call again.
    halt,    // A promise cannot be kept: stop responding and exit.
};

// The part at fault; codes.def explains each value.
enum class Source : uint8_t { json, body, http, access, mqtt, tls, connection, pipeline, setup };

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
    int os_errno = 0;        // The errno of the system call that failed, or 0.
    int64_t offset = -1;     // Offset of the byte at fault in the body, or -1.
    bool truncated = false;  // The body is incomplete: it was cut off, or never finished.
    int32_t wait_s = 0;      // Seconds after which the sender may try again; 0 if unknown.
    std::shared_ptr<const std::string> explanation = {};  // For the operator; null if none.

    [[nodiscard]] constexpr Action action() const { return info(code).action; }
};
static_assert(sizeof(Error) <= 40, "an Error is returned from every function of the hot path");

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Code code, int os_errno = 0) {
    return std::unexpected(Error{.code = code, .os_errno = os_errno});
}
// explanation: a clause without a full stop, such as "127.0.0.1:3306: access denied".
[[nodiscard]] std::unexpected<Error> fail(Code code, std::string explanation);
[[nodiscard]] std::unexpected<Error> fail(Code code, int os_errno, std::string explanation);

// Returns a copy of the error with the context and a colon before its explanation. If the error has
// no explanation, the help text of its code is used as the explanation.
[[nodiscard]] Error in_context(std::string_view context, const Error& error);

// Returns a sentence for a person: the explanation, or the help text of the code if there is no
// explanation. Adds the text of the errno if there is one.
[[nodiscard]] std::string describe(const Error& error);

// Ends the process with a message if the condition is false. If writing the message to standard
// error blocks, alarm(2) ends the process a second later.
#define ensure(condition)                                                                      \
    ((condition)                                                                               \
         ? void(0)                                                                             \
         : ((void)alarm(1),                                                                    \
            (void)std::fprintf(stderr, "%s:%d: ensure(%s)\n", __FILE__, __LINE__, #condition), \
            std::abort()))

}  // namespace rollcall
