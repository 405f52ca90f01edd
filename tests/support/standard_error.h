// Captures what a function writes to standard error, such as log lines.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace rollcall {

template <class Function>
std::string standard_error_of(Function function) {
    FILE* const file = std::tmpfile();
    const int before = dup(STDERR_FILENO);
    if (file == nullptr || before < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
        throw std::runtime_error("standard error cannot be put aside");
    function();
    dup2(before, STDERR_FILENO);
    close(before);
    std::rewind(file);
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

}  // namespace rollcall
