#include "daemon/file_watch.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr int64_t interval_us = 1'000'000;

}  // namespace

FileWatch::FileWatch(const Clock& clock, const std::vector<std::string>& paths) : clock_(clock) {
    for (const auto& path : paths)
        if (!path.empty()) files_.push_back({path, version_of(path)});
}

void FileWatch::remember() {
    for (Watched& file : files_) {
        file.read = version_of(file.path);
        set_changed(file, false);
    }
}

void FileWatch::set_changed(Watched& file, bool changed) {
    const std::lock_guard lock(mutex_);
    file.changed = changed;
}

void FileWatch::measure() {
    const int64_t now_us = clock_.steady_us();
    if (now_us - measured_us_ < interval_us) return;
    measured_us_ = now_us;
    for (Watched& file : files_) {
        if (file.changed || version_of(file.path) == file.read) continue;
        set_changed(file, true);
        log(LogLevel::warning, "{}", message(file));
    }
}

std::vector<std::string> FileWatch::health_messages() const {
    std::vector<std::string> messages;
    const std::lock_guard lock(mutex_);
    for (const Watched& file : files_)
        if (file.changed) messages.push_back(message(file));
    return messages;
}

std::optional<FileWatch::Version> FileWatch::version_of(const std::string& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return std::nullopt;
    return Version{status.st_dev, status.st_ino,
                   status.st_ctim.tv_sec * int64_t{1'000'000'000} + status.st_ctim.tv_nsec};
}

std::string FileWatch::message(const Watched& file) {
    return fmt::format(
        "{} was changed, replaced or removed after the daemon read it; the earlier contents stay "
        "in effect until a reload (systemctl reload rollcalld, or SIGHUP)",
        file.path);
}

std::vector<std::string> watched_paths(const Settings& settings) {
    std::vector<std::string> paths(settings.tls.certificate.begin(),
                                   settings.tls.certificate.end());
    paths.insert(paths.end(), settings.tls.key.begin(), settings.tls.key.end());
    paths.push_back(settings.tls.client_ca);
    paths.push_back(settings.auth.tokens_file);
    paths.push_back(settings.auth.signing_keys_file);
    paths.push_back(settings.auth.revoked_file);
    paths.push_back(settings.admin.token_file);
    return paths;
}

}  // namespace rollcall
