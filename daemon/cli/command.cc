#include "daemon/cli/command.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>

namespace rollcall {

int failed(const Error& error) {
    fmt::print(stderr, "{}\n", describe(error));
    return error.code == Code::sink_down ? exit_unreachable : EXIT_FAILURE;
}

}  // namespace rollcall
