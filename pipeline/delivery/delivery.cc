#include "pipeline/delivery/delivery.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds retry_delay_first{100};
// Maximum time between receiving a row and writing it to the spool, unless the spool is full.
constexpr milliseconds ring_wait_max{1000};
// Maximum time between two polls of the sink.
constexpr milliseconds poll_interval{1000};
// Interval between checks for dead letters that another process has replayed.
constexpr std::chrono::microseconds dead_letters_interval{10'000'000};
// Maximum number of records that one step reads to fill the window.
constexpr int window_records_max = 1024;
// If more records than this are left at a stop, the delivery gets only the time limit of the stop
// divided by stop_part.
constexpr uint64_t stop_records_max = 4096;
constexpr int stop_part = 20;

}  // namespace

Delivery::Delivery(Files& files, const Clock& clock, MetricShard& shard, const Cursor& spool_end,
                   Sink& sink, Options options)
    : files_(files),
      clock_(clock),
      shard_(shard),
      spool_end_(spool_end),
      sink_(sink),
      options_(std::move(options)),
      ids_run_(options_.spool),
      ids_(ids_run_, options_.duplicate_window),
      lost_records_(options_.quarantine
                        ? options_.quarantine
                        : std::make_shared<Quarantine>(files, options_.spool_directory, 0),
                    shard),
      reader_(files, options_.spool_directory, spool_end, &lost_records_),
      dead_letters_(files, clock, shard,
                    {.sink = options_.name,
                     .spool_directory = options_.spool_directory,
                     .spool = options_.spool,
                     .size_max = options_.dead_letters_size_max,
                     .sync = options_.sync,
                     .lineage = options_.lineage}),
      batch_(options_.rows_max, options_.text_max),
      batch_first_(spool_end.read()),
      batch_rows_limit_(options_.rows_max),
      window_(options_.duplicate_window, options_.duplicates_max),
      attempted_end_(batch_first_),
      health_(options_.name, clock) {
    repeated_.reserve(record_rows_max);
}

Delivery::~Delivery() { ensure(!thread_.joinable()); }

void Delivery::start() {
    thread_ = std::thread([this] { run(); });
}

void Delivery::begin_stop(milliseconds timeout) {
    stop_begun_us_ = clock_.steady_us();
    stop_timeout_ = timeout;
    stopping_.advance(1);
    wakeup_.notify();
}

void Delivery::join() { thread_.join(); }

void Delivery::run() {
    name_this_thread(fmt::format("sink {}", to_text(options_.name)));
    for (;;) {
        const bool draining = stopping_.read() != 0;
        heartbeat_.begin_step();
        auto wait = step(draining);
        heartbeat_.end_step();
        if (!wait) return options_.on_halt(wait.error());
        if (draining) {
            const int64_t left_us = stop_time_left_us();
            if (stored_.own() == spool_end_.read() || left_us <= 0) return;
            // If the sink is down, the next attempt may be due only after the time limit of the
            // stop. Wait only until this limit.
            wait = std::min(*wait, milliseconds(left_us / 1000 + 1));
        }
        if (wait->count() > 0) wakeup_.wait(std::min(*wait, poll_interval));
    }
}

// Returns the number of records that the delivery still has to read. These are the records that the
// sink lacks, and the records whose fingerprints the window lacks.
uint64_t Delivery::records_left() const {
    const auto from_to = [](uint64_t from, uint64_t to) { return to > from ? to - from : 0; };
    uint64_t left = from_to(opening_ ? opening_->from : stored_.own(), spool_end_.read());
    if (opening_ && opening_->window)
        left += from_to(opening_->window->position(), opening_->window_end->own());
    return left;
}

int64_t Delivery::stop_time_left_us() const {
    const bool is_far_behind = records_left() > stop_records_max;
    const milliseconds longest = is_far_behind ? stop_timeout_ / stop_part : stop_timeout_;
    return stop_begun_us_ + longest.count() * 1000 - clock_.steady_us();
}

Result<milliseconds> Delivery::step(bool draining) {
    const auto wait = attempt_step(draining);
    if (wait || wait.error().action() == Action::halt) return wait;
    return mark_down(wait.error());
}

