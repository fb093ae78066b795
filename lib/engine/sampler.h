// Draws a token from logits: pure arithmetic on the host, the same on every machine with the same exp().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace hadal::core {

struct LogitBias {
    Token token = 0;
    float bias = 0;  ///< finite, or -infinity: the token is never drawn
};

/// hadal_sampling of hadal.h, field for field. In this order: bias, penalties, temperature, top_k, top_p, min_p, draw.
struct Sampling {
    float temperature = 0;         ///< 0: greedy, ties go to the lowest id
    uint32_t top_k = 0;            ///< 0: off
    float top_p = 0;               ///< 0: off; of what top_k leaves
    float min_p = 0;               ///< 0: off
    float repetition_penalty = 0;  ///< 0: off
    float presence_penalty = 0;    ///< negative: a token seen becomes likelier
    float frequency_penalty = 0;   ///< likewise
    uint32_t penalty_window = 0;   ///< newest tokens that count as seen; 0: all
    uint64_t seed = 0;
    std::vector<LogitBias> logit_bias;  ///< a token named twice gets both
};

/// Fails: invalid_argument (names field, value and range).
Result<void> validate(const Sampling &sampling, size_t n_vocab);

/// All that changes from one draw to the next. Kept aside before a run and put back when it fails.
struct SamplerState {
    uint64_t random = 0;
};

/// Advances the state by one SplitMix64 step (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
uint64_t next_random(SamplerState &state);

class Sampler {
public:
    /// sampling: validated.
    Sampler(Sampling sampling, size_t n_vocab);

    /// logits [n_vocab]; one that is not finite is never drawn. seen: the timeline's tokens, oldest first.
    /// Fails: bad_format (no logit is finite), invalid_argument (logit_bias forbids the rest); the state is as before.
    Result<Token> sample(std::span<const float> logits, std::span<const Token> seen);

    SamplerState state() const { return state_; }
    void restore(SamplerState state) { state_ = state; }

private:
    struct Candidate {
        float logit;
        Token token;
        double weight;  ///< exp((logit - highest) / temperature)
    };
    static bool before(const Candidate &a, const Candidate &b);

    bool adjusts_logits() const;
    void apply_bias();
    void apply_penalties(std::span<const Token> seen);
    void keep_top_k();
    void compute_weights();
    void keep_min_p();
    void keep_top_p(double total_weight);
    double total_weight() const;
    Token draw();

    Sampling sampling_;
    size_t n_vocab_;
    SamplerState state_;
    std::vector<float> adjusted_;        ///< [n_vocab], only if bias or penalties are on
    std::vector<uint32_t> n_seen_;       ///< [n_vocab], zero between calls
    std::vector<Candidate> candidates_;  ///< capacity n_vocab after the first draw
};

}  // namespace hadal::core
