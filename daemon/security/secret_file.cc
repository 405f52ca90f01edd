#include "daemon/security/secret_file.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>

namespace rollcall {

namespace {

constexpr size_t words_max = 4;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct Words {
    std::array<std::string_view, words_max + 1> all;  // One more shows that there are too many.
    size_t count = 0;
};

Words split(std::string_view line) {
    Words words;
    for (auto at = line.begin(); words.count < words.all.size();) {
        const auto begin = std::find_if_not(at, line.end(), is_blank);
        if (begin == line.end()) break;
        at = std::find_if(begin, line.end(), is_blank);
        words.all[words.count++] = std::string_view(begin, at);
    }
    return words;
}

std::string reason_of_errno() { return std::generic_category().message(errno); }

}  // namespace

std::expected<void, std::string> read_secret_file(const std::string& path, const TakeWords& take) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (file == nullptr) return std::unexpected(fmt::format("{}: {}", path, reason_of_errno()));
    char* buffer = nullptr;  // getline(3) makes it as large as it has to be.
    size_t buffer_bytes = 0;
    std::string problem;
    for (uint32_t line = 1; problem.empty(); ++line) {
        const ssize_t length = getline(&buffer, &buffer_bytes, file.get());
        if (length < 0) break;
        const Words words = split({buffer, static_cast<size_t>(length)});
        if (words.count == 0 || words.all[0].starts_with('#')) continue;
        std::string reason = words.count > words_max ? "has too many words"
                                                     : take({words.all.data(), words.count}, line);
        if (!reason.empty()) problem = at_line(path, line, reason);
    }
    if (problem.empty() && std::ferror(file.get()) != 0)
        problem = fmt::format("{}: {}", path, reason_of_errno());
    if (buffer != nullptr) explicit_bzero(buffer, buffer_bytes);
    std::free(buffer);
    if (!problem.empty()) return std::unexpected(problem);
    return {};
}

std::string at_line(const std::string& path, uint32_t line, std::string_view reason) {
    return fmt::format("{}:{}: {}", path, line, reason);
}

std::string warning_of(const std::string& path) {
    struct stat found{};
    if (stat(path.c_str(), &found) != 0 || (found.st_mode & S_IROTH) == 0) return {};
    return fmt::format("{} can be read by everyone on this machine; chmod o-r", path);
}

}  // namespace rollcall
