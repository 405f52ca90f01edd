#include "pipeline/delivery/delivery.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds retry_delay_first{100};
// Rows are written to the spool later than they are received, but sooner than this unless the spool
// is full.
constexpr milliseconds ring_wait_most{1000};
// How often it is looked whether another process has sent dead letters again.
constexpr std::chrono::microseconds dead_letters_interval{10'000'000};

// Of a fingerprint, whose sign says something else (row_id.h).
uint64_t magnitude(int64_t fingerprint) { return static_cast<uint64_t>(std::abs(fingerprint)); }

}  // namespace

Delivery::Delivery(Files& files, std::string spool_directory, const Cursor& spool_end, Sink& sink,
                   const Clock& clock, MetricShard& shard, Options options,
                   std::function<void(const Error&)> on_halt)
    : files_(files),
      spool_directory_(std::move(spool_directory)),
      spool_end_(spool_end),
      sink_(sink),
      clock_(clock),
      shard_(shard),
      options_(options),
      on_halt_(std::move(on_halt)),
      ids_(options.spool, options.duplicate_window),
      lost_records_(files, spool_directory_, options.quarantine_size_max, shard),
      reader_(files, spool_directory_, spool_end, &lost_records_),
      dead_letters_(files, spool_directory_, clock, shard,
                    {options.name, options.spool, options.dead_letters_size_max, options.sync}),
      batch_(options.rows_max, options.text_max),
      batch_first_(spool_end.read()),
      reached_(batch_first_),
      seen_(options.duplicate_window, options.duplicates_max),
      batch_rows_most_(options.rows_max) {
    repeated_.reserve(record_rows_max);
}

Delivery::~Delivery() { ensure(!thread_.joinable()); }

void Delivery::start() {
    thread_ = std::thread([this] { run(); });
}

void Delivery::stop(milliseconds longest) {
    stop_before_us_ = clock_.steady_us() + longest.count() * 1000;
    stopping_.advance(1);
    wakeup_.notify();
    thread_.join();
}

void Delivery::run() {
    for (;;) {
        const bool draining = stopping_.read() != 0;
        auto wait = step(draining);
        if (!wait) return on_halt_(wait.error());
        if (draining) {
            const int64_t left_us = stop_before_us_ - clock_.steady_us();
            if (caught_up() || left_us <= 0) return;
            // A sink that is down may be tried again only after that.
            wait = std::min(*wait, milliseconds(left_us / 1000 + 1));
        }
        if (wait->count() > 0) wakeup_.wait(*wait);
    }
}

Result<milliseconds> Delivery::step(bool draining) {
    if (!opened_) {
        if (const auto opened = open(); !opened) {
            if (opened.error().action() == Action::halt) return std::unexpected(opened.error());
            return fell_back(opened.error());
        }
    }
    sink_.poll();
    count_dead_letters();
    if (const auto filled = fill(); !filled) {
        if (filled.error().action() == Action::halt) return std::unexpected(filled.error());
        return fell_back(filled.error());
    }
    const milliseconds waited = age();
    shard_.set(Metric::spool_backlog_seconds, waited.count() / 1000, label_of(options_.name));
    if (batch_.rows() == 0 && batch_duplicates_ == 0) {
        came_back();                          // It opened, and nothing waits.
        stored_.advance(reader_.position());  // Only records that are lost lie between.
        return options_.age_max;
    }
    const bool due = batch_full_ || draining || waited >= options_.age_max;
    if (!due && batch_.rows() > 0) return options_.age_max - waited;
    if (const auto written = write(); !written) {
        if (written.error().action() == Action::halt) return std::unexpected(written.error());
        return fell_back(written.error());
    }
    return milliseconds(0);
}

