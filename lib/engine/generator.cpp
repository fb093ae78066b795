#include "engine/generator.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hadal::core {

namespace {

class Stopwatch {
public:
    uint64_t ns() const {
        return static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count());
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// After these tokens, does a text begin, or go on?
DecodeFrom text_begins(const Tokenizer &tokenizer, std::span<const Token> tokens) {
    const bool only_control = std::all_of(tokens.begin(), tokens.end(), [&](Token token) {
        const Result<TokenKind> kind = tokenizer.token_kind(token);
        return kind && *kind == TokenKind::control;
    });
    return only_control ? DecodeFrom::start : DecodeFrom::middle;
}

/// Puts the sampler back to where it was, unless its draw is kept.
class SamplerDraft {
public:
    explicit SamplerDraft(Sampler &sampler) : sampler_(sampler), before_(sampler.state()) {}
    SamplerDraft(const SamplerDraft &) = delete;
    SamplerDraft &operator=(const SamplerDraft &) = delete;
    ~SamplerDraft() {
        if (!kept_) sampler_.restore(before_);
    }
    void keep() { kept_ = true; }

private:
    Sampler &sampler_;
    SamplerState before_;
    bool kept_ = false;
};

}  // namespace

std::optional<GeneratorEventKind> kind_of(ChatEventKind kind) {
    switch (kind) {
        case ChatEventKind::reasoning:
            return GeneratorEventKind::reasoning;
        case ChatEventKind::content:
            return GeneratorEventKind::content;
        case ChatEventKind::call_begin:
            return GeneratorEventKind::call_begin;
        case ChatEventKind::call_arguments:
            return GeneratorEventKind::call_arguments;
        case ChatEventKind::call_end:
            return GeneratorEventKind::call_end;
        case ChatEventKind::stop:
            return GeneratorEventKind::stop;
        case ChatEventKind::syntax:
            break;
    }
    return std::nullopt;
}

Result<std::unique_ptr<Generator>> Generator::create(Session &session, GenerateOptions options) {
    const size_t n_vocab = session.model()->facts().n_vocab;
    if (session.tokens().empty()) return error(Status::invalid_argument, "the session holds no tokens to continue");
    HADAL_CHECK(validate(options.sampling, n_vocab));
    for (const Token token : options.stop_tokens) {
        if (token < 0 || static_cast<size_t>(token) >= n_vocab) {
            return error(Status::invalid_argument, "stop token ", token, " is outside 0 to ", n_vocab - 1);
        }
    }
    std::shared_ptr<const Tokenizer> tokenizer;
    if (auto opened = session.model()->tokenizer()) tokenizer = *std::move(opened);
    if (!tokenizer && !options.stop_strings.empty()) {
        return error(Status::unsupported, "stop strings need a tokenizer, and the model has none");
    }
    if (!tokenizer && options.parser) {
        return error(Status::unsupported, "a chat parser needs a tokenizer, and the model has none");
    }
    if (options.parser && options.parser->is_over()) {
        return error(Status::invalid_argument, "the chat parser has read the end of its answer");
    }
    HADAL_TRY(StopMatcher matcher, StopMatcher::make(options.stop_strings));
    Sampler sampler(options.sampling, n_vocab);
    return std::unique_ptr<Generator>(
        new Generator(session, std::move(options), std::move(tokenizer), std::move(sampler), std::move(matcher)));
}

Generator::Generator(Session &session, GenerateOptions options, std::shared_ptr<const Tokenizer> tokenizer,
                     Sampler sampler, StopMatcher stop_matcher)
    : session_(session),
      options_(std::move(options)),
      tokenizer_(std::move(tokenizer)),
      sampler_(std::move(sampler)),
      stop_matcher_(std::move(stop_matcher)),
      parser_(options_.parser ? std::make_unique<ChatParser>(*options_.parser) : nullptr) {
    // A format's marks are control tokens.
    const ControlText control = parser_ ? ControlText::written : ControlText::left_out;
    if (tokenizer_) decoder_.emplace(tokenizer_, text_begins(*tokenizer_, session_.tokens()), control);
}

Result<std::optional<GeneratorEvent>> Generator::next() {
    if (!parser_) return step();
    for (;;) {
        if (auto event = next_parsed()) return event;
        if (last_) {
            parser_.reset();  // the stop event is the last one
            return std::exchange(last_, std::nullopt);
        }
        HADAL_TRY(const auto event, step());
        if (event->kind == GeneratorEventKind::stop) last_ = event, last_->text = {};
    }
}

std::optional<GeneratorEvent> Generator::next_parsed() {
    while (auto event = parser_->next()) {
        const auto kind = kind_of(event->kind);
        if (!kind) continue;
        if (kind == GeneratorEventKind::stop) {
            if (stopped_) continue;  // a stop that has a reason already
            stopped_ = true;
            parser_.reset();
            return GeneratorEvent{.kind = *kind, .stop = StopReason::mark};
        }
        text_ = std::move(event->text);
        return GeneratorEvent{
            .kind = *kind, .text = text_, .call_i = event->call_i, .is_malformed = event->is_malformed};
    }
    return std::nullopt;
}

Result<std::optional<GeneratorEvent>> Generator::step() {
    if (stopped_) return std::optional<GeneratorEvent>();
    if (stop_matcher_.found()) return stop(StopReason::string, -1);
    if (options_.max_tokens != 0 && n_drawn_ == options_.max_tokens) return stop(StopReason::max_tokens, -1);
    if (session_.tokens().size() == session_.context()) return stop(StopReason::context, -1);
    HADAL_CHECK(session_.reserve(1));
    HADAL_TRY(const std::span<const float> logits, compute());

    // What the token changes is drafted, and put in place once nothing can fail any more.
    SamplerDraft draft(sampler_);
    const Stopwatch watch;
    HADAL_TRY(const Token token, sampler_.sample(logits, session_.tokens()));
    stats_.sample_ns += watch.ns();
    if (const StopReason reason = stop_by(token); reason != StopReason::none) return stop(reason, token);
    std::optional<Decoder> decoder = decoder_;
    StopMatcher matcher = stop_matcher_;
    std::string text;
    if (decoder) {
        HADAL_TRY(const std::string_view piece, decoder->push(token));
        text = matcher.push(piece);
    }
    std::unique_ptr<ChatParser> parser = parser_ ? std::make_unique<ChatParser>(*parser_) : nullptr;
    if (parser) HADAL_CHECK(parser->push(text));
    HADAL_CHECK(session_.append({&token, 1}));
    decoder_ = std::move(decoder);
    stop_matcher_ = std::move(matcher);
    parser_ = std::move(parser);
    text_ = std::move(text);
    draft.keep();
    ++n_drawn_;
    return std::optional(GeneratorEvent{.kind = GeneratorEventKind::token, .token = token, .text = text_});
}

Result<std::span<const float>> Generator::compute() {
    const Stopwatch watch;
    const size_t n_tokens = session_.tokens().size() - session_.computed();
    const uint64_t copied_before = session_.copied_bytes();
    HADAL_TRY(const std::span<const float> logits, session_.next_logits(options_.watch));
    stats_.copied_bytes += session_.copied_bytes() - copied_before;
    (n_drawn_ == 0 ? stats_.prefill_tokens : stats_.decode_tokens) += n_tokens;
    (n_drawn_ == 0 ? stats_.prefill_ns : stats_.decode_ns) += watch.ns();
    return logits;
}

StopReason Generator::stop_by(Token token) const {
    const auto among = [&](const std::vector<Token> &tokens) {
        return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
    };
    if (among(options_.stop_tokens)) return StopReason::token;
    if (!options_.ignore_eos && among(session_.model()->stop_tokens())) return StopReason::eos;
    return StopReason::none;
}

Result<std::optional<GeneratorEvent>> Generator::stop(StopReason reason, Token token) {
    std::string text;
    if (decoder_ && reason != StopReason::string) {
        Decoder decoder = *decoder_;
        StopMatcher matcher = stop_matcher_;
        text = matcher.push(decoder.finish());
        text += matcher.finish();
    }
    if (parser_) {
        auto parser = std::make_unique<ChatParser>(*parser_);
        HADAL_CHECK(parser->push(text));
        parser->finish();
        parser_ = std::move(parser);
    }
    text_ = std::move(text);
    stopped_ = true;
    return std::optional(
        GeneratorEvent{.kind = GeneratorEventKind::stop, .stop = reason, .token = token, .text = text_});
}

}  // namespace hadal::core
