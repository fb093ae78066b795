// WordPiece: a piece is written greedily with the longest tokens; and the case without any parts of words, WordLevel.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/piece_index.h"
#include "text/string_table.h"
#include "text/token_model.h"

namespace hadal::core {

struct WordPieceRules {
    Token unknown = -1;            ///< the whole piece is this if some of it is no token
    std::string first_prefix;      ///< in front of the first token of a piece, in the vocabulary
    std::string later_prefix;      ///< in front of every other one
    size_t max_code_points = 100;  ///< a longer piece is unknown
    bool whole_words_only = false;
};

class WordPiece final : public TokenModel {
public:
    /// members: their forms distinct; empty ones are never found.
    WordPiece(const StringTable &forms, const std::vector<Token> &members, WordPieceRules rules);
    void encode(std::string_view piece, ModelWork &work, std::vector<Token> &out) const override;

private:
    /// The tokens that begin with a prefix, by what follows it.
    struct Rests {
        Rests(const StringTable &forms, const std::vector<Token> &members, std::string_view prefix);
        StringTable texts;
        std::vector<Token> tokens;  ///< [text]
        PieceIndex index;           ///< its tokens are places in texts
    };

    WordPieceRules rules_;
    Rests first_, later_;
};

}  // namespace hadal::core
