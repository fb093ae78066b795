// A rendered chat as tokens: special tokens come from the format's own text, never from what a request says.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/chat_format.h"
#include "text/tokenizer.h"

namespace hadal::core {

class ChatTokenizer {
public:
    /// Fails: as Tokenizer::token_bytes.
    static Result<ChatTokenizer> create(std::shared_ptr<const Tokenizer> tokenizer);

    /// Text between two special tokens is encoded as one, wherever markup and content meet in it: so the ids are those
    /// that encoding the whole text would give, had the request's text no special tokens in it. Nothing is added: BOS
    /// is there where the format writes it. Fails: as Tokenizer::encode.
    Result<std::vector<Token>> tokenize(const ChatPrompt &prompt) const;

    /// The texts that are special tokens in markup.
    const AddedTokens &marks() const { return marks_; }

private:
    ChatTokenizer(std::shared_ptr<const Tokenizer> tokenizer, AddedTokens marks, AddedTokens plain_marks)
        : tokenizer_(std::move(tokenizer)), marks_(std::move(marks)), plain_marks_(std::move(plain_marks)) {}
    Result<void> encode_plain(std::string_view text, std::vector<Token> &tokens) const;

    std::shared_ptr<const Tokenizer> tokenizer_;
    AddedTokens marks_;        ///< control tokens, and user-defined ones that look like tags
    AddedTokens plain_marks_;  ///< those of them that any text is searched for: user-defined ones
};

}  // namespace hadal::core
