// VolatileDisk: a directory whose process can be killed as a power cut would: what it did not sync
// is lost, or any part of it.
//
// The process runs with environment(), by which volatile_disk_preload.cc keeps account of what is
// durable. cut_power() then makes of the directory what a disk may hold after the cut:
//
//   names      of each directory as last synced, or as they were, by chance
//   contents   as last synced, and of each file's 512-byte sectors that were written since none,
//              all or any, by chance; its length by chance too
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
    // lies_below: a directory of it where syncs do nothing.
    [[nodiscard]] std::vector<std::string> environment(std::string_view lies_below = {}) const;
    // The process has been killed.
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
