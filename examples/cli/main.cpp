// Parses the command line, runs one subcommand, and turns errors into one line and an exit code.
#include <csignal>
#include <cstdio>
#include <hadal/hadal.hpp>
#include <new>
#include <string>
#include <vector>

#include "command.h"
#include "interrupt.h"
#include "output.h"

namespace {

int fail(int exit_code, const std::string &message) {
    std::fprintf(stderr, "hadal: %s\n", message.c_str());
    return exit_code;
}

int run(int argc, char **argv) {
    CLI::App app("Runs DeepSeek and Llama-family models.", "hadal");
    app.set_version_flag("--version", hadal::version());
    app.require_subcommand(1);
    const std::vector<command::Subcommand> subcommands = {
        command::add_run(app),        command::add_chat(app),       command::add_inspect(app),
        command::add_tokenize(app),   command::add_detokenize(app), command::add_template(app),
        command::add_parse(app),      command::add_logits(app),     command::add_bench(app),
        command::add_perplexity(app), command::add_convert(app),    command::add_selftest(app),
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success &help) {
        return app.exit(help);
    } catch (const CLI::ParseError &error) {
        return fail(command::kUsage, std::string(error.what()) + " (see hadal --help)");
    }
    for (const command::Subcommand &subcommand : subcommands) {
        if (!subcommand.app->parsed()) continue;
        const int exit_code = subcommand.run();
        command::output().close();
        return exit_code;
    }
    return command::kUsage;
}

}  // namespace

int main(int argc, char **argv) {
    // A closed pipe is then an error of write, which ends the program in good order.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // so is a file that grew past its limit
    try {
        return run(argc, argv);
    } catch (const hadal::Error &error) {
        if (error.status() == hadal::Status::cancelled) return command::interrupted_exit_code();
        return fail(command::kFailure, error.what());
    } catch (const command::OutputClosed &) {
        return command::kOutputClosed;
    } catch (const std::bad_alloc &) {
        return fail(command::kFailure, "out of memory");
    } catch (const std::exception &error) {
        return fail(command::kFailure, error.what());
    }
}
