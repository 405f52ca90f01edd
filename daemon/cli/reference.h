// Reference: Markdown documents about settings, metrics and messages, generated from the tables in
// config/. The files in docs/ are the output of these functions (`rollcalld reference`).
//
// Threads: pure functions.
#pragma once

#include <string>

namespace rollcall {

// Returns a document about every setting: default, allowed values, how a change takes effect,
// description.
[[nodiscard]] std::string settings_reference();
// Returns a document about every metric: type, labels, description.
[[nodiscard]] std::string metrics_reference();
// Returns a document about every message: the codes of refusals and failures, the warnings, and the
// reasons why rows become dead letters.
[[nodiscard]] std::string messages_reference();

}  // namespace rollcall
