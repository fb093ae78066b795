// How a long call tells its caller where it is, and how the caller ends it.
#pragma once

#include <cstdint>

#include "base/cancel.h"
#include "base/result.h"

namespace hadal::core {

/// The caller's progress callback and cancel flag, both optional, both borrowed for one call.
struct Watch {
    int32_t (*report)(void *user, uint64_t done, uint64_t total) = nullptr;
    void *user = nullptr;
    const StopFlag *stop = nullptr;

    /// Fails: cancelled; callback, with its value as detail.
    Result<void> tick(uint64_t done, uint64_t total) const {
        if (stop && stop->stopped()) return error(Status::cancelled, "cancelled at ", done, " of ", total);
        if (!report) return {};
        if (const int32_t value = report(user, done, total); value != 0) {
            return Error{Status::callback, text("the progress callback returned ", value, " at ", done, " of ", total),
                         value};
        }
        return {};
    }
};

}  // namespace hadal::core
