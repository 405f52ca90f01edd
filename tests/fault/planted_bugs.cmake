# Shows that the simulation finds bugs: builds the simulation with one deliberate bug at a time, and
# requires that the simulation reports the violation. The bug is in a copy of a source file. The
# program links the copy instead of the original, so the original needs no #ifdef.
#
#   planted_bug(NAME SOURCE "text of the original" "text of the copy" "reported violation")

function(planted_bug name source from to found)
    set(copy ${CMAKE_CURRENT_BINARY_DIR}/planted_bugs/${name}.cc)
    file(READ ${CMAKE_SOURCE_DIR}/${source} text)
    string(FIND "${text}" "${from}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${name}: ${source} does not hold\n${from}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
    file(GENERATE OUTPUT ${copy} CONTENT "${text}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${source})
    # In a unity build, the original would be in one object file with other sources, so the copy
    # could not replace it.
    set_source_files_properties(${CMAKE_SOURCE_DIR}/${source} TARGET_DIRECTORY pipeline test_disk
        PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    add_executable(${name} $<TARGET_OBJECTS:simulation> ${copy})
    target_link_libraries(${name} PRIVATE test_disk test_main)
    add_test(NAME fault.planted_bug.${name} COMMAND ${name} --color_output=no)
    set_tests_properties(fault.planted_bug.${name} PROPERTIES LABELS fault TIMEOUT 400 COST 100
        ENVIRONMENT ROLLCALL_SIMULATION_SECONDS=240 PASS_REGULAR_EXPRESSION "${found}")
endfunction()

planted_bug(acknowledges_before_the_sync pipeline/ingest/committer.cc
"    if (slots > 0) {
"
"    if (slots > 0) {
        for (auto& source : sources_) {
            if (source.ring->durable() == source.appended) continue;
            source.ring->advance_durable(source.appended);
            source.on_durable();
        }
"
"was acknowledged before it was durable")

planted_bug(tries_a_failed_sync_again pipeline/spool/writer.cc
"        if (auto synced = file_->sync(); !synced) return synced;
        shard_.set"
"        if (auto synced = file_->sync(); !synced && !file_->sync()) return synced;
        shard_.set"
"was acknowledged before it was durable")

planted_bug(trusts_what_a_failed_sync_left pipeline/spool/writer.cc
"    if (auto written = write_again(*file_, tail->unsynced, tail->bytes); !written) return written;
"
""
"(is not in every sink|reports are missing|are said to be lost|is in a sink twice)")

planted_bug(drops_a_segment_before_the_sink_has_it pipeline/ingest/committer.cc
"return spool_.drop(stored_by_all, settled_by_all);"
"return spool_.drop(spool_.end().own(), spool_.end().own());"
"(is not in every sink|reports are missing)")

planted_bug(drops_a_segment_whose_last_record_no_sink_has pipeline/spool/writer.cc
"next.first_record > stored || kept(next, settled,"
"next.first_record > stored + 1 || kept(next, settled + 1,"
"(is not in every sink|reports are missing)")

planted_bug(moves_the_position_before_the_rows tests/support/transaction_sink.cc
"    std::vector<size_t> stored;
"
"    std::vector<size_t> stored;
    sink_.content_.positions[incarnation_] = position_ = batch.position();
"
"(is not in every sink|reports are missing)")

planted_bug(moves_on_before_a_dead_letter_is_synced pipeline/delivery/dead_letters.cc
"    if (auto synced = letters.sync(); !synced) return failed(synced.error());
"
""
"(is not in every sink|reports are missing)")

planted_bug(writes_on_in_the_run_of_an_earlier_start pipeline/spool/lineage.cc
"    runs_.push_back({new_spool_id(), next_record});
"
"    if (runs_.empty()) runs_.push_back({new_spool_id(), 0});
"
"(is not in every sink|reports are missing|no progress|is in a sink twice)")

planted_bug(trusts_a_position_of_records_that_are_not_its_own pipeline/delivery/delivery.cc
"    if (position.next_record <= *end) return {.below = position.next_record};
"
"    return {.below = position.next_record};
"
"(is not in every sink|reports are missing|records are said to be lost|no progress)")

planted_bug(sends_nothing_again_when_the_sink_goes_back pipeline/delivery/delivery.cc
"    const uint64_t from = held->below;
"
"    const uint64_t from = std::max(held->below, stored_.own());
"
"(is not in every sink|reports are missing)")

planted_bug(drops_a_segment_that_only_the_journal_of_a_sink_holds pipeline/ingest/committer.cc
"return spool_.drop(stored_by_all, settled_by_all);"
"return spool_.drop(stored_by_all, stored_by_all);"
"(is not in every sink|reports are missing)")