Result<void> Delivery::open() {
    const auto position = sink_.open(options_.spool);
    if (!position) return std::unexpected(position.error());
    const bool moved_by_others = *position > reached_;
    const uint64_t from = moved_by_others ? batch_first_ : *position;
    if (moved_by_others)
        log(LogLevel::warning,
            "sink {}: has stored up to record {} of this spool, but not from here; goes on from "
            "record "
            "{}. Does another daemon use a copy of state_dir?",
            to_text(options_.name), *position, from);
    if (const auto sought = reader_.seek(from); !sought) return sought;
    if (reader_.position() > from)
        log(LogLevel::warning, "sink {}: records {} to {} are not in the spool any more",
            to_text(options_.name), from, reader_.position() - 1);
    if (const auto looked = look_back(); !looked) return looked;
    begin_batch();
    if (moved_by_others)
        if (const auto moved = sink_.write({batch_, from, from}); !moved) return moved;
    stored_.advance(std::max(stored_.own(), from));
    reached_ = from;
    opened_ = true;
    return {};
}

// Reads the fingerprints of the window that ends where the reader is.
Result<void> Delivery::look_back() {
    seen_.clear();
    if (options_.duplicate_window.count() == 0) return {};
    const auto next = reader_.peek();
    if (!next) return std::unexpected(next.error());
    const int64_t until_us = *next ? (*next)->written_us : clock_.wall_us();
    const std::chrono::microseconds back = options_.duplicate_window + ring_wait_most;
    const Cursor end(reader_.position());
    SpoolReader before(files_, spool_directory_, end, nullptr);
    if (const auto sought = before.seek_written(until_us - back.count()); !sought) return sought;
    for (;;) {
        const auto record = before.peek();
        if (!record) return std::unexpected(record.error());
        if (!*record) return {};
        batch_.clear();
        if (const auto read = append(**record); !read && read.error().code != Code::spool_damaged)
            return std::unexpected(read.error());
        for (size_t row = 0; row < batch_.rows(); ++row)
            (void)came_before(fingerprint(row), batch_.integer(row, Column::received_at));
        before.advance();
    }
}

void Delivery::begin_batch() {
    batch_.clear();
    places_.clear();
    batch_duplicates_ = 0;
    batch_first_ = reader_.position();
    batch_full_ = false;
}

Result<void> Delivery::fill() {
    while (!batch_full_) {
        const auto record = reader_.peek();
        if (!record) return std::unexpected(record.error());
        if (!*record) return {};
        const size_t before = batch_.rows();
        if (before == 0) batch_begun_us_ = clock_.steady_us();
        const auto fits = append(**record);
        if (!fits && fits.error().code == Code::spool_damaged) {
            reader_.give_up();
            continue;
        }
        if (!fits) return std::unexpected(fits.error());
        if (!*fits) {
            batch_full_ = true;
            return {};
        }
        drop_duplicates((*record)->number, before);
        reader_.advance();
        // What is left out counts too, or a step might read the whole spool.
        batch_full_ = !batch_.room() || batch_.rows() + batch_duplicates_ >= batch_rows_most_;
    }
    return {};
}

// False if the batch has no room for it.
Result<bool> Delivery::append(const Record& record) {
    auto fits = batch_.append_record(record.payload, record.columns_at);
    if (!fits || *fits || batch_.rows() > 0) return fits;
    // Written by a run with larger slots than today's settings.
    auto alone = columns_of(record);
    if (!alone) return std::unexpected(alone.error());
    batch_ = std::move(*alone);
    return true;
}

// 0 if the row cannot be told from another report, or need not be.
int64_t Delivery::fingerprint(size_t row) const {
    if (options_.duplicate_window.count() == 0 || !batch_.has(row, Column::id)) return 0;
    return batch_.integer(row, Column::id);
}

// Whether a row with this fingerprint came lately. If not, it is remembered.
bool Delivery::came_before(int64_t fingerprint, int64_t received_us) {
    return fingerprint != 0 && seen_.seen_before(magnitude(fingerprint), received_us);
}

