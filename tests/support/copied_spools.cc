#include "tests/support/copied_spools.h"

#include <boost/test/unit_test.hpp>
#include <thread>

namespace rollcall {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

CopiedSpools::CopiedSpools(const TestDaemon::Options& options, Random& random) : random_(random) {
    for (const char* name : {"A", "B"}) sites_.emplace_back(name, options);
}

void CopiedSpools::kill(int kills) {
    for (int done = 0; done < kills; done += 2) {
        for (Site& site : sites_) site.routers.connect(site.daemon);
        std::this_thread::sleep_for(50ms + random_.below(250) * 1ms);
        for (Site& site : sites_) site.daemon.kill();
        for (Site& site : sites_) site.routers.join();
        interfere();
        for (Site& site : sites_) site.daemon.start();
    }
}

void CopiedSpools::stop() {
    for (Site& site : sites_) BOOST_TEST((site.daemon.stop() == 0), site.daemon.log());
}

uint64_t CopiedSpools::acknowledged() const {
    uint64_t all = 0;
    for (const Site& site : sites_) all += site.routers.acknowledged();
    return all;
}

std::string CopiedSpools::losses_and_repeats(const Routers::Stored& stored) const {
    std::string wrong;
    for (const Site& site : sites_) wrong += site.routers.losses_and_repeats(stored);
    return wrong;
}

// Requires that the daemon is not running.
void CopiedSpools::Site::store_all() {
    daemon.start();
    BOOST_TEST_REQUIRE((daemon.stop() == 0), daemon.log());
}

// Requires that no daemon is running.
void CopiedSpools::interfere() {
    Site& one = sites_[random_.below(2)];
    Site& other = &one == &sites_[0] ? sites_[1] : sites_[0];
    switch (random_.below(5)) {
        case 0: return clone(one, other);
        case 1: return back_up(one);
        case 2: return restore();
        default: return;
    }
}

void CopiedSpools::clone(Site& from, Site& to) {
    to.store_all();
    fs::remove_all(to.spool());
    fs::copy(from.spool(), to.spool(), fs::copy_options::recursive);
    if (backed_up_ == &to) backed_up_ = nullptr;
}

void CopiedSpools::back_up(Site& site) {
    fs::remove_all(backup_.path() / "spool");
    fs::copy(site.spool(), backup_.path() / "spool", fs::copy_options::recursive);
    backed_up_ = &site;
}

void CopiedSpools::restore() {
    if (backed_up_ == nullptr) return;
    backed_up_->store_all();
    for (const auto& entry : fs::directory_iterator(backed_up_->spool()))
        fs::remove_all(entry.path());
    fs::copy(backup_.path() / "spool", backed_up_->spool(), fs::copy_options::recursive);
}

}  // namespace rollcall
