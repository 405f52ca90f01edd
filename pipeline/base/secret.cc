#include "pipeline/base/secret.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace rollcall {

Result<std::string> read_secret(const std::string& path) {
    if (path.empty()) return std::string();
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    std::string secret;
    char buffer[4096];
    while (const size_t count =
               file == nullptr ? 0 : std::fread(buffer, 1, sizeof buffer, file.get()))
        secret.append(buffer, count);
    if (file == nullptr || std::ferror(file.get()) != 0)
        return fail(Code::unreadable_file, errno, path);
    if (secret.ends_with('\n')) secret.pop_back();
    return secret;
}

}  // namespace rollcall
