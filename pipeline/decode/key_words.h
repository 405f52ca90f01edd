// KeyWords: finds the columns of keys that are composed of known words.
//
//     router_os_ver        router os version            version
//     deviceUptime         device uptime                uptime_s
//     mem_free_mb          memory free, in MiB          mem_free
//     hardwareSerialNumber hardware serial number       serial_number
//
// A name is split into the words of key_words.def, ignoring case and separators. The name is a key
// of a column if a COMPOSED row of this column fits. The row must need or allow each word of the
// name, and the name must have all words that the row needs. A unit may end the name. An unknown
// word makes the name unknown, so `neighbor_serial` and `agent_version` are not keys. `client_mac`
// is not a key either, because no row has both words.
//
// Splitting a name is slow compared to a look-up, so the dictionary caches the result.
//
// Threads: constant tables.
#pragma once

#include <string_view>

#include "pipeline/decode/folded_name.h"
#include "pipeline/decode/keys.h"

namespace rollcall {

// Returns the key of a name or of a path, or nullptr.
[[nodiscard]] const KnownKey* composed_key(const FoldedName& name);
[[nodiscard]] inline const KnownKey* composed_key(std::string_view object, std::string_view name) {
    return composed_key(FoldedName(object, name));
}

// Returns whether all words in an object's name describe the router as a whole, as in `system_info`
// and `deviceStatus`.
[[nodiscard]] bool names_a_report(const FoldedName& object);
[[nodiscard]] inline bool names_a_report(std::string_view object) {
    return names_a_report(FoldedName(object));
}

}  // namespace rollcall
