// SentencePiece's unigram model: of all ways to write a piece in tokens, the one with the highest sum of scores.
//
// Source: arXiv:1804.10959; github.com/google/sentencepiece src/unigram_model.cc.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/piece_index.h"
#include "text/string_table.h"
#include "text/token_model.h"

namespace hadal::core {

/// A code point that no token covers scores so much less than any token: SentencePiece's.
inline constexpr double kUnknownPenalty = 10;

struct UnigramRules {
    std::vector<double> scores;  ///< [token], finite
    Token unknown = -1;          ///< what no token covers; a run of it is one
    double unknown_score = 0;    ///< for each code point of that
    std::array<Token, 256> byte_tokens{};
    bool has_byte_tokens = false;  ///< then they take the place of the unknown token
};

class Unigram final : public TokenModel {
public:
    /// members: distinct, with scores; empty ones are never found.
    Unigram(StringTable forms, std::vector<Token> members, UnigramRules rules);
    void encode(std::string_view piece, ModelWork &work, std::vector<Token> &out) const override;

private:
    StringTable forms_;
    PieceIndex pieces_;
    UnigramRules rules_;
};

}  // namespace hadal::core
