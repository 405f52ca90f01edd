// VolatileDisk: a directory for a process that a test can end as if the power failed. Then all or
// any part of the unsynced data is lost.
//
// The process runs with environment(), so that volatile_disk_preload.cc records which data is
// durable. cut_power() then gives the directory contents that a disk may have after a power cut:
//
//   names      of each directory: at random, those at its last sync or the newest ones
//   contents   of each file: those at its last sync, with none, some or all of the 512-byte sectors
//              that were written later, and with the old or the new length, both at random
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/volatile_disk_format.h"

namespace rollcall {

class VolatileDisk {
public:
    VolatileDisk();

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    // lies_below: a subdirectory in which syncs have no effect, as on a disk that lies.
    [[nodiscard]] std::vector<std::string> environment(std::string_view lies_below = {}) const;
    // Simulates the power cut. The process must have been killed.
    void cut_power(Random& random);

private:
    [[nodiscard]] volatile_disk::Names names_as_they_were() const;
    void restore_file(const std::filesystem::path& as, ino_t inode, Random& random) const;
    void begin_shadow();

    TemporaryDirectory directory_;
    std::filesystem::path root_;
    volatile_disk::Shadow shadow_;
};

}  // namespace rollcall
