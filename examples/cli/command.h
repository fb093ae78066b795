// The subcommands, one file each. They throw hadal::Error and std::exception; main turns those into exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace command {

enum ExitCode { kSuccess = 0, kFailure = 1, kUsage = 2, kOutputClosed = 141 };

struct Subcommand {
    CLI::App *app;
    std::function<int()> run;  ///< returns an exit code
};

Subcommand add_run(CLI::App &app);
Subcommand add_chat(CLI::App &app);
Subcommand add_inspect(CLI::App &app);
Subcommand add_tokenize(CLI::App &app);
Subcommand add_detokenize(CLI::App &app);
Subcommand add_template(CLI::App &app);
Subcommand add_parse(CLI::App &app);
Subcommand add_logits(CLI::App &app);
Subcommand add_bench(CLI::App &app);
Subcommand add_perplexity(CLI::App &app);
Subcommand add_convert(CLI::App &app);
Subcommand add_selftest(CLI::App &app);

}  // namespace command
