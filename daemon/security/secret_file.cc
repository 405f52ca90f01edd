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

namespace rollcall {

namespace {

constexpr size_t words_max = 4;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct Words {
    std::array<std::string_view, words_max + 1> all;  // The last entry detects one word too many.
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

// The buffer of getline(3). The destructor overwrites the content before it frees the buffer.
struct LineBuffer {
    ~LineBuffer() {
        if (text != nullptr) explicit_bzero(text, bytes);
        std::free(text);
    }
    char* text = nullptr;
    size_t bytes = 0;
};

}  // namespace

Result<void> read_secret_file(const std::string& path, const TakeWords& take) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (file == nullptr) return fail(Code::unreadable_file, errno, path);
    LineBuffer buffer;
    for (uint32_t line = 1;; ++line) {
        const ssize_t length = getline(&buffer.text, &buffer.bytes, file.get());
        if (length < 0) break;
        const Words words = split({buffer.text, static_cast<size_t>(length)});
        if (words.count == 0 || words.all[0].starts_with('#')) continue;
        const Result<void> taken = words.count > words_max
                                       ? fail(Code::bad_file, "has too many words")
                                       : take({words.all.data(), words.count}, line);
        if (!taken) return std::unexpected(at_line(path, line, taken.error()));
    }
    if (std::ferror(file.get()) != 0) return fail(Code::unreadable_file, errno, path);
    return {};
}

Error at_line(const std::string& path, uint32_t line, const Error& error) {
    return in_context(fmt::format("{}:{}", path, line), error);
}

std::string permission_warning(const std::string& path) {
    struct stat found{};
    if (stat(path.c_str(), &found) != 0 || (found.st_mode & S_IROTH) == 0) return {};
    return fmt::format("{} can be read by everyone on this machine; chmod o-r", path);
}

}  // namespace rollcall
