#include "base/log.h"

namespace hadal::core {

namespace {
constexpr size_t kMaxQueued = 256;  // an application that never polls must not grow
}

Log::Log(LogSink sink, LogLevel least_important) : sink_(sink), least_important_(least_important) {}

void Log::put(LogLevel level, std::string message) {
    if (sink_.write != nullptr) {
        sink_.write(sink_.user, static_cast<int32_t>(level), message.c_str(), message.size());
        return;
    }
    const std::lock_guard lock(mutex_);
    if (queue_.size() == kMaxQueued) queue_.pop_front();
    queue_.push_back({level, std::move(message)});
}

Result<Log::Message> Log::poll(size_t cap, size_t *length_needed) {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return error(Status::not_found, "no log message is waiting");
    const size_t length = queue_.front().text.size();
    if (length > cap) {
        *length_needed = length;
        return error(Status::buffer_too_small, "the log message has ", length, " bytes, the buffer holds ", cap);
    }
    Message oldest = std::move(queue_.front());
    queue_.pop_front();
    return oldest;
}

}  // namespace hadal::core
