// hadal perplexity: how surprised a model is by a text, by llama.cpp's definition, so that numbers can be compared.
//
// The text's tokens are cut into windows of n tokens, each a context of its own. Without a stride they follow each
// other, and what remains at the end is dropped; a window begins with BOS in place of its first token, where the
// vocabulary adds one, and the tokens after its middle are scored. With a stride they begin that many tokens apart and
// overlap, keep their first token, and the last stride tokens of each are scored. Perplexity is the exponential of the
// mean negative log likelihood; behind +/- stands its standard error.
// Source: llama.cpp tools/perplexity, perplexity() and perplexity_v2().
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "command.h"
#include "interrupt.h"
#include "model_arguments.h"
#include "output.h"
#include "text_file.h"

namespace command {
namespace {

struct PerplexityArguments {
    ModelArguments model;
    std::string text_file;
    size_t context = 512;  ///< llama.cpp's default, which published numbers use
    size_t stride = 0;     ///< 0: windows that do not overlap
    size_t chunks = 0;     ///< 0: all windows
};

/// How a text is cut.
struct Windows {
    size_t length;
    size_t step;       ///< from one window's first token to the next one's
    size_t first_row;  ///< of a window: from here on each row's prediction is scored
    size_t n;
};

Windows cut(const PerplexityArguments &arguments, size_t n_tokens) {
    const size_t length = arguments.context, stride = arguments.stride;
    const size_t least = stride == 0 ? 2 * length : length + 1;
    if (stride >= length) {
        throw std::runtime_error("--stride is " + std::to_string(stride) + ", it must be below --ctx, " +
                                 std::to_string(length));
    }
    if (n_tokens < least) {
        throw std::runtime_error(arguments.text_file + ": has " + std::to_string(n_tokens) + " tokens, windows of " +
                                 std::to_string(length) + " need " + std::to_string(least));
    }
    Windows windows{length, length, length / 2, n_tokens / length};
    if (stride != 0) windows = {length, stride, length - stride - 1, (n_tokens - length + stride - 1) / stride};
    if (arguments.chunks != 0) windows.n = std::min(windows.n, arguments.chunks);
    return windows;
}

// Rows whose logits are held at once: 256 rows of 128k floats are 128 MB.
constexpr size_t kRowsAtOnce = 256;

/// Sums over scored tokens.
class Surprise {
public:
    /// logits: of the position before token, n_vocab of them.
    void add(const float *logits, size_t n_vocab, hadal::Token token) {
        const double most = *std::max_element(logits, logits + n_vocab);
        double sum = 0;
        for (size_t i = 0; i < n_vocab; ++i) sum += std::exp(logits[i] - most);
        const double nll = most + std::log(sum) - logits[token];
        sum_ += nll;
        squares_ += nll * nll;
        ++n_;
    }
    double perplexity() const { return std::exp(sum_ / n_); }
    double standard_error() const {
        const double mean = sum_ / n_, variance = std::max(squares_ / n_ - mean * mean, 0.0);
        return n_ > 1 ? perplexity() * std::sqrt(variance / (n_ - 1)) : 0;
    }

private:
    double sum_ = 0, squares_ = 0, n_ = 0;  ///< of negative log likelihoods
};

/// Computes one window and scores what the rows from first_row on predict.
void score(hadal::Session &session, const std::vector<hadal::Token> &window, size_t first_row,
           const Interrupt &interrupt, Surprise &surprise) {
    hadal::RunOptions run;
    run.cancel = interrupt.cancel();
    session.truncate(0);
    if (first_row > 0) {
        session.append({window.data(), first_row});
        run.logits = hadal::Logits::none;
        session.eval(run);
    }
    run.logits = hadal::Logits::all;
    for (size_t first = first_row; first + 1 < window.size(); first += kRowsAtOnce) {
        const size_t n = std::min(kRowsAtOnce, window.size() - 1 - first);
        session.append({window.data() + first, n});
        session.eval(run);
        const std::vector<float> logits = session.logits(first, n);
        const size_t n_vocab = logits.size() / n;
        for (size_t i = 0; i < n; ++i) surprise.add(&logits[i * n_vocab], n_vocab, window[first + i + 1]);
    }
}

int perplexity(const PerplexityArguments &arguments) {
    const std::string text = read_text_file(arguments.text_file);
    const Interrupt interrupt;
    const hadal::Runtime runtime = arguments.model.make_runtime();
    const hadal::Model model = arguments.model.open(runtime, interrupt);
    if (const uint64_t most = model.info().context_tokens; arguments.context > most) {
        throw std::runtime_error("--ctx is " + std::to_string(arguments.context) + ", at most " + std::to_string(most) +
                                 ", the length the model was trained with");
    }
    const hadal::Tokenizer tokenizer = model.tokenizer();
    const auto bos = tokenizer.special(hadal::Special::bos);
    hadal::EncodeOptions as_a_text_begins;
    as_a_text_begins.add_special = true;
    const std::vector<hadal::Token> beginning = tokenizer.encode("", as_a_text_begins);
    const bool adds_bos = bos && !beginning.empty() && beginning.front() == *bos;

    std::vector<hadal::Token> tokens = tokenizer.encode(text);
    if (adds_bos) tokens.insert(tokens.begin(), *bos);
    const Windows windows = cut(arguments, tokens.size());
    hadal::SessionOptions session_options;
    session_options.context = windows.length;
    hadal::Session session = model.session(session_options);
    Surprise surprise;
    for (size_t i = 0; i < windows.n; ++i) {
        const hadal::Token *begin = tokens.data() + i * windows.step;
        std::vector<hadal::Token> window(begin, begin + windows.length);
        if (adds_bos && arguments.stride == 0) window.front() = *bos;
        score(session, window, windows.first_row, interrupt, surprise);
        std::fprintf(stderr, "window %zu of %zu: %.4f\n", i + 1, windows.n, surprise.perplexity());
    }
    char line[128];
    std::snprintf(line, sizeof line, "perplexity %.4f +/- %.5f over %zu windows of %zu tokens\n", surprise.perplexity(),
                  surprise.standard_error(), windows.n, windows.length);
    output().write(line);
    return kSuccess;
}

}  // namespace

Subcommand add_perplexity(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("perplexity", "Measure how well a model predicts a text, as llama.cpp does");
    auto arguments = std::make_shared<PerplexityArguments>();
    arguments->model.add_to(*app, ModelArguments::Model::required);
    app->add_option("FILE", arguments->text_file, "The text")->required();
    app->add_option("--ctx", arguments->context, "Tokens of a window")
        ->check(CLI::Range(size_t{4}, size_t{1} << 30))
        ->capture_default_str();
    app->add_option("--stride", arguments->stride,
                    "Tokens from one window to the next, which then overlap; 0: they do not")
        ->check(CLI::Range(size_t{0}, size_t{1} << 30));
    app->add_option("--chunks", arguments->chunks, "Windows to compute; 0: all")
        ->check(CLI::Range(size_t{0}, size_t{1} << 30));
    return {app, [arguments] { return perplexity(*arguments); }};
}

}  // namespace command
