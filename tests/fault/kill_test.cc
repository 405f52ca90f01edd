// Kills the daemon again and again under load, even while its files are moved. Every acknowledged
// check-in must be stored once. ROLLCALL_KILLS sets the number of kills.
//
// kill -9 does not lose data in the page cache, so this test cannot show that a reply waits for the
// disk. durable_before_reply_test.cc tests the order of the sync and the reply.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

int kills(int by_default) {
    const char* const given = std::getenv("ROLLCALL_KILLS");
    return given == nullptr ? by_default : std::atoi(given);
}

std::string ask(const fs::path& database, const std::string& sql) {
    std::string answer = run({"sqlite3", database, sql}).output;
    while (answer.ends_with('\n')) answer.pop_back();
    return answer;
}

// An operator who moves the files of a running daemon and puts all of them back.
class FileMover {
public:
    FileMover(const TestDaemon& daemon, Random& random)
        : state_dir_(daemon.state_dir()), random_(random) {}

    void interfere() {
        switch (random_.below(6)) {
            case 0: return;
            case 1: return move_database({""});
            case 2: return move_database({"", "-wal", "-shm"});
            case 3: return remove_journal();
            case 4: return replace_database();
            default: return fs::rename(state_dir_ / "spool", state_dir_ / "elsewhere");
        }
    }
    // Requires that the daemon has ended.
    void put_back() {
        put_back_spool();
        put_back_journal();
        put_back_removed_journal();
    }
    [[nodiscard]] std::vector<fs::path> databases() const {
        std::vector<fs::path> all{state_dir_ / "rollcall.db"};
        for (int i = 0; i < moved_; ++i) all.push_back(moved(i));
        return all;
    }

private:
    [[nodiscard]] fs::path journal() const { return state_dir_ / "rollcall.db-wal"; }
    void put_back_spool() {
        if (!fs::exists(state_dir_ / "elsewhere")) return;
        fs::remove_all(state_dir_ / "spool");
        fs::rename(state_dir_ / "elsewhere", state_dir_ / "spool");
    }
    // Moves the journal (-wal) back beside the database. Without its journal, a database that was
    // moved during a checkpoint is damaged. The journal is still at its old path, or the daemon has
    // renamed it to -wal.orphan.
    void put_back_journal() {
        const fs::path database = state_dir_ / "rollcall.db";
        const bool is_orphan = !fs::exists(database) || fs::file_size(database) == 0;
        const fs::path kept = journal().string() + ".orphan";
        const fs::path own = moved(moved_ - 1).string() + "-wal";
        if (moved_ == 0 || fs::exists(own)) return;
        if (is_orphan && fs::exists(journal()))
            fs::rename(journal(), own);
        else if (fs::exists(kept))
            fs::rename(kept, own);
    }
    // If the database is damaged because its journal was removed, puts the journal back.
    void put_back_removed_journal() {
        if (!fs::exists(removed_journal())) return;
        const fs::path database = state_dir_ / "rollcall.db";
        if (fs::exists(database) && ask(database, "PRAGMA quick_check") != "ok")
            fs::rename(removed_journal(), journal());
        else
            fs::remove(removed_journal());
    }
    [[nodiscard]] fs::path removed_journal() const { return state_dir_ / "removed-wal"; }
    [[nodiscard]] fs::path moved(int number) const {
        return state_dir_ / fmt::format("moved-{}.db", number);
    }
    void move_database(const std::vector<std::string>& suffixes) {
        for (const auto& suffix : suffixes) {
            const fs::path from = (state_dir_ / "rollcall.db").string() + suffix;
            if (fs::exists(from)) fs::rename(from, moved(moved_).string() + suffix);
        }
        ++moved_;
    }
    void remove_journal() {
        if (fs::exists(journal())) fs::create_hard_link(journal(), removed_journal());
        for (const char* suffix : {"-wal", "-shm"})
            if (random_.below(3) > 0) fs::remove((state_dir_ / "rollcall.db").string() + suffix);
    }
    // Puts an empty file in place of the database. To SQLite, an empty file is a new database.
    void replace_database() {
        const fs::path database = state_dir_ / "rollcall.db";
        fs::create_hard_link(database, moved(moved_++));
        std::ofstream(state_dir_ / "empty.db").close();
        fs::rename(state_dir_ / "empty.db", database);
    }

    fs::path state_dir_;
    Random& random_;
    int moved_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kill)

BOOST_AUTO_TEST_CASE(every_acknowledged_check_in_is_stored_once_after_fifty_kills) {
    Random random("every_acknowledged_check_in_is_stored_once_after_fifty_kills");
    // The segments of the spool are small, so that some kills occur when the daemon begins a
    // segment.
    TestDaemon daemon({.settings = {R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")",
                                    R"(delivery.stop_timeout_max = "5min")"}});
    Routers routers;
    const int rounds = kills(50);
    for (int round = 0; round < rounds; ++round) {
        routers.connect(daemon);
        std::this_thread::sleep_for(50ms + random.below(250) * 1ms);
        daemon.kill();
        routers.join();
        // The daemon is also killed during recovery.
        if (random.below(5) == 0) {
            daemon.launch();
            std::this_thread::sleep_for(random.below(30) * 1ms);
            daemon.kill();
        }
        daemon.start();
    }
    // A clean stop stores the remaining check-ins of the spool.
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    fmt::print("{} check-ins were acknowledged, {} are stored\n", routers.acknowledged(),
               daemon.query("SELECT COUNT(id) FROM site_checkins"));
    BOOST_TEST(routers.acknowledged() > 100 * static_cast<uint64_t>(rounds));
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_CASE(every_acknowledged_check_in_is_in_a_database_though_files_were_moved) {
    Random random("every_acknowledged_check_in_is_in_a_database_though_files_were_moved");
    TestDaemon daemon({.settings = {R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")",
                                    R"(delivery.duplicate_window = "0ms")",
                                    R"(delivery.stop_timeout_max = "5min")"}});
    FileMover mover(daemon, random);
    Routers routers;
    for (int round = kills(12); round > 0; --round) {
        routers.connect(daemon);
        std::this_thread::sleep_for(50ms + random.below(250) * 1ms);
        mover.interfere();
        // The kill may come before or after the daemon notices the change, which takes at most a
        // second.
        std::this_thread::sleep_for(random.below(2) * random.below(1500) * 1ms);
        daemon.kill();
        routers.join();
        mover.put_back();
        daemon.start();
    }
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    fmt::print("{} check-ins were acknowledged while files were moved\n", routers.acknowledged());
    BOOST_TEST(routers.losses_and_repeats(Routers::in_any_of(mover.databases())) == "");
    for (const auto& database : mover.databases()) {
        BOOST_TEST(ask(database, "PRAGMA integrity_check") == "ok", database);
        BOOST_TEST(ask(database,
                       "SELECT COUNT(*) - COUNT(DISTINCT serial_number || ' ' || seq)"
                       " FROM site_checkins") == "0",
                   database);
    }
}

BOOST_AUTO_TEST_SUITE_END()
