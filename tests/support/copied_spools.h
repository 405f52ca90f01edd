// CopiedSpools: two daemons that store into one table. They are killed again and again while
// routers report to them. Between kills, the spool of one daemon is sometimes replaced by a copy of
// the other daemon's spool or by an older backup of its own.
//
// A clone    replaces the spool directory of one daemon by a copy of the other's
// A restore  replaces the files of a spool by those of an older copy, as rsync does; the directory
//            itself is kept
//
// Before a spool is replaced, its daemon stores all acknowledged check-ins, because the new spool
// does not contain them.
//
// Errors:  a daemon that does not start or stop fails the test case.
// Threads: the test's thread calls all functions. During kill(), Routers also has its own threads.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_daemon.h"

namespace rollcall {

class CopiedSpools {
public:
    // Starts the two daemons with `options`, which name the common table.
    CopiedSpools(const TestDaemon::Options& options, Random& random);

    // Kills daemons `kills` times in total. Each round kills both daemons, which counts as two.
    // Between rounds, a spool is sometimes replaced.
    void kill(int kills);
    // Stops the daemons. Before a daemon exits, it stores the check-ins of its spool in the table.
    void stop();

    [[nodiscard]] uint64_t acknowledged() const;
    // Returns a line for each report that the table has lost or contains twice. Returns an empty
    // string if there is no such report.
    [[nodiscard]] std::string losses_and_repeats(const Routers::Stored& stored) const;

private:
    // A daemon, and the routers that report only to this daemon.
    struct Site {
        Site(const std::string& name, const TestDaemon::Options& options)
            : routers(name), daemon(options) {}
        [[nodiscard]] std::filesystem::path spool() const { return daemon.state_dir() / "spool"; }
        void store_all();

        Routers routers;
        TestDaemon daemon;
    };

    void interfere();
    void clone(Site& from, Site& to);
    void back_up(Site& site);
    void restore();

    std::deque<Site> sites_;
    Random& random_;
    TemporaryDirectory backup_;
    Site* backed_up_ = nullptr;  // The site that has a backup.
};

}  // namespace rollcall
