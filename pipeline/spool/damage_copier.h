// DamageCopier: copies damaged bytes from segments into a quarantine file.
//
// Damaged records often lie close together. So the copier reads and writes large pieces, which hold
// the bytes of many records, and keeps the segment open between two calls of copy(). Separate
// system calls for each record took more time than all other work on a damaged spool.
//
// Threads: one.
// Units:   bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/files.h"

namespace rollcall {

class DamageCopier {
public:
    // Writes the copied bytes into `to`, one copy after the other, beginning at `to_offset`.
    // `files` and `to` must outlive the copier.
    DamageCopier(Files& files, std::string spool_directory, File& to, uint64_t to_offset);

    // Copies at most `bytes` bytes of the segment, from `offset` on. Returns the number of bytes
    // that were copied. The copied bytes may stay in memory until flush(). Fails if the segment
    // cannot be opened, or if none of its bytes can be read. flush() returns the errors of writes.
    [[nodiscard]] Result<uint64_t> copy(const std::string& segment, uint64_t offset,
                                        uint64_t bytes);
    // Writes the copied bytes that are still in memory. Returns the first error of all writes.
    // After an error, the copier writes nothing more.
    Result<void> flush();
    // Returns the offset in the file up to which all copied bytes were written.
    [[nodiscard]] uint64_t written_to() const { return written_to_; }

private:
    [[nodiscard]] Result<void> open(const std::string& segment);
    [[nodiscard]] Result<std::span<const std::byte>> bytes_at(uint64_t offset);

    Files& files_;
    std::string spool_directory_;
    std::string segment_;  // Name of the open segment; empty if there is none.
    std::unique_ptr<File> from_;
    std::vector<std::byte> window_;  // Bytes of the segment from window_at_ on.
    uint64_t window_at_ = 0;
    size_t window_bytes_ = 0;
    File& to_;
    std::vector<std::byte> unwritten_;
    uint64_t written_to_;
    Result<void> written_;
};

}  // namespace rollcall
