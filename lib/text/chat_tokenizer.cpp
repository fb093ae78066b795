#include "text/chat_tokenizer.h"

#include <set>
#include <string>
#include <utility>

namespace hadal::core {

namespace {

/// <think>, <|im_end|>: a user-defined token that a format could mean something by. Others are words and spaces, which
/// are tokens wherever they stand.
bool looks_like_tag(std::string_view text) {
    return text.size() > 2 && text.starts_with('<') && text.ends_with('>');
}

}  // namespace

Result<ChatTokenizer> ChatTokenizer::create(std::shared_ptr<const Tokenizer> tokenizer) {
    std::vector<AddedToken> marks, plain_marks;
    std::set<std::string_view> texts;
    for (size_t i = 0; i < tokenizer->size(); ++i) {
        const auto token = static_cast<Token>(i);
        HADAL_TRY(const TokenKind kind, tokenizer->token_kind(token));
        if (kind != TokenKind::control && kind != TokenKind::user_defined) continue;
        HADAL_TRY(const std::string_view text, tokenizer->token_bytes(token));
        if (text.empty() || (kind == TokenKind::user_defined && !looks_like_tag(text))) continue;
        if (!texts.insert(text).second) continue;
        const AddedToken mark{token, std::string(text), true, false, false, false, false};
        if (kind == TokenKind::user_defined) plain_marks.push_back(mark);
        marks.push_back(mark);
    }
    return ChatTokenizer(std::move(tokenizer), AddedTokens(std::move(marks)), AddedTokens(std::move(plain_marks)));
}

/// A mark that every text is searched for is none to an encoder that does not see it whole.
Result<void> ChatTokenizer::encode_plain(std::string_view text, std::vector<Token> &tokens) const {
    std::vector<AddedTokens::Part> parts;
    plain_marks_.split(text, SpecialText::parsed, parts);
    size_t begin = 0, end = 0;
    const auto encode_piece = [&]() -> Result<void> {
        if (begin == end) return {};
        HADAL_TRY(const auto encoded, tokenizer_->encode(text.substr(begin, end - begin), EncodeOptions{}));
        tokens.insert(tokens.end(), encoded.begin(), encoded.end());
        begin = end;
        return {};
    };
    for (const AddedTokens::Part &part : parts) {
        if (part.token >= 0) {
            ++end;  // behind its '<'
            HADAL_CHECK(encode_piece());
        }
        end = static_cast<size_t>(part.text.data() - text.data()) + part.text.size();
    }
    return encode_piece();
}

Result<std::vector<Token>> ChatTokenizer::tokenize(const ChatPrompt &prompt) const {
    std::vector<Token> tokens;
    std::string plain;  // since the last special token
    const auto finish_plain = [&]() -> Result<void> {
        HADAL_CHECK(encode_plain(plain, tokens));
        plain.clear();
        return {};
    };
    std::vector<AddedTokens::Part> parts;
    for (const ChatSegment &segment : prompt.segments()) {
        if (segment.kind == SegmentKind::content) {
            plain += segment.text;
            continue;
        }
        parts.clear();
        marks_.split(segment.text, SpecialText::parsed, parts);
        for (const AddedTokens::Part &part : parts) {
            if (part.token < 0) {
                plain += part.text;
                continue;
            }
            HADAL_CHECK(finish_plain());
            tokens.push_back(part.token);
        }
    }
    HADAL_CHECK(finish_plain());
    return tokens;
}

}  // namespace hadal::core
