// FileWatch: reports files that were read by their paths and have been changed, replaced or removed
// since: certificates, keys and tokens. The daemon uses the contents that it has read, and
// only a reload reads the files again, because a pair of files may be half written.
//
// A stat(2) may hang with the server that a file is on, so this is done by the thread that reads
// the files again (reload.h).
//
// Threads: one at a time; any thread may call health_messages(), for which a mutex guards the
// flags. Source: inode(7); a change of contents, owner, mode or name changes the time of last
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

    // Forgets all changes so far. Call before the files are read.
    void remember();
    // Looks at the files, at most once a second, and logs those that have changed.
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
        std::optional<Version> read;  // Empty if the path named no file.
        bool changed = false;
    };

    [[nodiscard]] static std::optional<Version> version_of(const std::string& path);
    [[nodiscard]] static std::string message(const Watched& file);
    void set_changed(Watched& file, bool changed);

    const Clock& clock_;
    mutable std::mutex mutex_;  // Guards Watched::changed; not held during a stat(2).
    std::vector<Watched> files_;
    int64_t measured_us_ = 0;  // Steady time.
};

// Returns the paths of the certificates, keys and tokens that the settings name.
[[nodiscard]] std::vector<std::string> watched_paths(const Settings& settings);

}  // namespace rollcall
