// The tokens of a GGUF vocabulary that are found in a text before it is cut.
#pragma once

#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/vocabulary.h"

namespace hadal::core {

/// User-defined tokens, and as special ones control tokens.
inline std::vector<AddedToken> added_tokens(const Vocabulary &vocabulary) {
    std::vector<AddedToken> added;
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        const TokenKind kind = vocabulary.kinds[i];
        if ((kind != TokenKind::control && kind != TokenKind::user_defined) || vocabulary.texts[i].empty()) continue;
        AddedToken token;
        token.token = static_cast<Token>(i);
        token.text = vocabulary.texts[i];
        token.special = kind == TokenKind::control;
        added.push_back(std::move(token));
    }
    return added;
}

}  // namespace hadal::core
