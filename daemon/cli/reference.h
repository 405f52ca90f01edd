// Reference: documents in Markdown about settings, metrics and messages, made from the tables in
// config/. The files in docs/ are what these functions return (`rollcalld reference`).
//
// Threads: pure functions.
#pragma once

#include <string>

namespace rollcall {

// Every setting: default, allowed values, how a change takes effect, description.
[[nodiscard]] std::string settings_reference();
// Every metric: type, labels, description.
[[nodiscard]] std::string metrics_reference();
// Every code of a refusal or a failure, every warning, and every reason of a dead letter.
[[nodiscard]] std::string messages_reference();

}  // namespace rollcall
