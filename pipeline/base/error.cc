#include "pipeline/base/error.h"

#include <fmt/core.h>

#include <system_error>

namespace rollcall {

namespace {

std::string_view text_of(const Error& error) {
    return error.explanation ? std::string_view(*error.explanation) : info(error.code).help;
}

}  // namespace

std::unexpected<Error> fail(Code code, std::string explanation) {
    return fail(code, 0, std::move(explanation));
}

std::unexpected<Error> fail(Code code, int os_errno, std::string explanation) {
    return std::unexpected(
        Error{.code = code,
              .os_errno = os_errno,
              .explanation = std::make_shared<const std::string>(std::move(explanation))});
}

Error in_context(std::string_view context, const Error& error) {
    Error longer = error;
    longer.explanation =
        std::make_shared<const std::string>(fmt::format("{}: {}", context, text_of(error)));
    return longer;
}

std::string describe(const Error& error) {
    const std::string_view text = text_of(error);
    if (error.os_errno == 0) return std::string(text);
    const std::string reason = std::generic_category().message(error.os_errno);
    // A help text is a sentence with a full stop; an explanation is a clause.
    return text.ends_with('.') ? fmt::format("{} ({})", text, reason)
                               : fmt::format("{}: {}", text, reason);
}

}  // namespace rollcall
