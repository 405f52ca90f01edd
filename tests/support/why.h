// why(): the sentence of a failure, or an empty text, so that a check shows what went wrong.
#pragma once

#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

template <class T>
std::string why(const Result<T>& result) {
    return result ? std::string() : describe(result.error());
}

}  // namespace rollcall
