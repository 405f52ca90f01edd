// KeyWords: finds the columns of keys that are composed of words.
//
//     router_os_ver        router os version            version
//     deviceUptime         device uptime                uptime_s
//     mem_free_mb          memory free, in MiB          mem_free
//     hardwareSerialNumber hardware serial number       serial_number
//
// A name is split into the words of key_words.def without regard to case and separators. It is a
// key of a column if all of it consists of words and the table assigns this set of words to the
// column. A single unknown word makes the name unknown, so `neighbor_serial`, `client_mac` and
// `agent_version` are no keys.
//
// Splitting a name is slow compared to a look-up, so the dictionary caches the result.
//
// Threads: constant tables.
#pragma once

#include <string_view>

#include "pipeline/decode/keys.h"

namespace rollcall {

// Returns the key of a name, alone if `object` is empty, else as a member of `object`; or nullptr.
[[nodiscard]] const KnownKey* composed_key(std::string_view object, std::string_view name);

// Returns whether an object's name consists of words for the router as a whole, such as
// `system_info` and `deviceStatus`.
[[nodiscard]] bool names_a_report(std::string_view object);

}  // namespace rollcall
