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
#include "text/chat_parser.h"
#include "text/decoder.h"

namespace hadal::core {

struct GenerateOptions {
    Sampling sampling;
    uint64_t max_tokens = 0;  ///< 0: no limit
    bool ignore_eos = false;
    std::vector<Token> stop_tokens;
    std::vector<std::string> stop_strings;
    std::optional<ChatParser> parser;  ///< copied in the state it has; events then are what it reads
    Watch watch;                       ///< of the prompt and every step
};

enum class StopReason : int32_t { none = 0, eos = 1, token = 2, string = 3, max_tokens = 4, context = 5, mark = 6 };

enum class GeneratorEventKind : int32_t {
    token = 1,
    stop = 2,
    reasoning = 3,
    content = 4,
    call_begin = 5,  ///< text: the name
    call_arguments = 6,
    call_end = 7
};

/// nullopt: marks of the format, which are no event.
std::optional<GeneratorEventKind> kind_of(ChatEventKind kind);

struct GeneratorEvent {
    GeneratorEventKind kind = GeneratorEventKind::token;
    StopReason stop = StopReason::none;  ///< of stop
    Token token = -1;                    ///< of token, and of a stop by one
    std::string_view text;               ///< valid until the next call
    size_t call_i = 0;                   ///< of the call_ events
    bool is_malformed = false;           ///< as in ChatEvent
};

struct GeneratorStats {
    uint64_t prefill_tokens = 0, prefill_ns = 0;
    uint64_t decode_tokens = 0, decode_ns = 0;
    uint64_t sample_ns = 0;
    uint64_t copied_bytes = 0;
};

class Generator {
public:
    /// session: borrowed; must outlive the generator. Fails: invalid_argument, unsupported (stop strings or
    /// a parser without a tokenizer).
    static Result<std::unique_ptr<Generator>> create(Session &session, GenerateOptions options);

    /// The next event; nothing after the stop event. A failed call may be repeated: the session's tokens, the sampler
    /// and the text are as before the draw that failed; with a parser one call may draw several. Fails: as
    /// Session::eval and Session::reserve, but for context_full, which is an event.
    Result<std::optional<GeneratorEvent>> next();

    const GeneratorStats &stats() const { return stats_; }

private:
    Generator(Session &session, GenerateOptions options, std::shared_ptr<const Tokenizer> tokenizer, Sampler sampler,
              StopMatcher stop_matcher);
    /// Draws one token, or stops.
    Result<std::optional<GeneratorEvent>> step();
    Result<std::optional<GeneratorEvent>> stop(StopReason reason, Token token);
    /// What the parser has ready; nothing: it needs more of the answer.
    std::optional<GeneratorEvent> next_parsed();
    StopReason stop_by(Token token) const;
    Result<std::span<const float>> compute();

    Session &session_;
    GenerateOptions options_;
    std::shared_ptr<const Tokenizer> tokenizer_;  ///< null: no text
    Sampler sampler_;
    std::optional<Decoder> decoder_;  ///< none without a tokenizer
    StopMatcher stop_matcher_;
    std::unique_ptr<ChatParser> parser_;  ///< until the stop event was given
    std::optional<GeneratorEvent> last_;  ///< the stop event, while the parser has events to give before it
    std::string text_;                    ///< of the newest event
    uint64_t n_drawn_ = 0;
    bool stopped_ = false;
    GeneratorStats stats_;
};

}  // namespace hadal::core
