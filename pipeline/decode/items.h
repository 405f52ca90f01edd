// Items: who takes the reports of a body, one after the other. Decode finds them, the intake stores
// them.
#pragma once

#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"

namespace rollcall {

class Items {
public:
    virtual ~Items() = default;

    // Where the next report goes, or nullptr if there is no room: then decode stops with ring_full.
    [[nodiscard]] virtual Fields* next() = 0;
    // That report is read; `text` is all of it.
    virtual void taken(std::string_view text) = 0;
    // The next report is none, or what next() gave is to be forgotten.
    virtual void refused(Code code) = 0;
};

}  // namespace rollcall
