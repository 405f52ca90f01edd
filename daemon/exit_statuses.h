// Exit statuses of rollcalld, and a table of their meanings. The help and the manual show the
// table.
//
// Threads: constants.
#pragma once

#include <cstdlib>
#include <string_view>

namespace rollcall {

constexpr int exit_usage = 2;
constexpr int exit_unreachable = 3;
// EX_CONFIG of sysexits.h. After this status the systemd unit does not restart the daemon.
constexpr int exit_settings = 78;

struct ExitStatus {
    int status;
    std::string_view meaning;
};

inline constexpr ExitStatus exit_statuses[] = {
    {EXIT_SUCCESS, "The command succeeded, and found no difference and no damage."},
    {EXIT_FAILURE, "The command failed, or it found a difference or damage."},
    {exit_usage, "The command line is wrong."},
    {exit_unreachable, "The sink that the command needs could not be reached."},
    {exit_settings, "The settings are wrong, or a file that they name is wrong."},
};

}  // namespace rollcall
