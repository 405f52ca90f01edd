// why(): returns the message of a failure, or an empty string on success. If a test compares the
// result with "", a failed check prints the message.
#pragma once

#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

template <class T>
std::string why(const Result<T>& result) {
    return result ? std::string() : describe(result.error());
}

}  // namespace rollcall
