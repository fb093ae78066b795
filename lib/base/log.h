// The log of one runtime: a callback of the application, or a short queue it polls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "base/result.h"

namespace hadal::core {

enum class LogLevel : int32_t { error = 1, warning = 2, info = 3, debug = 4 };

struct LogSink {
    void (*write)(void *user, int32_t level, const char *message, size_t length) = nullptr;  ///< null: queue
    void *user = nullptr;
};

/// Thread-safe; the callback is called from whichever thread writes. A full queue drops its oldest message.
class Log {
public:
    Log(LogSink sink, LogLevel least_important);

    template <class... Parts>
    void write(LogLevel level, const Parts &...parts) {
        if (level <= least_important_) put(level, text(parts...));
    }

    struct Message {
        LogLevel level;
        std::string text;
    };

    /// Takes the oldest queued message if it is no longer than cap bytes. not_found: none is waiting;
    /// buffer_too_small: *length_needed is set and the message stays.
    Result<Message> poll(size_t cap, size_t *length_needed);

private:
    void put(LogLevel level, std::string message);

    const LogSink sink_;
    const LogLevel least_important_;
    std::mutex mutex_;
    std::deque<Message> queue_;  ///< newest 256
};

}  // namespace hadal::core