Result<milliseconds> Delivery::attempt_step(bool draining) {
    if (!opened_) {
        const auto opened = open();
        if (!opened) return std::unexpected(opened.error());
        if (!*opened) return milliseconds(0);
    }
    if (const auto served = sink_.poll(); !served) return std::unexpected(served.error());
    count_dead_letters();
    if (const auto filled = fill_batch(); !filled) return std::unexpected(filled.error());
    const milliseconds waited = age();
    shard_.set(Metric::spool_backlog_seconds, waited.count() / 1000, label_of(options_.name));
    if (batch_.rows() == 0 && batch_duplicates_ == 0) {
        // The sink has every readable record before the reader's position. The other records before
        // this position were lost and have been counted.
        mark_up();
        advance_stored(reader_.position());
        return reader_.has_more() ? milliseconds(0) : options_.age_max;
    }
    const bool due = batch_full_ || draining || waited >= options_.age_max;
    if (!due && batch_.rows() > 0)
        return reader_.has_more() ? milliseconds(0) : options_.age_max - waited;
    if (const auto written = write(); !written) return std::unexpected(written.error());
    return milliseconds(0);
}

// Opens the sink, in several calls if necessary. Returns false if another call is needed.
Result<bool> Delivery::open() {
    if (!opening_)
        if (auto begun = begin_open(); !begun) return std::unexpected(begun.error());
    const auto filled = fill_window();
    if (!filled || !*filled) return filled;
    if (auto ended = end_open(); !ended) return std::unexpected(ended.error());
    return true;
}

Result<void> Delivery::begin_open() {
    const auto held = find_start();
    if (!held) return std::unexpected(held.error());
    const uint64_t from = held->below;
    if (was_opened_ && from < stored_.own()) note_setback(from);
    if (const auto sought = reader_.seek(from); !sought) return sought;
    // If the position says nothing about this spool's records, the sink may have the records that
    // the spool has dropped. So the dropped records do not count as missing.
    if (held->is_known)
        count_missing();
    else
        (void)reader_.take_dropped();
    if (from < stored_.own()) retreat_stored(from);
    opening_.emplace(from, held->is_ours);
    return {};
}

Result<void> Delivery::end_open() {
    const uint64_t from = opening_->from;
    const bool is_ours = opening_->is_ours;
    opening_.reset();
    begin_batch();
    if (!is_ours && options_.lineage == nullptr) {
        const Batch moved{batch_, from, from, {}, run_before(from)};
        if (const auto written = sink_.write(moved); !written) return written;
    }
    advance_stored(from);
    if (!was_opened_) attempted_end_ = from;
    opened_ = true;
    was_opened_ = true;
    return {};
}

// Opens the sink and finds the first record that the sink lacks.
Result<Delivery::Held> Delivery::find_start() {
    std::vector<IncarnationId> incarnations{options_.spool};
    if (options_.lineage != nullptr) incarnations = options_.lineage->incarnations();
    const auto position = sink_.open(incarnations.front());
    if (!position) return std::unexpected(position.error());
    if (position->next_record == 0) return held_by_earlier(std::span(incarnations).subspan(1));
    const Held held = held_by(*position);
    if (!held.is_ours)
        if (auto left = leave_position(incarnations.front(), *position, held); !left)
            return std::unexpected(left.error());
    return held;
}

Delivery::Held Delivery::held_by(const Position& position) const {
    const bool is_current = options_.lineage == nullptr || position.run == options_.lineage->run();
    const auto end =
        is_current ? std::optional(attempted_end_) : options_.lineage->end_of(position.run);
    if (!end) return {.below = 0, .is_ours = false, .is_known = false};
    if (position.next_record <= *end) return {.below = position.next_record};
    return {.below = is_current && was_opened_ ? stored_.own() : *end, .is_ours = false};
}

