// The shadow of a volatile disk: what of a directory would outlive a power cut.
//
//   SHADOW/pins/INODE       hard link to each file, so that it can be read when its name is gone
//                           and its number is not given to another
//   SHADOW/contents/INODE   what of it is durable
//   SHADOW/names            the durable names, a line each: INODE PATH, the path from the root of
//                           the directory; 0 is a directory. Replaced as a whole
//
// A file that is written is durable when it was synced, its name when its directory was: fsync(2).
// Whoever is killed while it syncs leaves a part of that file durable, as a power cut does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace rollcall::volatile_disk {

// Environment of the process whose disk is volatile.
inline constexpr const char* root_variable = "VOLATILE_DISK_ROOT";
inline constexpr const char* shadow_variable = "VOLATILE_DISK_SHADOW";
// Syncs below this directory do nothing, if it is set.
inline constexpr const char* lies_variable = "VOLATILE_DISK_LIES_BELOW";

using Names = std::map<std::string, ino_t>;  // By path.

struct Shadow {
    std::filesystem::path path;

    [[nodiscard]] std::filesystem::path pin(ino_t inode) const {
        return path / "pins" / std::to_string(inode);
    }
    [[nodiscard]] std::filesystem::path content(ino_t inode) const {
        return path / "contents" / std::to_string(inode);
    }
    [[nodiscard]] Names read_names() const {
        Names names;
        std::ifstream file(path / "names");
        std::string name;
        for (ino_t inode = 0; file >> inode && std::getline(file >> std::ws, name);)
            names[name] = inode;
        return names;
    }
    void write_names(const Names& names) const {
        std::ofstream file(path / "names.new");
        for (const auto& [name, inode] : names) file << inode << ' ' << name << '\n';
        file.close();
        std::filesystem::rename(path / "names.new", path / "names");
    }
};

}  // namespace rollcall::volatile_disk
