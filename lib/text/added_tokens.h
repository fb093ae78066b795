// Tokens that are found in the text itself, before it is cut: special ones, and those a vocabulary was given later.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/piece_index.h"
#include "text/string_table.h"
#include "text/tokenizer.h"

namespace hadal::core {

struct AddedToken {
    Token token = -1;
    std::string text;
    bool special = false;      ///< found only where special tokens are asked for
    bool normalized = false;   ///< looked for in the normalised text, itself normalised
    bool strips_left = false;  ///< takes the white space before it, or behind
    bool strips_right = false;
    bool single_word = false;  ///< only where no letter, digit or _ is next to it
};

enum class SpecialText { parsed, plain };

/// Finds the longest added token at each place, from left to right.
class AddedTokens {
public:
    AddedTokens() = default;
    /// texts of tokens: distinct, not empty.
    explicit AddedTokens(std::vector<AddedToken> tokens);

    const std::vector<AddedToken> &tokens() const { return tokens_; }

    struct Part {
        std::string_view text;
        Token token;  ///< -1: plain text
    };

    /// The text in parts, none empty.
    void split(std::string_view text, SpecialText special, std::vector<Part> &parts) const;

private:
    struct Index;
    std::vector<AddedToken> tokens_;
    std::shared_ptr<const Index> index_;  ///< borrows texts it owns itself
    std::array<bool, 256> begins_{};      ///< [byte]: some token begins with it
};

}  // namespace hadal::core
