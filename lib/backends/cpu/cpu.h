// The CPU backend: our own kernels and oneDNN, with the same bits whatever the number of workers and the company of a
// timeline.
#pragma once

#include "hadal/backend_sdk.hpp"

extern "C" hadal_backend_entry_fn hadal_cpu_entry;

namespace hadal::cpu {

/// Its kernels, for tests that call one alone.
extern const sdk::Backend kBackend;

}  // namespace hadal::cpu
