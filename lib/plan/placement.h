// Which device runs which op, and a written reason for every device that did not.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "plan/device.h"
#include "plan/program.h"

namespace hadal::core {

enum class Fallback { allow, forbid };

/// This op must run on a device of this backend. Tests move single ops with it.
struct OpPin {
    size_t op_i;
    std::string backend;
};

struct PlacementRules {
    std::string backend;                  ///< tried first; empty: the order of the devices
    Fallback fallback = Fallback::allow;  ///< forbid: only that backend, or only the first device
    std::vector<OpPin> pins;
};

struct Refusal {
    uint32_t op_i;
    uint32_t device_i;
    std::string reason;
};

struct Placement {
    std::vector<uint32_t> device_of_op;  ///< [n_ops], index into the devices
    std::vector<Refusal> refusals;       ///< of devices asked before the one that said yes
};

/// Asks the devices in order. Ops that touch one state go to one device together.
/// Fails: not_found (no device of a backend that is named), unsupported (an op nobody takes, with all reasons).
Result<Placement> place(const Program &program, const Checkpoint &checkpoint,
                        std::span<const std::shared_ptr<Device>> devices, const PlacementRules &rules);

}  // namespace hadal::core
