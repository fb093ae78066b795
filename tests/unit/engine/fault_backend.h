// A backend that computes like the reference and goes wrong on command: at op k of everything it has run.
#pragma once

#include <atomic>
#include <cstdint>

#include "hadal/backend.h"

namespace hadal::test {

enum class Fault { none, error, out_of_memory, device_lost, stop };

/// One backend, one state: tests that use it run one at a time, with one worker.
struct FaultControl {
    Fault fault = Fault::none;
    uint64_t at_op = 0;  ///< ops run so far when it happens
    uint64_t n_ops_run = 0;
    void (*trigger_stop)(void *) = nullptr;  ///< for Fault::stop
    void *stop = nullptr;

    void arm(Fault what, uint64_t op) {
        fault = what;
        at_op = op;
        n_ops_run = 0;
    }
};

FaultControl &fault_control();

/// Named "fault".
hadal_status fault_backend_entry(const hadal_bk_host *host, const hadal_bk_api **out, hadal_error *err);

}  // namespace hadal::test
