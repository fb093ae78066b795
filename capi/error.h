// A hadal_error filled in place: nothing here allocates, because what went wrong may be that memory ran out.
#pragma once

#include <string_view>

#include "base/result.h"
#include "hadal/hadal.h"

namespace hadal::capi {

/// Fills err, which may be null, and returns status. A sentence that does not fit loses its middle, where long paths
/// lie, and keeps its end, where the values are; what is not UTF-8 or not printable comes out as '?'.
hadal_status write_error(hadal_error *err, core::Status status, int32_t detail, std::string_view message) noexcept;

}  // namespace hadal::capi
