#include "daemon/cli/command.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "config/suggestions.h"

namespace rollcall {

CLI::Validator Command::one_of(std::vector<std::string> names) {
    std::string all = fmt::format("{{{}}}", fmt::join(names, ","));
    const auto check = [names = std::move(names)](std::string& value) -> std::string {
        if (std::ranges::find(names, value) != names.end()) return {};
        const auto meant = nearest_name(value, {names.begin(), names.end()});
        return meant ? fmt::format("{}: unknown; did you mean {}?", value, *meant)
                     : fmt::format("{}: must be one of {}", value, fmt::join(names, ", "));
    };
    return {check, std::move(all)};
}

int failed(const Error& error) {
    fmt::print(stderr, "{}\n", describe(error));
    return error.code == Code::sink_down ? exit_unreachable : EXIT_FAILURE;
}

}  // namespace rollcall
