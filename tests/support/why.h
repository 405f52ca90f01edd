// why(): the message of a failure, or an empty string, so that a failed check shows the reason.
#pragma once

#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

template <class T>
std::string why(const Result<T>& result) {
    return result ? std::string() : describe(result.error());
}

}  // namespace rollcall
