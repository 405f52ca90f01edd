#include "tests/support/memory_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "tests/support/random.h"

namespace rollcall {

class MemoryFiles::Handle final : public File {
public:
    Handle(MemoryFiles& disk, std::string path, std::shared_ptr<Content> content)
        : disk_(disk), path_(std::move(path)), content_(std::move(content)) {}

    Result<void> sync() override {
        auto allowed = disk_.ask(Operation::sync, path_);
        if (disk_.sync_fails || !allowed) {
            content_->dirty.clear();
            return fail(Code::sync_failed, EIO);
        }
        ++disk_.syncs_;
        for (const auto& change : content_->dirty) apply(change, content_->disk);
        content_->dirty.clear();
        return {};
    }

    Result<uint64_t> size() override { return content_->now.size(); }

    Result<FileStatus> status() override { return disk_.status_of(content_); }

    Result<void> truncate(uint64_t size) override {
        if (auto allowed = disk_.ask(Operation::truncate, path_); !allowed) return allowed;
        change({size, {}});
        return {};
    }

protected:
    Result<size_t> write_some(uint64_t offset, std::span<const iovec> pieces) override {
        if (auto allowed = disk_.ask(Operation::write, path_); !allowed)
            return std::unexpected(allowed.error());
        Change made{offset, {}};
        for (const iovec& piece : pieces) {
            const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
            made.bytes.insert(made.bytes.end(), bytes, bytes + piece.iov_len);
        }
        if (disk_.some) made.bytes.resize(disk_.some(made.bytes.size()));
        if (disk_.capacity != UINT64_MAX) {
            const uint64_t size = content_->now.size();
            const uint64_t room = disk_.capacity - std::min(disk_.capacity, disk_.used());
            const uint64_t inside = size - std::min(size, offset);
            made.bytes.resize(std::min(made.bytes.size(), inside + room));
            if (made.bytes.empty()) return fail(Code::disk_full, ENOSPC);
        }
        const size_t count = made.bytes.size();
        change(std::move(made));
        return count;
    }

    Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) override {
        if (auto allowed = disk_.ask(Operation::read, path_); !allowed)
            return std::unexpected(allowed.error());
        const auto& bytes = content_->now;
        if (offset >= bytes.size() || into.empty()) return 0;
        size_t count = std::min<size_t>(into.size(), bytes.size() - offset);
        if (disk_.some) count = disk_.some(count);
        std::memcpy(into.data(), bytes.data() + offset, count);
        return count;
    }

private:
    void change(Change made) {
        apply(made, content_->now);
        content_->dirty.push_back(std::move(made));
    }

    MemoryFiles& disk_;
    std::string path_;
    std::shared_ptr<Content> content_;
};

class MemoryFiles::DiskHandle final : public File {
public:
    explicit DiskHandle(std::shared_ptr<Content> content) : content_(std::move(content)) {}

    Result<void> sync() override { return fail(Code::disk_failed, EROFS); }
    Result<uint64_t> size() override { return content_->disk.size(); }
    Result<FileStatus> status() override { return fail(Code::disk_failed, EROFS); }
    Result<void> truncate(uint64_t) override { return fail(Code::disk_failed, EROFS); }

protected:
    Result<size_t> write_some(uint64_t, std::span<const iovec>) override {
        return fail(Code::disk_failed, EROFS);
    }
    Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) override {
        const auto& bytes = content_->disk;
        if (offset >= bytes.size()) return 0;
        const size_t count = std::min<size_t>(into.size(), bytes.size() - offset);
        std::memcpy(into.data(), bytes.data() + offset, count);
        return count;
    }

private:
    std::shared_ptr<Content> content_;
};

Result<std::unique_ptr<File>> MemoryFiles::OnDisk::open(const std::string& path, Open) {
    const auto found = files_.disk_names_.find(path);
    if (found == files_.disk_names_.end()) return fail(Code::disk_failed, ENOENT);
    return std::make_unique<DiskHandle>(found->second);
}

