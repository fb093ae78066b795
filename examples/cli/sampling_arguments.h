// The options that say how tokens are drawn.
#pragma once

#include <CLI/CLI.hpp>
#include <hadal/hadal.hpp>

namespace command {

/// sampling must live as long as the app.
void add_sampling(CLI::App &app, hadal::Sampling &sampling);

}  // namespace command