// Finds the first record that the sink lacks if the current incarnation of the spool has no
// position yet. Uses the positions of the earlier incarnations, beginning with the newest.
Result<Delivery::Held> Delivery::held_by_earlier(std::span<const IncarnationId> incarnations) {
    Held held{.below = 0};
    for (const IncarnationId& incarnation : incarnations) {
        const auto position = sink_.position_of(incarnation);
        if (!position) return std::unexpected(position.error());
        if (position->next_record == 0) continue;
        held = held_by(*position);
        held.is_ours = true;  // The current incarnation takes over the position of an earlier one.
        if (held.is_known) break;
    }
    return held;
}

// Leaves the position of this incarnation to the other daemon that has advanced it. Gives the spool
// a new incarnation, which has a position of its own.
Result<void> Delivery::leave_position(const IncarnationId& incarnation, const Position& position,
                                      const Held& held) {
    log(LogLevel::warning,
        {.message = fmt::format("sink {}: position belongs to another copy of this spool",
                                to_text(options_.name)),
         .details = {{"position", position.next_record}, {"continuing_at_record", held.below}},
         .note = "state_dir was restored from a backup, or another daemon uses a copy of it. No "
                 "row is lost. If you did not want two daemons, stop one"});
    if (options_.lineage == nullptr) return {};
    if (auto renewed = options_.lineage->renew(incarnation); !renewed) {
        if (renewed.error().action() == Action::halt) return renewed;
        return fail(Code::sink_down,
                    "cannot write the new id of the spool: " + describe(renewed.error()));
    }
    const auto opened = sink_.open(options_.lineage->incarnations().front());
    if (!opened) return std::unexpected(opened.error());
    return {};
}

void Delivery::note_setback(uint64_t from) {
    log(LogLevel::warning,
        {.message = fmt::format("sink {}: position went back", to_text(options_.name)),
         .details = {{"from_record", stored_.own()}, {"to_record", from}},
         .note = "the sink was probably restored from a backup. The daemon sends the records from "
                 "to_record on again, as far as the spool still contains them"});
    shard_.add(Metric::sink_setbacks_total, 1, label_of(options_.name));
    dead_letters_.forget();
}

// Counts the records that the sink lacks and the spool has dropped.
void Delivery::count_missing() {
    const auto dropped = reader_.take_dropped();
    if (!dropped || dropped->end <= missing_below_) return;
    const uint64_t first = std::max(dropped->first, missing_below_);
    missing_below_ = dropped->end;
    log(LogLevel::error,
        {.message = fmt::format("sink {}: records missing", to_text(options_.name)),
         .details = {{"records", fmt::format("{}-{}", first, dropped->end - 1)}},
         .note = "the sink has not stored them and the spool has deleted them. Restore a newer "
                 "backup of the sink"});
    shard_.add(Metric::sink_missing_records_total, static_cast<int64_t>(dropped->end - first),
               label_of(options_.name));
}

RunId Delivery::run_before(uint64_t record) const {
    if (options_.lineage == nullptr || record == 0) return options_.spool;
    return options_.lineage->run_of(record - 1);
}

// Finds the records whose fingerprints fill the window. Returns false if another call is needed.
Result<bool> Delivery::begin_window() {
    window_.clear();
    const auto next = reader_.peek_bounded();
    if (!next) return std::unexpected(next.error());
    if (reader_.has_more()) return false;
    const int64_t until_us = *next ? (*next)->written_us : clock_.wall_us();
    const std::chrono::microseconds back = options_.duplicate_window + ring_wait_max;
    opening_->window_end.emplace(reader_.position());
    opening_->window.emplace(files_, options_.spool_directory, *opening_->window_end, nullptr);
    if (const auto sought = opening_->window->seek_written(until_us - back.count()); !sought)
        return std::unexpected(sought.error());
    return true;
}

// Fills the window with the fingerprints of the records before the reader's position. Returns false
// if another call is needed.
Result<bool> Delivery::fill_window() {
    if (options_.duplicate_window.count() == 0) return true;
    if (!opening_->window) {
        const auto begun = begin_window();
        if (!begun || !*begun) return begun;
    }
    SpoolReader& before = *opening_->window;
    for (int records = 0; records < window_records_max; ++records) {
        const auto record = before.peek_bounded();
        if (!record) return std::unexpected(record.error());
        if (!*record) return !before.has_more();
        batch_.clear();
        if (const auto read = append(**record); !read && read.error().code != Code::spool_damaged)
            return std::unexpected(read.error());
        for (size_t row = 0; row < batch_.rows(); ++row)
            (void)seen_before(fingerprint(row), batch_.integer(row, Column::received_at));
        before.advance();
    }
    return false;
}

