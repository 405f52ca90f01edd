// ReloadableFiles: the files that the settings name, read at start and again when the operator asks
// for it (SIGHUP). What cannot be read then changes nothing: what the files said before counts on,
// and the log, the pages and rollcall_reload_errors_total say so until a later reload can read
// them.
//
// Threads: one, which is main.
#pragma once

#include <expected>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "config/metrics.h"

namespace rollcall {

class ReloadableFiles {
public:
    // Reads all of its files or changes nothing; an error is a sentence with file and reason.
    using Read = std::function<std::expected<void, std::string>()>;

    // Reads for the first time. False: it cannot, as the log says.
    [[nodiscard]] bool begin(Read read);
    void read_again();
    // What could not be read by the last reload.
    [[nodiscard]] std::vector<std::string> health_messages() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Files {
        Read read;
        std::string trouble;  // Empty: none.
    };
    std::list<Files> all_;
    MetricShard shard_;  // One value of it.
};

}  // namespace rollcall
