// The progress callback and the cancel object of one call, as the engine takes them.
#pragma once

#include <memory>

#include "base/watch.h"
#include "handles.h"
#include "structs.h"

namespace hadal::capi {

/// Keeps the flag alive, also when the caller releases the cancel object while the call runs.
struct CallWatch {
    std::shared_ptr<const core::StopFlag> stop;
    core::Watch watch;  ///< watch.stop is stop
};

/// Both may be null.
inline core::Result<CallWatch> read_watch(const hadal_progress *progress, const hadal_cancel *cancel) {
    HADAL_TRY(const hadal_progress options, read_struct(progress));
    HADAL_CHECK(require_zero(options.reserved, "hadal_progress.reserved"));
    CallWatch call;
    if (cancel != nullptr) call.stop = cancel->flag;
    call.watch = {options.report, options.user, call.stop.get()};
    return call;
}

}  // namespace hadal::capi
