#include "tests/support/memory_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rollcall {

class MemoryFiles::Handle final : public File {
public:
    Handle(MemoryFiles& disk, std::shared_ptr<Content> content)
        : disk_(disk), content_(std::move(content)) {}

    Result<void> write(uint64_t offset, std::span<const iovec> pieces) override {
        auto& bytes = content_->now;
        content_->last_write = offset;
        for (const iovec& piece : pieces) {
            const uint64_t end = offset + piece.iov_len;
            const uint64_t growth = end > bytes.size() ? end - bytes.size() : 0;
            const uint64_t room = disk_.capacity - std::min(disk_.capacity, disk_.used());
            const uint64_t fits = growth > room ? piece.iov_len - (growth - room) : piece.iov_len;
            bytes.resize(std::max<uint64_t>(bytes.size(), offset + fits));
            std::memcpy(bytes.data() + offset, piece.iov_base, fits);
            if (fits < piece.iov_len) return fail(Code::disk_full, ENOSPC);
            offset = end;
        }
        return {};
    }

    Result<size_t> read(uint64_t offset, std::span<std::byte> into) override {
        const auto& bytes = content_->now;
        if (offset >= bytes.size()) return 0;
        const size_t count = std::min<size_t>(into.size(), bytes.size() - offset);
        std::memcpy(into.data(), bytes.data() + offset, count);
        return count;
    }

    Result<void> sync() override {
        if (disk_.sync_fails) return fail(Code::sync_failed, EIO);
        ++disk_.syncs_;
        content_->synced = content_->now;
        content_->last_write = content_->now.size();
        return {};
    }

    Result<uint64_t> size() override { return content_->now.size(); }

    Result<void> truncate(uint64_t size) override {
        content_->now.resize(size);
        return {};
    }

private:
    MemoryFiles& disk_;
    std::shared_ptr<Content> content_;
};

void MemoryFiles::crash(uint64_t torn_bytes) {
    names_ = synced_names_;
    for (auto& [name, content] : names_) {
        // A file of its own, so that handles from before the crash write into nothing.
        auto after = std::make_shared<Content>(*content);
        const uint64_t kept =
            std::min<uint64_t>(content->last_write + torn_bytes, content->now.size());
        after->now = content->synced;
        if (torn_bytes > 0 && content->last_write < kept) {
            after->now.resize(std::max<uint64_t>(after->now.size(), kept));
            std::copy(content->now.begin() + static_cast<ptrdiff_t>(content->last_write),
                      content->now.begin() + static_cast<ptrdiff_t>(kept),
                      after->now.begin() + static_cast<ptrdiff_t>(content->last_write));
        }
        after->synced = after->now;
        after->last_write = after->now.size();
        content = std::move(after);
    }
    synced_names_ = names_;
}

void MemoryFiles::flip(const std::string& path, uint64_t offset) {
    for (auto* bytes : {&names_.at(path)->now, &names_.at(path)->synced})
        bytes->at(offset) ^= std::byte{0x01};
}

uint64_t MemoryFiles::size(const std::string& path) const { return names_.at(path)->now.size(); }

uint64_t MemoryFiles::used() const {
    uint64_t bytes = 0;
    for (const auto& [name, content] : names_) bytes += content->now.size();
    return bytes;
}

std::vector<std::string> MemoryFiles::names(const std::string& directory) const {
    std::vector<std::string> found;
    for (const auto& [name, content] : names_)
        if (name.starts_with(directory + "/")) found.push_back(name.substr(directory.size() + 1));
    return found;
}

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, Open how) {
    const auto found = names_.find(path);
    if (how == Open::create) {
        if (found != names_.end()) return fail(Code::disk_failed, EEXIST);
        return std::make_unique<Handle>(*this, names_[path] = std::make_shared<Content>());
    }
    if (found == names_.end()) return fail(Code::disk_failed, ENOENT);
    return std::make_unique<Handle>(*this, found->second);
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
    return names(directory);
}

Result<void> MemoryFiles::rename(const std::string& from, const std::string& to) {
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(Code::disk_failed, ENOENT);
    names_[to] = found->second;
    names_.erase(found);
    return {};
}

Result<void> MemoryFiles::remove(const std::string& path) {
    if (names_.erase(path) == 0) return fail(Code::disk_failed, ENOENT);
    return {};
}

Result<void> MemoryFiles::sync_directory(const std::string&) {
    if (sync_fails) return fail(Code::sync_failed, EIO);
    synced_names_ = names_;
    return {};
}

Result<std::unique_ptr<File>> MemoryFiles::lock(const std::string& path) {
    return std::make_unique<Handle>(*this, names_[path] = std::make_shared<Content>());
}

}  // namespace rollcall
