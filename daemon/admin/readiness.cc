#include "daemon/admin/readiness.h"

namespace rollcall {

namespace {

constexpr double memory_short_min = 0.9;  // Fraction of the memory limit.

}  // namespace

Readiness readiness_of(const SpoolLoad& load, const OverloadMeasurement& measured,
                       bool thread_stuck) {
    if (load.full) return Readiness::spool_full;
    if (measured.pressure < 1) return thread_stuck ? Readiness::thread_stuck : Readiness::ready;
    if (measured.drain_s > 0) return Readiness::sink_behind;
    if (measured.memory_share > memory_short_min) return Readiness::memory_short;
    return Readiness::disk_slow;
}

std::string_view reason_of(Readiness readiness) {
    switch (readiness) {
        case Readiness::ready: return {};
        case Readiness::starting: return "starting";
        case Readiness::spool_full: return "the spool is full";
        case Readiness::sink_behind: return "the spool is nearly full: a sink is behind";
        case Readiness::memory_short:
            return "memory use is close to memory_max or to the control group's limit";
        case Readiness::disk_slow: return "answers take seconds: the disk is slow";
        case Readiness::thread_stuck: return "a thread makes no progress";
    }
    return {};
}

}  // namespace rollcall
