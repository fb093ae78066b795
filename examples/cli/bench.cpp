// hadal bench: tokens a second, beside what the machine's memory would allow.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "command.h"
#include "interrupt.h"
#include "model_arguments.h"
#include "output.h"
#include "progress_bar.h"

namespace command {
namespace {

struct BenchArguments {
    ModelArguments model;
    size_t prompt = 128, generate = 64;  ///< tokens
    size_t repeat = 3;
    bool json = false;
};

struct Rates {
    double prefill = 0, decode = 0;  ///< tokens a second
};

/// Any ids will do: the time does not depend on them. They come from a small generator so that runs can be compared.
std::vector<hadal::Token> make_prompt(size_t n, uint32_t n_vocab) {
    std::vector<hadal::Token> ids(n);
    uint32_t state = 12345;
    for (hadal::Token &id : ids) {
        state = state * 1664525 + 1013904223;
        id = static_cast<hadal::Token>((state >> 16) % n_vocab);
    }
    return ids;
}

Rates run_once(hadal::Session &session, const std::vector<hadal::Token> &prompt, size_t n_generate,
               const Interrupt &interrupt) {
    session.truncate(0);
    session.append(prompt);
    hadal::RunOptions run;
    run.cancel = interrupt.cancel();
    const auto begin = std::chrono::steady_clock::now();
    session.eval(run);
    const std::chrono::duration<double> prefill = std::chrono::steady_clock::now() - begin;

    hadal::GenerateOptions options;
    options.max_tokens = n_generate;
    options.ignore_eos = true;
    options.cancel = interrupt.cancel();
    hadal::Generator generator = session.generate(options);
    while (generator.next()) {
    }
    const hadal::Stats stats = generator.stats();
    Rates rates;
    rates.prefill = static_cast<double>(prompt.size()) / prefill.count();
    if (stats.decode_ns > 0)
        rates.decode = static_cast<double>(stats.decode_tokens) * 1e9 / static_cast<double>(stats.decode_ns);
    return rates;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Rates measure(const BenchArguments &arguments, const hadal::Model &model, const Interrupt &interrupt) {
    hadal::SessionOptions options;
    options.context = arguments.prompt + arguments.generate;
    hadal::Session session = model.session(options);
    const std::vector<hadal::Token> prompt = make_prompt(arguments.prompt, model.info().n_vocab);
    ProgressBar bar("measuring");
    run_once(session, prompt, arguments.generate, interrupt);  // warms caches, pages and threads
    std::vector<double> prefill, decode;
    for (size_t i = 0; i < arguments.repeat; ++i) {
        const Rates rates = run_once(session, prompt, arguments.generate, interrupt);
        prefill.push_back(rates.prefill);
        decode.push_back(rates.decode);
        bar.update(i + 1, arguments.repeat);
    }
    return {median(prefill), median(decode)};
}

int bench(const BenchArguments &arguments) {
    const Interrupt interrupt;
    const hadal::Runtime runtime = arguments.model.make_runtime();
    const hadal::Model model = arguments.model.open(runtime, interrupt);
    const Rates rates = measure(arguments, model, interrupt);
    const double read_bandwidth = measure_read_bandwidth(arguments.model.threads);

    // A decode step reads the weights once and, on average, the cache of the prompt and half of the answer.
    const hadal::ModelInfo info = model.info();
    const double mean_context = static_cast<double>(arguments.prompt) + static_cast<double>(arguments.generate) / 2;
    const double bytes_per_token =
        static_cast<double>(info.weight_bytes_per_token) + static_cast<double>(info.kv_bytes_per_token) * mean_context;
    const double achieved = rates.decode * bytes_per_token;
    if (arguments.json) {
        const nlohmann::ordered_json result = {
            {"prompt_tokens", arguments.prompt},
            {"generated_tokens", arguments.generate},
            {"repeat", arguments.repeat},
            {"threads", arguments.model.threads},
            {"prefill_tokens_per_s", rates.prefill},
            {"decode_tokens_per_s", rates.decode},
            {"bytes_per_token", bytes_per_token},
            {"decode_gb_per_s", achieved * 1e-9},
            {"read_gb_per_s", read_bandwidth * 1e-9},
        };
        output().write(result.dump(2) + "\n");
        return kSuccess;
    }
    char text[400];
    std::snprintf(text, sizeof text,
                  "prefill  %.1f tokens/s (%zu tokens)\n"
                  "decode   %.1f tokens/s (%zu tokens, %.4g MB read for each)\n"
                  "memory   %.3g GB/s of %.3g GB/s measured, %.0f %%\n",
                  rates.prefill, arguments.prompt, rates.decode, arguments.generate, bytes_per_token * 1e-6,
                  achieved * 1e-9, read_bandwidth * 1e-9, 100 * achieved / read_bandwidth);
    output().write(text);
    return kSuccess;
}

}  // namespace

Subcommand add_bench(CLI::App &parent) {
    CLI::App *app =
        parent.add_subcommand("bench", "Measure tokens a second, and how much of the memory's speed they use");
    auto arguments = std::make_shared<BenchArguments>();
    arguments->model.add_to(*app, ModelArguments::Model::required);
    app->add_option("--prompt", arguments->prompt, "Tokens of the prompt")->check(CLI::PositiveNumber);
    app->add_option("--gen", arguments->generate, "Tokens to generate")->check(CLI::PositiveNumber);
    app->add_option("--repeat", arguments->repeat, "Runs of which the median counts")->check(CLI::PositiveNumber);
    app->add_flag("--json", arguments->json, "One JSON object");
    return {app, [arguments] { return bench(*arguments); }};
}

}  // namespace command
