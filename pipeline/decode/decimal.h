// read_decimal: std::from_chars for doubles, at once for what reports are made of.
//
// The digits of "24.1" fit in 53 bits and its power of ten in a double, so one division gives the
// nearest one: Clinger, "How to Read Floating Point Numbers Accurately" (1990), section 4. All else
// is left to the library.
//
// Threads: pure.
#pragma once

#include <charconv>

namespace rollcall {

// As std::from_chars(first, last, number), of a text that begins with a digit or `-` and a digit.
std::from_chars_result read_decimal(const char* first, const char* last, double& number);

}  // namespace rollcall
