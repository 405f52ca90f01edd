// CopiedSpools: two daemons with one table, whose spools are copied to each other and restored from
// backups. The daemons are killed again and again while routers report to them.
//
// A clone    replaces the spool of one daemon by a copy of the other's
// A restore  lays an older copy of a spool over it, as rsync does: the directory stays the same
//
// Before a spool is replaced, its daemon stores all acknowledged check-ins, because the other spool
// does not contain them.
//
// Errors:  a daemon that does not start or stop fails the test case.
// Threads: those of Routers, inside kill(); the rest is called by the test.
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
    // Starts the two daemons with these options, which name the table.
    CopiedSpools(const TestDaemon::Options& options, Random& random);

    // Kills daemons so many times. After each two kills, spools may be cloned and restored.
    void kill(int kills);
    // Stops the daemons, which store what their spools hold.
    void stop();

    [[nodiscard]] uint64_t acknowledged() const;
    // Returns what is wrong with the table, one line for each report; empty if nothing is.
    [[nodiscard]] std::string losses_and_repeats(const Routers::Stored& stored) const;

private:
    // A daemon with the routers that report to it alone.
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
    Site* backed_up_ = nullptr;  // The site whose backup there is.
};

}  // namespace rollcall
