// Signals: a thread that receives SIGTERM, SIGINT and SIGHUP. The thread works even while main is
// blocked, for example by the recovery of a large spool, by a file on a server that hangs, or by a
// thread that does not end.
//
//   |  state       SIGTERM or SIGINT        SIGHUP
//   |  starting    end the process          main reads the files again when it serves
//   |  serving     main begins to stop      main reads the files again
//   |  stopping    end the process          no effect
//
// The files are those that the settings name (reload.h).
//
// Ending the process loses no data, because every acknowledged check-in is in the spool. main sets
// a deadline for each step of a stop. If a deadline passes, the thread ends the process. So no
// sink, disk or client can delay a stop beyond the limits in the settings.
//
// Threads: the constructor, serve() and end_after() belong to main. Any thread may call the other
// functions.
// Source:  sigwaitinfo(2).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>

#include "pipeline/base/clock.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/latest.h"

namespace rollcall {

class Signals {
public:
    // Ends the process and does not return. The thread of Signals calls it with the reason.
    using End = std::function<void(std::string_view reason)>;

    // Blocks the signals in the calling thread and in all threads that it starts later, so that no
    // signal is lost and no handler runs.
    Signals(const Clock& clock, End end);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // Begins the state `serving`. wake: called after each SIGHUP, and after the first
    // SIGTERM or SIGINT.
    void serve(std::function<void()> wake);
    // Ends the process if it still runs after this time. Requires stop_requested().
    void end_after(std::chrono::milliseconds time);

    [[nodiscard]] bool stop_requested() const { return stops_.read() != 0; }
    // Returns how many times SIGHUP was received.
    [[nodiscard]] uint64_t reloads_requested() const { return reloads_.read(); }

private:
    void run();
    void receive(int number);

    const Clock& clock_;
    End end_;
    std::function<void()> wake_;   // Set before serving_ advances.
    Latest<int64_t> deadline_us_;  // Steady time; 0 if there is none.
    Cursor serving_;               // Advanced once by serve().
    Cursor destroyed_;             // Advanced once, by the destructor, to make the thread return.
    Cursor stops_;                 // Advanced once, at the first SIGTERM or SIGINT.
    Cursor reloads_;
    std::thread thread_;
};

}  // namespace rollcall
