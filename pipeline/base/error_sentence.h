// What a person reads of an error, in a line of the log or a trouble: made at the edge, for an
// Error itself never allocates (error.h).
//
// Threads: any.
#pragma once

#include <fmt/core.h>

#include <cstring>
#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

[[nodiscard]] inline std::string sentence(const Error& error) {
    std::string text(info(error.code).help);
    if (error.os_errno != 0) text += fmt::format(" ({})", std::strerror(error.os_errno));
    return text;
}

}  // namespace rollcall
