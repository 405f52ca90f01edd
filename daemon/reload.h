// ReloadableFiles: the files that the settings name. They are read at the start, and again when the
// operator asks for it (SIGHUP).
//
// Files that a reload cannot read change nothing: their previous contents remain in effect, and the
// log, the pages and rollcall_reload_errors_total report it until a later reload can read them.
//
// A file may be on a server that hangs, so a thread of its own reads the files again. It also runs
// `every_second`, which checks whether they have changed.
//
// Threads: main; read_again() is the thread's, and tests call it instead.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/error.h"
#include "pipeline/base/health_message.h"
#include "pipeline/base/wakeup.h"

namespace rollcall {

class ReloadableFiles {
public:
    ReloadableFiles() = default;
    ~ReloadableFiles();
    ReloadableFiles(const ReloadableFiles&) = delete;
    ReloadableFiles& operator=(const ReloadableFiles&) = delete;

    // Reads all files of one kind, or changes nothing. An error explains which file and why. It is
    // called by add(), and then by the thread.
    using Read = std::function<Result<void>()>;

    // Reads the files for the first time, and remembers them for reloads if they can be read. Fails
    // with too_many_files if the thread could not be woken.
    [[nodiscard]] Result<void> add(Read read);
    void read_again();
    // Starts the thread. It calls `every_second` once a second, and `done` after each reload.
    void start(std::function<void()> every_second, std::function<void()> done);
    // Lets the thread read all files again. Call it only while no reload is under way.
    void begin_reload();
    [[nodiscard]] bool is_reloading() const { return ended_ != requested_.own(); }
    // Ends the reload, if the thread has finished it. Returns whether it did.
    bool try_end_reload();
    // Ends the thread. Waits for it, however long the files take.
    void stop();
    // Returns a message for each kind of files that the last reload could not read.
    [[nodiscard]] std::vector<std::string> health_messages() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Files {
        Read read;
        HealthMessage health_message;  // Empty if the last read succeeded.
    };
    std::deque<Files> all_;
    MetricShard shard_;
    Cursor requested_;    // Advanced by main: the number of reloads that were begun.
    Cursor finished_;     // Advanced by the thread: the number of reloads that are finished.
    uint64_t ended_ = 0;  // Number of reloads that main has ended.
    Cursor stopping_;     // Advanced once by stop(): 1 means return.
    Wakeup wakeup_;
    std::thread thread_;
};

}  // namespace rollcall
