// FileWatch: reports files (certificates, keys and tokens) that were changed, replaced or removed
// after the daemon read them. The daemon continues to use the contents that it has read until the
// operator requests a reload. It does not read a changed file by itself, because an operator
// replaces a certificate and its key one after the other. In between, the two do not match.
//
// The reload thread calls measure() (reload.h). The main thread does not, because stat(2) hangs if
// the file server hangs.
//
// Threads: one at a time, except for health_messages(), which any thread may call at any time.
// Source: inode(7): the kernel updates the change time (ctime) when contents, owner, mode or name
// change.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class FileWatch {
public:
    FileWatch(const Clock& clock, const std::vector<std::string>& paths);

    // Records the present version of each file as unchanged. Call this before reading the files.
    void remember();
    // Checks the files, at most once a second, and logs those that have changed.
    void measure();
    // Returns a message for each file that has changed since remember().
    [[nodiscard]] std::vector<std::string> health_messages() const;

private:
    struct Version {
        uint64_t device;
        uint64_t inode;
        int64_t changed_ns;

        bool operator==(const Version&) const = default;
    };
    struct Watched {
        std::string path;
        std::optional<Version> read;  // The version at remember(); empty if there was no file.
        bool changed = false;
    };

    [[nodiscard]] static std::optional<Version> version_of(const std::string& path);
    [[nodiscard]] static std::string message(const Watched& file);
    void set_changed(Watched& file, bool changed);

    const Clock& clock_;
    mutable std::mutex mutex_;  // Guards Watched::changed; not held during a stat(2).
    std::vector<Watched> files_;
    int64_t measured_us_ = 0;  // Steady time of the last measure().
};

// Returns the paths of the certificates, keys and tokens that the settings name.
[[nodiscard]] std::vector<std::string> watched_paths(const Settings& settings);

}  // namespace rollcall
