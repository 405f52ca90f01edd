// ReloadableFiles: the files that the settings name. They are read at the start, and again when the
// operator asks for it (SIGHUP).
//
// Files that a reload cannot read change nothing: their previous contents remain in effect, and the
// log, the pages and rollcall_reload_errors_total report it until a later reload can read them.
//
// Threads: main.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/error.h"

namespace rollcall {

class ReloadableFiles {
public:
    // Reads all files of one kind, or changes nothing. An error explains which file and why.
    using Read = std::function<Result<void>()>;

    // Reads the files for the first time, and remembers them for reloads if they can be read.
    [[nodiscard]] Result<void> add(Read read);
    void read_again();
    // Returns a message for each kind of files that the last reload could not read.
    [[nodiscard]] std::vector<std::string> health_messages() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Files {
        Read read;
        std::string health_message;  // Empty if the last read succeeded.
    };
    std::vector<Files> all_;
    MetricShard shard_;
};

}  // namespace rollcall
