// Cancel objects.
#include "guard.h"
#include "handles.h"

using namespace hadal;

hadal_status hadal_cancel_create(hadal_cancel **out, hadal_error *err) {
    return capi::guard_create(out, err, []() -> core::Result<hadal_cancel> {
        return hadal_cancel{std::make_shared<const core::StopFlag>()};
    });
}

void hadal_cancel_trigger(const hadal_cancel *cancel) {
    if (cancel != nullptr) cancel->flag->trigger();
}

void hadal_cancel_release(hadal_cancel *cancel) {
    delete cancel;
}
