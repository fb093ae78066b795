// How fast this machine reads memory: the yardstick for a token, which reads every weight once.
#pragma once

#include <cstdint>

namespace command {

/// Bytes a second, n_threads reading together from a buffer larger than the caches; the best of a few passes.
double measure_read_bandwidth(uint32_t n_threads);

}  // namespace command
