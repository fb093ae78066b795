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
    ChatTokenizer(std::shared_ptr<const Tokenizer> tokenizer, AddedTokens marks)
        : tokenizer_(std::move(tokenizer)), marks_(std::move(marks)) {}

    std::shared_ptr<const Tokenizer> tokenizer_;
    AddedTokens marks_;  ///< control and user-defined tokens
};

}  // namespace hadal::core
