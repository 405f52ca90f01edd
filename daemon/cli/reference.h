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
// Returns a document about every code of a refusal or failure, every warning, and every reason of a
// dead letter.
[[nodiscard]] std::string messages_reference();

}  // namespace rollcall