Result<std::vector<std::string>> MemoryFiles::OnDisk::list(const std::string& directory) {
    return names_in(files_.disk_names_, directory);
}

Result<FileStatus> MemoryFiles::OnDisk::status(const std::string& path) {
    const auto found = files_.disk_names_.find(path);
    if (found == files_.disk_names_.end()) return fail(Code::disk_failed, ENOENT);
    return files_.status_of(found->second);
}

void MemoryFiles::apply(const Change& change, std::vector<std::byte>& to) {
    if (change.bytes.empty()) return to.resize(change.offset);
    const uint64_t end = change.offset + change.bytes.size();
    if (to.size() < end) to.resize(end);
    std::ranges::copy(change.bytes, to.begin() + static_cast<ptrdiff_t>(change.offset));
}

void MemoryFiles::apply(const Renaming& renaming, Names& to) {
    to.erase(renaming.from);
    if (!renaming.to.empty()) to[renaming.to] = renaming.content;
}

Result<void> MemoryFiles::ask(Operation operation, const std::string& path) const {
    return before ? before(operation, path) : Result<void>();
}

// Gives each file a new Content that holds only the durable bytes. A handle that was opened before
// still refers to the old Content, so later writes through that handle are lost.
void MemoryFiles::restart() {
    unsynced_names_.clear();
    for (auto& [name, content] : disk_names_)
        content = std::make_shared<Content>(Content{content->disk, content->disk, {}});
    names_ = disk_names_;
}

void MemoryFiles::crash(uint64_t torn_bytes) {
    for (const auto& [name, content] : disk_names_) {
        if (content->dirty.empty() || torn_bytes == 0) continue;
        Change last = content->dirty.back();
        if (last.bytes.empty()) continue;
        last.bytes.resize(std::min<uint64_t>(last.bytes.size(), torn_bytes));
        apply(last, content->disk);
    }
    restart();
}

void MemoryFiles::crash(Random& random) {
    // Keep none, some or all changes: the disk may have written back everything, a part or nothing.
    const uint64_t kept_in_4 = random.one_of({0, 1, 2, 3, 4});
    std::set<std::string> undone;  // Names whose change is undone. Later changes of these names are
                                   // undone, too.
    for (const auto& renaming : unsynced_names_) {
        if (random.below(4) < kept_in_4 && !undone.contains(renaming.from) &&
            !undone.contains(renaming.to))
            apply(renaming, disk_names_);
        else
            for (const auto& name : {renaming.from, renaming.to})
                if (!name.empty()) undone.insert(name);
    }
    for (const auto& [name, content] : disk_names_) {
        for (const auto& change : content->dirty) {
            if (change.bytes.empty()) {
                if (random.below(4) < kept_in_4) apply(change, content->disk);
                continue;
            }
            // A write may be torn at any byte, and any part of it may survive without the others.
            for (size_t from = 0; from < change.bytes.size();) {
                const size_t rest = change.bytes.size() - from;
                const size_t part = random.one_in(2) ? rest : 1 + random.below(rest);
                const auto first = change.bytes.begin() + static_cast<ptrdiff_t>(from);
                if (random.below(4) < kept_in_4)
                    apply({change.offset + from, {first, first + static_cast<ptrdiff_t>(part)}},
                          content->disk);
                from += part;
            }
        }
    }
    restart();
}

void MemoryFiles::copy(const MemoryFiles& from) {
    disk_names_ = from.disk_names_;
    restart();
}

void MemoryFiles::take(const std::string& path, const MemoryFiles& from) {
    const auto content = std::make_shared<Content>(*from.disk_names_.at(path));
    names_[path] = disk_names_[path] = content;
}

void MemoryFiles::cut(const std::string& path, uint64_t bytes) {
    for (auto* content : {&names_.at(path)->now, &names_.at(path)->disk})
        content->resize(std::min<uint64_t>(content->size(), bytes));
}

void MemoryFiles::flip(const std::string& path, uint64_t offset, std::byte bits) {
    for (auto* bytes : {&names_.at(path)->now, &names_.at(path)->disk})
        if (offset < bytes->size()) (*bytes)[offset] ^= bits;
}

