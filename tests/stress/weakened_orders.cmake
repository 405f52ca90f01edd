# Shows that each memory order of cursor.h is needed. Builds the ring's stress test with one order
# weakened at a time, and requires that ThreadSanitizer reports a race. With the orders as written,
# ThreadSanitizer must report no race.
#
#   cmake -DCOMPILER=g++ -DSOURCE=<checkout> -DWORK=<folder> -P weakened_orders.cmake

function(run_with orders expected)
    set(program ${WORK}/ring_stress)
    execute_process(
        COMMAND ${COMPILER} -std=c++23 -O1 -g1 -fsanitize=thread -I${SOURCE}
                -DBOOST_TEST_DYN_LINK ${orders}
                ${SOURCE}/tests/support/test_main.cc ${SOURCE}/tests/stress/ring_stress_test.cc
                -o ${program} -lboost_unit_test_framework -lpthread
        COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${program} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
    string(FIND "${out}" "ThreadSanitizer: data race" found)
    if(expected STREQUAL "clean" AND (NOT status EQUAL 0 OR NOT found EQUAL -1))
        message(FATAL_ERROR "as written, the ring is not clean:\n${out}")
    endif()
    if(expected STREQUAL "race" AND found EQUAL -1)
        message(FATAL_ERROR "no race is reported with ${orders}")
    endif()
    message(STATUS "${expected}: ${orders}")
endfunction()

file(MAKE_DIRECTORY ${WORK})
run_with("" clean)
run_with("-DROLLCALL_ORDER_ADVANCE=std::memory_order_relaxed" race)
run_with("-DROLLCALL_ORDER_READ=std::memory_order_relaxed" race)
