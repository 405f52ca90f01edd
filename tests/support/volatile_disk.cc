#include "tests/support/volatile_disk.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace rollcall {

namespace {

namespace fs = std::filesystem;
using volatile_disk::Names;

constexpr size_t sector_bytes = 512;

ino_t inode_of(const fs::path& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) throw std::runtime_error("lstat: " + path.string());
    return status.st_ino;
}

std::string content_of(const fs::path& path) {
    std::ostringstream text;
    std::ifstream file(path, std::ios::binary);
    if (file.peek() != EOF) text << file.rdbuf();
    return text.str();
}

// Chooses at random which of the written sectors reached the disk.
std::string torn(std::string durable, const std::string& written, Random& random) {
    const int kept_of_two = random.one_of({0, 1, 2});  // 0 keeps no sector, 1 some, 2 all.
    size_t size = random.one_in(2) ? durable.size() : written.size();
    durable.resize(std::max(durable.size(), written.size()));
    for (size_t at = 0; at < written.size(); at += sector_bytes) {
        const size_t bytes = std::min(sector_bytes, written.size() - at);
        const bool unsynced = durable.compare(at, bytes, written, at, bytes) != 0;
        if (!unsynced || random.below(2) >= static_cast<uint64_t>(kept_of_two)) continue;
        durable.replace(at, bytes, written, at, bytes);
        size = std::max(size, at + bytes);
    }
    durable.resize(size);
    return durable;
}

}  // namespace

VolatileDisk::VolatileDisk()
    : root_(directory_.path() / "root"), shadow_{directory_.path() / "shadow"} {
    fs::create_directory(root_);
    begin_shadow();
}

std::vector<std::string> VolatileDisk::environment(std::string_view lies_below) const {
    std::vector<std::string> variables = {
        "LD_PRELOAD=" VOLATILE_DISK_PATH,
        // By default, AddressSanitizer ends a program that loads another library before it. Here
        // the order is harmless, because the preloaded library passes each call on to the
        // sanitizer.
        "ASAN_OPTIONS=verify_asan_link_order=0",
        fmt::format("{}={}", volatile_disk::root_variable, root_.string()),
        fmt::format("{}={}", volatile_disk::shadow_variable, shadow_.path.string())};
    if (!lies_below.empty())
        variables.push_back(
            fmt::format("{}={}", volatile_disk::lies_variable, (root_ / lies_below).string()));
    return variables;
}

void VolatileDisk::cut_power(Random& random) {
    const Names durable = shadow_.read_names();
    const Names as_they_were = names_as_they_were();
    std::map<fs::path, bool> names_are_durable;  // Whether the unsynced names of a directory
                                                 // survive.
    const auto survives = [&](const fs::path& name, bool is_durable, bool is_there) {
        const auto [choice, first] = names_are_durable.try_emplace(name.parent_path(), false);
        if (first) choice->second = random.one_in(2);
        return choice->second ? is_there : is_durable;
    };
    Names all = durable;
    for (const auto& [name, inode] : as_they_were) all[name] = inode;
    const fs::path after = directory_.path() / "after";
    fs::create_directory(after);
    for (const auto& [name, newest] : all) {  // Sorted, so a directory comes before its contents.
        const auto old = durable.find(name);
        const bool is_durable = old != durable.end();
        if (!survives(name, is_durable, as_they_were.contains(name))) continue;
        if (!fs::exists((after / name).parent_path())) continue;
        const bool newer = names_are_durable.at(fs::path(name).parent_path());
        const ino_t inode = newer || !is_durable ? newest : old->second;
        if (inode == 0)
            fs::create_directory(after / name);
        else
            restore_file(after / name, inode, random);
    }
    fs::remove_all(root_);
    fs::rename(after, root_);
    begin_shadow();
}

Names VolatileDisk::names_as_they_were() const {
    Names names;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
        const auto name = entry.path().lexically_relative(root_).string();
        if (entry.is_directory())
            names[name] = 0;
        else if (entry.is_regular_file() && fs::exists(shadow_.pin(inode_of(entry.path()))))
            names[name] = inode_of(entry.path());
    }
    return names;
}

void VolatileDisk::restore_file(const fs::path& as, ino_t inode, Random& random) const {
    std::ofstream(as, std::ios::binary)
        << torn(content_of(shadow_.content(inode)), content_of(shadow_.pin(inode)), random);
    fs::permissions(as, fs::status(shadow_.pin(inode)).permissions());
}

// Creates a shadow (volatile_disk_format.h) in which all current contents are durable.
void VolatileDisk::begin_shadow() {
    fs::remove_all(shadow_.path);
    fs::create_directories(shadow_.path / "pins");
    fs::create_directories(shadow_.path / "contents");
    Names names;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
        const bool is_file = entry.is_regular_file();
        const ino_t inode = is_file ? inode_of(entry.path()) : 0;
        names[entry.path().lexically_relative(root_).string()] = inode;
        if (!is_file) continue;
        fs::copy_file(entry.path(), shadow_.content(inode));
        fs::create_hard_link(entry.path(), shadow_.pin(inode));
    }
    shadow_.write_names(names);
}

}  // namespace rollcall
