// The search, and what a token asks of its neighbourhood.
#include "text/added_tokens.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "text/code_points.h"
#include "text/unicode.h"

namespace hadal::core {
namespace {

/// Offset of the last code point of a text that is not empty.
size_t last_code_point(std::string_view text) {
    size_t at = text.size() - 1;
    while ((static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80) --at;
    return at;
}

bool ends_with_word(std::string_view text) {
    if (text.empty()) return false;
    size_t at = last_code_point(text);
    return is_word_letter(take_code_point(text, at));
}

bool begins_with_word(std::string_view text) {
    size_t at = 0;
    return !text.empty() && is_word_letter(take_code_point(text, at));
}

size_t without_spaces_behind(std::string_view text) {
    while (!text.empty()) {
        const size_t last = last_code_point(text);
        size_t at = last;
        if (!is_white_space(take_code_point(text, at))) break;
        text = text.substr(0, last);
    }
    return text.size();
}

size_t spaces_in_front(std::string_view text) {
    size_t n_bytes = 0;
    for (size_t at = 0; at < text.size();) {
        if (!is_white_space(take_code_point(text, at))) break;
        n_bytes = at;
    }
    return n_bytes;
}

}  // namespace

struct AddedTokens::Index {
    explicit Index(StringTable given) : texts(std::move(given)), pieces(texts, all_of(texts)) {}
    static std::vector<Token> all_of(const StringTable &texts) {
        std::vector<Token> all(texts.size());
        std::iota(all.begin(), all.end(), Token{0});
        return all;
    }
    StringTable texts;
    PieceIndex pieces;  ///< its tokens are indices into tokens_
};

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
    StringTable texts;
    for (const AddedToken &each : tokens_) {
        texts.add(each.text);
        begins_[static_cast<unsigned char>(each.text[0])] = true;
    }
    index_ = std::make_shared<const Index>(std::move(texts));
}

void AddedTokens::split(std::string_view text, SpecialText special, std::vector<Part> &parts) const {
    size_t done = 0, spaces_end = 0;
    for (size_t at = 0; at < text.size() && !tokens_.empty();) {
        if (!begins_[static_cast<unsigned char>(text[at])]) {
            ++at;
            continue;
        }
        const uint32_t found = index_->pieces.longest_prefix(text.substr(at));
        if (found == PieceIndex::kNone) {
            ++at;
            continue;
        }
        const AddedToken &token = tokens_[static_cast<size_t>(index_->pieces.token(found))];
        size_t begin = at, end = at + token.text.size();
        at = end;  // what is refused below is not looked into again
        if (token.special && special == SpecialText::plain) continue;
        if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end))))
            continue;
        if (token.strips_left && begin > done) {
            begin = done + without_spaces_behind(text.substr(done, begin - done));
        }
        if (token.strips_right) {
            // The search goes on inside those spaces, which may be tokens that strip too: each is looked at once.
            if (spaces_end < end) spaces_end = end + spaces_in_front(text.substr(end));
            end = spaces_end;
        }
        if (done < begin) parts.push_back({text.substr(done, begin - done), -1});
        parts.push_back({text.substr(begin, end - begin), token.token});
        done = end;
    }
    if (done < text.size()) parts.push_back({text.substr(done), -1});
}

}  // namespace hadal::core