// Among the rows of a record, which are those from first_row on; the others get their ids.
void Delivery::drop_duplicates(uint64_t record, size_t first_row) {
    repeated_.clear();
    for (size_t row = first_row; row < batch_.rows(); ++row) {
        if (row + DeduplicationWindow::look_ahead < batch_.rows())
            seen_.prefetch(magnitude(fingerprint(row + DeduplicationWindow::look_ahead)));
        const int64_t received_us = batch_.integer(row, Column::received_at);
        const int64_t named = fingerprint(row);
        if (came_before(named, received_us) && named > 0) {
            repeated_.push_back(static_cast<uint32_t>(row));
            continue;
        }
        const auto place = static_cast<uint32_t>(row - first_row);
        places_.push_back({record, place});
        batch_.assign_integer(row, Column::id,
                              named > 0 && sink_.shared()
                                  ? ids_.by_fingerprint(static_cast<uint64_t>(named), received_us)
                                  : ids_.by_place(record, place, received_us));
    }
    batch_.remove_rows(repeated_);
    batch_duplicates_ += repeated_.size();
}

Result<void> Delivery::write() {
    size_t refused = 0;
    const auto keep = [&](std::span<const Refusal> refusals) {
        refused = refusals.size();
        auto kept = dead_letters_.keep(batch_, places_, refusals);
        if (!kept) refused_trouble_ = dead_letters_.trouble();
        return kept;
    };
    reached_ = reader_.position();
    const auto written = sink_.write({batch_, batch_first_, reached_, keep});
    if (!written) {
        batch_rows_most_ = std::max<size_t>(batch_.rows() / 2, 1);
        return written;
    }
    batch_rows_most_ = std::min(batch_rows_most_ * 2, options_.rows_max);
    const size_t duplicates = sink_.duplicates();
    shard_.add(Metric::sink_rows_total, static_cast<int64_t>(batch_.rows() - refused - duplicates),
               label_of(options_.name));
    shard_.add(Metric::sink_duplicate_rows_total, static_cast<int64_t>(duplicates),
               label_of(options_.name));
    shard_.add(Metric::sink_batches_total, 1, label_of(options_.name));
    if (options_.counts_duplicates)
        shard_.add(Metric::checkins_duplicate_total, static_cast<int64_t>(batch_duplicates_));
    stored_.advance(reader_.position());
    came_back();
    begin_batch();
    return {};
}

void Delivery::count_dead_letters() {
    const int64_t now_us = clock_.steady_us();
    if (now_us < dead_letters_due_us_) return;
    dead_letters_due_us_ = now_us + dead_letters_interval.count();
    dead_letters_.count();
}

// Says what it had not said before: a sink that is down fails again and again.
milliseconds Delivery::fell_back(const Error& error) {
    std::string why = std::exchange(refused_trouble_, {});
    if (why.empty()) why = sink_.trouble();
    if (why.empty()) why = to_text(error.code);
    if (why != health_message_.text())
        log(LogLevel::warning, "sink {}: {}; check-ins stay in the spool", to_text(options_.name),
            why);
    health_message_.set(std::move(why));
    opened_ = false;
    shard_.set(Metric::sink_up, 0, label_of(options_.name));
    shard_.add(Metric::sink_errors_total, 1, label_of(options_.name));
    retry_delay_ =
        std::min(std::max(retry_delay_ * 2, retry_delay_first), options_.retry_delay_max);
    return retry_delay_;
}

void Delivery::came_back() {
    retry_delay_ = milliseconds(0);
    shard_.set(Metric::sink_up, 1, label_of(options_.name));
    if (health_message_.text().empty()) return;
    log(LogLevel::notice, "sink {}: back", to_text(options_.name));
    health_message_.clear();
}

// By both clocks: a report may have waited long before it was read, and after the wall clock was
// set back its own time says nothing.
milliseconds Delivery::age() const {
    if (batch_.rows() == 0) return milliseconds(0);
    const int64_t us = std::max(clock_.wall_us() - batch_.integer(0, Column::received_at),
                                clock_.steady_us() - batch_begun_us_);
    return milliseconds(std::max<int64_t>(us / 1000, 0));
}

}  // namespace rollcall
