// Fingerprint key: the secret key with which a daemon hashes reports, so that it can recognize
// repeated reports (pipeline/ingest/intake.cc).
//
//     delivery.fingerprint_key_file    must be the same file on all daemons that store into one
//                                      table. A report then has the same row id even if the router
//                                      repeats the report to another daemon
//     STATE_DIR/fingerprint_key        used if delivery.fingerprint_key_file is empty; created at
//                                      the first start with access for the owner only. Operators
//                                      must copy and restore this file together with the spool
//
// A file may contain any 32 to 4,096 bytes, for example a line of hexadecimal or base64. The key is
// the SHA-256 of the content without trailing blanks and line ends, because editors add these.
//
// Threads: any; nothing is kept between calls.
// Errors:  unreadable_file and bad_file; the explanation names the file, the reason and the remedy.
#pragma once

#include <string>

#include "pipeline/base/error.h"
#include "pipeline/base/hash.h"

namespace rollcall {

// Reads a key. Fails if users other than owner and group have access to the file.
[[nodiscard]] Result<KeyedHash::Key> read_fingerprint_key(const std::string& path);

// Reads the key in a state directory, or creates the key if there is none. Gives a new file its
// final name only when the file is complete and on disk.
[[nodiscard]] Result<KeyedHash::Key> own_fingerprint_key(const std::string& state_dir);

}  // namespace rollcall
