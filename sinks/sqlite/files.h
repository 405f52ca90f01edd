// SqliteFiles: the files of an SQLite database. It checks whether the paths still name the files
// that a connection has open.
//
// A connection keeps three files open: the database, PATH-wal (commits that are not yet in the
// database) and PATH-shm (an index of PATH-wal). If another process removes, moves or replaces one
// of them, SQLite keeps using the open file. The next connection opens the file that is then at the
// path, and does not find what was stored in the earlier file.
//
// Threads: one.
// Source: https://www.sqlite.org/howtocorrupt.html, sections 2.4 and 2.5;
//         https://www.sqlite.org/walformat.html; unixShmMap() in os_unix.c.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/base/error.h"
#include "pipeline/base/files.h"

namespace rollcall {

class SqliteFiles {
public:
    explicit SqliteFiles(std::string path);

    // Creates an empty database if there is none. The new database belongs to the owner of the
    // directory (pipeline/base/files.h). Remembers the database file. Call before a connection
    // opens the database.
    //
    // If PATH-wal exists but the database is missing or empty, the database was moved while a
    // daemon had it open. prepare() then renames PATH-wal to PATH-wal.orphan, because SQLite would
    // delete it. The moved database may need this file: if the daemon was killed during a
    // checkpoint, the database is damaged without its PATH-wal.
    [[nodiscard]] Result<void> prepare();
    // Remembers the files that the paths name. Call when the connection uses all three files. Fails
    // with file_replaced if the database was replaced after prepare().
    [[nodiscard]] Result<void> remember();

    // Fails with disk_full if the disk has too little room for the part of PATH-shm that is needed
    // to write `written_bytes` more bytes.
    //
    // SQLite maps PATH-shm into memory. Before that, SQLite writes one byte to each page of
    // PATH-shm. On a file system whose blocks are smaller than a page, the rest of the page has no
    // block yet. If the disk is full when SQLite accesses that part, the kernel ends the process by
    // SIGBUS.
    [[nodiscard]] Result<void> check_room(uint64_t written_bytes) const;

    // Fails with file_replaced if a path no longer names the remembered file.
    [[nodiscard]] Result<void> check();

    enum class Wal : bool { empty, holds_commits };
    // Removes PATH-wal and PATH-shm if the database was replaced and these two files were not. They
    // belong to the earlier database, and SQLite would apply them to the new one. If `wal` says
    // that PATH-wal still holds commits, renames it to PATH-wal.orphan instead. Call when the
    // connection is closed.
    [[nodiscard]] Result<void> remove_orphans(Wal wal);

private:
    [[nodiscard]] Result<void> keep_wal_of_moved_database();
    [[nodiscard]] Result<void> keep_orphan();
    [[nodiscard]] Result<void> create_if_missing() const;
    [[nodiscard]] std::string path(size_t file) const;
    [[nodiscard]] Result<std::optional<FileIdentity>> identity(size_t file);
    [[nodiscard]] bool is_remembered(size_t file);

    Files files_;
    std::string path_;
    std::array<std::optional<FileIdentity>, 3> remembered_;  // The database, PATH-wal, PATH-shm.
};

}  // namespace rollcall
