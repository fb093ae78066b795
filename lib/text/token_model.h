// What turns one piece of a text into tokens: one implementation per kind of vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hadal::core {

/// Memory of one running call, kept from piece to piece and from call to call.
struct ModelWork {
    /// Words and what they become: a new word takes the place of whichever lay there.
    struct Word {
        static constexpr size_t kMaxBytes = 30, kMaxTokens = 8;
        uint8_t n_bytes = 0;  ///< 0: nobody
        uint8_t n_tokens = 0;
        char bytes[kMaxBytes];
        Token tokens[kMaxTokens];
    };
    static constexpr size_t kWords = 32768;  // 2 MB; the 20,000 commonest words are most of any text

    std::vector<Word> words;      ///< empty until it is used
    std::vector<Token> symbols;   ///< of a short piece
    std::vector<uint32_t> ranks;  ///< [symbol]: of merging it with the next
    std::string text;
    uint64_t n_pairs = 0;  ///< looked up so far: how much work merging was
};

/// Immutable; const calls may run concurrently.
class TokenModel {
public:
    virtual ~TokenModel() = default;
    /// piece: not empty, valid UTF-8 unless the model takes bytes.
    virtual void encode(std::string_view piece, ModelWork &work, std::vector<Token> &out) const = 0;
};

}  // namespace hadal::core
