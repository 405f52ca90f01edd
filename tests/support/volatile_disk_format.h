// The shadow of a volatile disk: a record of the data that would survive a power cut.
//
//   SHADOW/pins/INODE       hard link to each file: the file stays readable when its name is gone,
//                           and its inode number is not reused
//   SHADOW/contents/INODE   the durable contents of the file
//   SHADOW/names            the durable names, one line each: INODE PATH, with the path relative to
//                           the root of the directory. INODE 0 means a directory. This file is
//                           replaced as a whole
//
// The contents of a file become durable when the file is synced; a name becomes durable when its
// directory is synced: fsync(2). If a process is killed during a sync, a part of the file becomes
// durable, as in a power cut.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace rollcall::volatile_disk {

// Environment variables of the process whose disk is volatile.
inline constexpr const char* root_variable = "VOLATILE_DISK_ROOT";
inline constexpr const char* shadow_variable = "VOLATILE_DISK_SHADOW";
// If this variable is set, syncs below the directory that it names have no effect.
inline constexpr const char* lies_variable = "VOLATILE_DISK_LIES_BELOW";

using Names = std::map<std::string, ino_t>;  // The inode number of each path.

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