void Delivery::begin_batch() {
    batch_.clear();
    places_.clear();
    batch_duplicates_ = 0;
    batch_first_ = reader_.position();
    batch_full_ = false;
}

Result<void> Delivery::fill_batch() {
    while (!batch_full_) {
        const auto record = reader_.peek_bounded();
        if (!record) return std::unexpected(record.error());
        count_missing();
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
        drop_duplicates(**record, before);
        reader_.advance();
        // Duplicates count as rows. If they did not, a step that finds only duplicates would read
        // the whole spool.
        batch_full_ = !batch_.room() || batch_.rows() + batch_duplicates_ >= batch_rows_limit_;
    }
    return {};
}

// Appends the rows of a record to the batch. Returns false if the batch has no room for them.
Result<bool> Delivery::append(const Record& record) {
    const size_t first_row = batch_.rows();
    auto fits = batch_.append_record(record.payload, record.columns_at);
    if (!fits) return fits;
    if (!*fits) {
        if (first_row > 0) return false;
        // The record was written when the settings allowed larger records than now.
        auto alone = columns_of(record);
        if (!alone) return std::unexpected(alone.error());
        batch_ = std::move(*alone);
    }
    translate_signs(record.columns_at, first_row);
    return true;
}

// Translates the rows of a record that an older version of the daemon has written. There, a
// negative fingerprint marks a first sending (row_id.h). Sets the column `first_sending` of such
// rows, and makes their fingerprints positive.
void Delivery::translate_signs(std::span<const uint8_t> columns_at, size_t first_row) {
    if (std::ranges::find(columns_at, index(Column::first_sending)) != columns_at.end()) return;
    for (size_t row = first_row; row < batch_.rows(); ++row) {
        if (!batch_.has(row, Column::id)) continue;
        const int64_t id = batch_.integer(row, Column::id);
        if (id >= 0) continue;
        batch_.assign_integer(row, Column::id, -id);
        batch_.assign_integer(row, Column::first_sending, 1);
    }
}

// Returns the fingerprint of a row of the batch. Returns nothing if the row has no fingerprint or
// deduplication is off.
std::optional<uint64_t> Delivery::fingerprint(size_t row) const {
    if (options_.duplicate_window.count() == 0 || !batch_.has(row, Column::id)) return {};
    return static_cast<uint64_t>(batch_.integer(row, Column::id));
}

// Returns true if the window has this fingerprint. If it has not, adds the fingerprint to the
// window.
bool Delivery::seen_before(std::optional<uint64_t> fingerprint, int64_t received_us) {
    return fingerprint && window_.seen_before(*fingerprint, received_us);
}

// Removes the duplicates among the rows from first_row on, which come from `record`. Replaces the
// fingerprints of the other rows by their ids.
void Delivery::drop_duplicates(const Record& record, size_t first_row) {
    if (record.run != ids_run_) {
        ids_run_ = record.run;
        ids_ = RowIds(ids_run_, options_.duplicate_window);
    }
    repeated_.clear();
    for (size_t row = first_row; row < batch_.rows(); ++row) {
        if (row + DeduplicationWindow::look_ahead < batch_.rows())
            window_.prefetch(fingerprint(row + DeduplicationWindow::look_ahead).value_or(0));
        const int64_t received_us = batch_.integer(row, Column::received_at);
        const auto named = fingerprint(row);
        const bool may_be_copy = named && !batch_.has(row, Column::first_sending);
        if (seen_before(named, received_us) && may_be_copy) {
            repeated_.push_back(static_cast<uint32_t>(row));
            continue;
        }
        const auto place = static_cast<uint32_t>(row - first_row);
        places_.push_back({record.number, place});
        batch_.assign_integer(row, Column::id,
                              may_be_copy && sink_.shared()
                                  ? ids_.by_fingerprint(*named, received_us)
                                  : ids_.by_place(record.number, place, received_us));
    }
    batch_.remove_rows(repeated_);
    batch_duplicates_ += repeated_.size();
}

