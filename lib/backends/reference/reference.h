// The reference backend: every op of ops.h as its definition reads, in double. What other backends are measured
// against.
#pragma once

#include <cstddef>

#include "hadal/backend_sdk.hpp"

extern "C" hadal_backend_entry_fn hadal_reference_entry;

namespace hadal::reference {

/// Its kernels, for tests that call one alone.
extern const sdk::Backend kBackend;

}  // namespace hadal::reference
