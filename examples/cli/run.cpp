// hadal run: continues a text or a list of token ids, streaming.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "command.h"
#include "ids_file.h"
#include "interrupt.h"
#include "model_arguments.h"
#include "output.h"
#include "progress_bar.h"
#include "sampling_arguments.h"

namespace command {
namespace {

struct RunArguments {
    ModelArguments model;
    std::string prompt, ids_file;
    bool has_prompt = false;
    bool print_ids = false;
    hadal::SessionOptions session;
    hadal::GenerateOptions generate;
};

/// The text with the special tokens its vocabulary asks for, the ids of a file, or BOS alone.
std::vector<hadal::Token> prompt_tokens(const RunArguments &arguments, const hadal::Model &model) {
    if (!arguments.ids_file.empty()) return read_ids_file(arguments.ids_file);
    auto tokenizer = model.try_tokenizer();
    if (!tokenizer) throw std::runtime_error(std::string(tokenizer.error().what()) + "; give a prompt with --ids");
    if (arguments.has_prompt) {
        hadal::EncodeOptions options;
        options.add_special = true;
        return tokenizer->encode(arguments.prompt, options);
    }
    const auto bos = tokenizer->special(hadal::Special::bos);
    if (!bos)
        throw std::runtime_error("the vocabulary has no token that begins a text; give a prompt with -p or --ids");
    return {*bos};
}

const char *describe(hadal::StopReason reason) {
    switch (reason) {
        case hadal::StopReason::eos:
            return "end of text";
        case hadal::StopReason::token:
            return "stop token";
        case hadal::StopReason::string:
            return "stop string";
        case hadal::StopReason::max_tokens:
            return "-n reached";
        case hadal::StopReason::context:
            return "context full";
        default:
            return "interrupted";
    }
}

void print_timings(const hadal::Stats &stats, hadal::StopReason reason) {
    const auto print = [](const char *what, uint64_t tokens, uint64_t ns) {
        const double seconds = static_cast<double>(ns) * 1e-9;
        const double rate = ns > 0 ? static_cast<double>(tokens) / seconds : 0;
        std::fprintf(stderr, "%s %llu tokens in %.3f s, %.1f tokens/s; ", what, static_cast<unsigned long long>(tokens),
                     seconds, rate);
    };
    print("prompt", stats.prefill_tokens, stats.prefill_ns);
    print("generated", stats.decode_tokens, stats.decode_ns);
    std::fprintf(stderr, "%s\n", describe(reason));
}

enum class Print { text, ids };

/// Prints events as they come, until the stop event or Ctrl-C, which leaves reason none.
hadal::StopReason stream(hadal::Generator &generator, ProgressBar &bar, Print print) {
    const char *separator = "";
    for (;;) {
        auto next = generator.try_next();
        bar.wipe();
        if (!next && next.error().status() == hadal::Status::cancelled) return hadal::StopReason::none;
        if (!next) throw next.error();
        const hadal::Event &event = **next;
        if (print == Print::text) output().write(event.text);
        if (print == Print::ids && event.kind == hadal::EventKind::token) {
            output().write(separator + std::to_string(event.token));
            separator = " ";
        }
        if (event.kind == hadal::EventKind::stop) return event.stop_reason;
    }
}

int run(RunArguments arguments) {
    const Interrupt interrupt;
    const hadal::Runtime runtime = arguments.model.make_runtime();
    const hadal::Model model = arguments.model.open(runtime, interrupt);
    hadal::Session session = model.session(arguments.session);
    session.append(prompt_tokens(arguments, model));

    ProgressBar bar("prompt");
    arguments.generate.cancel = interrupt.cancel();
    arguments.generate.progress = bar.progress();
    hadal::Generator generator = session.generate(arguments.generate);
    const hadal::StopReason reason = stream(generator, bar, arguments.print_ids ? Print::ids : Print::text);
    output().write("\n");
    print_timings(generator.stats(), reason);
    return reason == hadal::StopReason::none ? interrupted_exit_code() : kSuccess;
}

}  // namespace

Subcommand add_run(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("run", "Continue a text, streaming it to standard output");
    auto arguments = std::make_shared<RunArguments>();
    arguments->model.add_to(*app, ModelArguments::Model::plankton);
    auto *prompt =
        app->add_option("-p,--prompt", arguments->prompt, "Text to continue; without it and --ids: from BOS");
    app->add_option("--ids", arguments->ids_file, "File of token ids to continue")->excludes(prompt);
    app->add_option("-n", arguments->generate.max_tokens, "Most tokens to generate; 0: until a stop");
    add_sampling(*app, arguments->generate.sampling);
    app->add_option("--stop", arguments->generate.stop_strings, "Text that ends the answer; may be given several times")
        ->allow_extra_args(false);
    app->add_option("--context", arguments->session.context, "Most tokens of prompt and answer; 0: the model's");
    app->add_option("--chunk", arguments->session.chunk, "Tokens of the prompt computed at once; 0: chosen");
    app->add_flag("--ignore-eos", arguments->generate.ignore_eos, "Go on after the vocabulary's end tokens");
    app->add_flag("--print-ids", arguments->print_ids, "Print token ids instead of text");
    return {app, [arguments, prompt] {
                arguments->has_prompt = prompt->count() > 0;
                return run(*arguments);
            }};
}

}  // namespace command
