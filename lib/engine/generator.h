// Pulls tokens from a session: compute, draw, decode, look for a stop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "engine/stop_matcher.h"
#include "text/decoder.h"

namespace hadal::core {

struct GenerateOptions {
    Sampling sampling;
    uint64_t max_tokens = 0;  ///< 0: no limit
    bool ignore_eos = false;
    std::vector<Token> stop_tokens;
    std::vector<std::string> stop_strings;
    Watch watch;  ///< of the prompt and every step
};

enum class StopReason : int32_t { none = 0, eos = 1, token = 2, string = 3, max_tokens = 4, context = 5 };

struct GeneratorEvent {
    StopReason stop = StopReason::none;  ///< none: a token was drawn
    Token token = -1;
    std::string_view text;  ///< valid until the next call
};

struct GeneratorStats {
    uint64_t prefill_tokens = 0, prefill_ns = 0;
    uint64_t decode_tokens = 0, decode_ns = 0;
    uint64_t sample_ns = 0;
    uint64_t copied_bytes = 0;
};

class Generator {
public:
    /// session: borrowed; must outlive the generator. Fails: invalid_argument, unsupported (stop strings without a
    /// tokenizer).
    static Result<std::unique_ptr<Generator>> create(Session &session, GenerateOptions options);

    /// The next event; nothing after the stop event. A failed call may be repeated: the session's tokens, the
    /// sampler and the text are as before it. Fails: as Session::eval and Session::reserve, but for context_full, which
    /// is an event.
    Result<std::optional<GeneratorEvent>> next();

    const GeneratorStats &stats() const { return stats_; }

private:
    Generator(Session &session, GenerateOptions options, std::shared_ptr<const Tokenizer> tokenizer, Sampler sampler,
              StopMatcher stop_matcher);
    std::optional<GeneratorEvent> stop(StopReason reason, Token token);
    StopReason stop_by(Token token) const;
    Result<std::span<const float>> compute();

    Session &session_;
    GenerateOptions options_;
    std::shared_ptr<const Tokenizer> tokenizer_;  ///< null: no text
    Sampler sampler_;
    std::optional<Decoder> decoder_;  ///< none without a tokenizer
    StopMatcher stop_matcher_;
    std::string text_;  ///< of the newest event
    uint64_t n_drawn_ = 0;
    bool stopped_ = false;
    GeneratorStats stats_;
};

}  // namespace hadal::core