Result<void> Delivery::write() {
    size_t refused = 0;
    const auto keep = [&](std::span<const Refusal> refusals) {
        refused = refusals.size();
        return dead_letters_.keep(batch_, places_, refusals);
    };
    lost_records_.flush();
    const uint64_t end = reader_.position();
    attempted_end_ = std::max(attempted_end_, end);
    const auto written = sink_.write({batch_, batch_first_, end, keep, run_before(end)});
    if (!written) {
        batch_rows_limit_ = std::max<size_t>(batch_.rows() / 2, 1);
        return written;
    }
    batch_rows_limit_ = std::min(batch_rows_limit_ * 2, options_.rows_max);
    count_batch(refused);
    advance_stored(reader_.position());
    mark_up();
    begin_batch();
    return {};
}

// Moves stored_ back, so that the committer does not drop records that will be sent again.
void Delivery::retreat_stored(uint64_t end) {
    stored_.retreat(end);
    settled_.retreat(std::min(settled_.own(), end));
}

void Delivery::advance_stored(uint64_t end) {
    stored_.advance(end);
    settled_.advance(std::max(settled_.own(), sink_.settled(end)));
}

void Delivery::count_batch(size_t refused) {
    const size_t sink = label_of(options_.name);
    const size_t duplicates = sink_.duplicates();
    shard_.add(Metric::sink_rows_total, static_cast<int64_t>(batch_.rows() - refused - duplicates),
               sink);
    shard_.add(Metric::sink_duplicate_rows_total, static_cast<int64_t>(duplicates), sink);
    shard_.add(Metric::sink_batches_total, 1, sink);
    if (options_.counts_duplicates)
        shard_.add(Metric::checkins_duplicate_total, static_cast<int64_t>(batch_duplicates_));
}

void Delivery::count_dead_letters() {
    const int64_t now_us = clock_.steady_us();
    if (now_us < dead_letters_due_us_) return;
    dead_letters_due_us_ = now_us + dead_letters_interval.count();
    health_.set_dead_letters(dead_letters_.count());
}

// Notes that the sink is down. Returns the delay before the next attempt to open it.
milliseconds Delivery::mark_down(const Error& error) {
    health_.set_down(error);
    measure_backlog();
    opened_ = false;
    opening_.reset();
    retry_delay_ =
        std::min(std::max(retry_delay_ * 2, retry_delay_first), options_.retry_delay_max);
    return retry_delay_;
}

// While the sink is down, sets the metric for the age of the oldest record that the sink lacks. The
// batch with that record was discarded, so the age is counted from lacks_since_us_.
void Delivery::measure_backlog() {
    const int64_t now_us = clock_.steady_us();
    if (lacks_since_us_ == 0) lacks_since_us_ = now_us - (opened_ ? age().count() * 1000 : 0);
    if (stored_.own() == spool_end_.read()) lacks_since_us_ = now_us;
    shard_.set(Metric::spool_backlog_seconds, (now_us - lacks_since_us_) / 1'000'000,
               label_of(options_.name));
}

void Delivery::mark_up() {
    retry_delay_ = milliseconds(0);
    lacks_since_us_ = 0;
    health_.set_up();
}

// Returns how long the oldest row of the batch has waited. This is the longer of two times: the
// time since the row was received (by the wall clock), and the time since it was read (by the
// steady clock). The first time includes the time in the spool. The second time is right even if
// the wall clock was set back.
milliseconds Delivery::age() const {
    if (batch_.rows() == 0) return milliseconds(0);
    const int64_t us = std::max(clock_.wall_us() - batch_.integer(0, Column::received_at),
                                clock_.steady_us() - batch_begun_us_);
    return milliseconds(std::max<int64_t>(us / 1000, 0));
}

}  // namespace rollcall
