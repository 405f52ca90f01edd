#include "daemon/mqtt/receive_window.h"

#include <algorithm>

namespace rollcall {

size_t MqttReceiveWindow::size(uint64_t sendable_end) {
    ack_ends_.erase(ack_ends_.begin(), std::ranges::upper_bound(ack_ends_, sendable_end));
    return ack_ends_.size() + unreleased_;
}

}  // namespace rollcall
