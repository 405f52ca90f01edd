#include "daemon/overload/cgroup.h"

#include <fstream>
#include <string_view>

namespace rollcall {

std::vector<std::string> cgroup_directories(const CgroupPaths& paths) {
    constexpr std::string_view version_2 = "0::/";
    std::vector<std::string> directories;
    std::ifstream lines(paths.self);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(version_2)) continue;
        std::string path = line.substr(version_2.size() - 1);
        for (; !path.empty(); path.resize(path.rfind('/')))
            directories.push_back(paths.root + path);
    }
    return directories;
}

}  // namespace rollcall