uint64_t MemoryFiles::size(const std::string& path) const { return names_.at(path)->now.size(); }

uint64_t MemoryFiles::content_size(const std::string& path) const {
    const auto& bytes = names_.at(path)->now;
    const auto last = std::ranges::find_if(bytes.rbegin(), bytes.rend(),
                                           [](std::byte byte) { return byte != std::byte{0}; });
    return static_cast<uint64_t>(bytes.rend() - last);
}

uint64_t MemoryFiles::used() const {
    uint64_t bytes = 0;
    for (const auto& [name, content] : names_) bytes += content->now.size();
    return bytes;
}

std::vector<std::string> MemoryFiles::names_in(const Names& names, const std::string& directory) {
    std::vector<std::string> found;
    for (const auto& [name, content] : names)
        if (name.starts_with(directory + "/") &&
            name.find('/', directory.size() + 1) == std::string::npos)
            found.push_back(name.substr(directory.size() + 1));
    return found;
}

std::vector<std::string> MemoryFiles::names(const std::string& directory) const {
    return names_in(names_, directory);
}

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, Open how) {
    if (auto allowed = ask(Operation::open, path); !allowed)
        return std::unexpected(allowed.error());
    const auto found = names_.find(path);
    if (how == Open::create) {
        if (found != names_.end()) return fail(Code::disk_failed, EEXIST);
        unsynced_names_.push_back({{}, path, std::make_shared<Content>()});
        apply(unsynced_names_.back(), names_);
        return std::make_unique<Handle>(*this, path, names_[path]);
    }
    if (found == names_.end()) return fail(Code::disk_failed, ENOENT);
    return std::make_unique<Handle>(*this, path, found->second);
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
    if (auto allowed = ask(Operation::list, directory); !allowed)
        return std::unexpected(allowed.error());
    return names(directory);
}

Result<void> MemoryFiles::rename(const std::string& from, const std::string& to) {
    if (auto allowed = ask(Operation::rename, from); !allowed) return allowed;
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(Code::disk_failed, ENOENT);
    unsynced_names_.push_back({from, to, found->second});
    apply(unsynced_names_.back(), names_);
    return {};
}

Result<void> MemoryFiles::remove(const std::string& path) {
    if (auto allowed = ask(Operation::remove, path); !allowed) return allowed;
    if (!names_.contains(path)) return fail(Code::disk_failed, ENOENT);
    unsynced_names_.push_back({path, {}, nullptr});
    apply(unsynced_names_.back(), names_);
    return {};
}

Result<void> MemoryFiles::sync_directory(const std::string& directory) {
    auto allowed = ask(Operation::sync_directory, directory);
    if (sync_fails || !allowed) return fail(Code::sync_failed, EIO);
    disk_names_ = names_;
    unsynced_names_.clear();
    return {};
}

Result<FileStatus> MemoryFiles::status(const std::string& path) {
    const auto found = names_.find(path);
    if (found != names_.end()) return status_of(found->second);
    const auto directory = directories_.find(path);
    if (directory != directories_.end()) return status_of(directory->second);
    return fail(Code::disk_failed, ENOENT);
}

Result<std::unique_ptr<File>> MemoryFiles::lock(const std::string& directory) {
    if (auto made = make_directories(directory); !made) return std::unexpected(made.error());
    return std::make_unique<Handle>(*this, directory, directories_.at(directory));
}

Result<void> MemoryFiles::make_directories(const std::string& path) {
    directories_.try_emplace(path, std::make_shared<Content>());
    return {};
}

FileStatus MemoryFiles::status_of(const std::shared_ptr<Content>& content) const {
    uint64_t links = 0;
    for (const auto* names : {&names_, &directories_})
        for (const auto& [name, named] : *names) links += named == content ? 1 : 0;
    return {{1, reinterpret_cast<uintptr_t>(content.get())}, links};
}

}  // namespace rollcall
