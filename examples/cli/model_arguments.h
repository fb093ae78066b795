// The options that say which model runs, where, and with how much memory.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <hadal/hadal.hpp>
#include <string>

#include "interrupt.h"

namespace command {

/// Messages of the library as lines on standard error: hadal::RuntimeOptions::log.
void write_log(void *user, int32_t level, const char *message, size_t length);

struct ModelArguments {
    enum class Model { required, plankton };  ///< what no MODEL means

    std::string path;
    std::string backend;
    std::string kv_type = "bf16";
    std::string load = "mmap";
    uint32_t threads = 0;
    uint64_t memory_budget = 0;

    void add_to(CLI::App &app, Model without);

    /// path, or that of the sample model.
    std::string model_path() const;
    hadal::Runtime make_runtime() const;
    hadal::ModelOptions options() const;
    /// With a progress bar.
    hadal::Model open(const hadal::Runtime &runtime, const Interrupt &interrupt) const;
};

}  // namespace command
