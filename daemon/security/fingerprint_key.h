// Fingerprint key: the secret with which a daemon hashes reports, to recognize one that is sent
// again (pipeline/ingest/intake.cc).
//
//     delivery.fingerprint_key_file    a file that all daemons of one table share, so that a report
//                                      that is retried through another daemon has the same row id
//     STATE_DIR/fingerprint_key        without that setting: made at the first start, for the owner
//                                      alone; it is copied and restored together with the spool
//
// The content of a file may be any 32 to 4,096 bytes, for example a line of hexadecimal or base64.
// The key is the SHA-256 of it without blanks and line ends behind it, which editors add.
//
// Threads: any; nothing is kept between calls.
// Errors:  unreadable_file and bad_file; the explanation names the file, the reason and the remedy.
#pragma once

#include <string>

#include "pipeline/base/error.h"
#include "pipeline/base/hash.h"

namespace rollcall {

// Fails if users other than owner and group may read or write the file.
[[nodiscard]] Result<KeyedHash::Key> read_fingerprint_key(const std::string& path);

// Reads the key in a state directory; makes it if there is none. It is durable, complete and for
// the owner alone from the moment when it has its name.
[[nodiscard]] Result<KeyedHash::Key> own_fingerprint_key(const std::string& state_dir);

}  // namespace rollcall
