#include "text/word_piece.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hadal::core {
namespace {

std::vector<Token> from_0_to(size_t n) {
    std::vector<Token> numbers(n);
    std::iota(numbers.begin(), numbers.end(), Token{0});
    return numbers;
}

}  // namespace

WordPiece::Rests::Rests(const StringTable &forms, const std::vector<Token> &members, std::string_view prefix)
    : tokens([&] {
          std::vector<Token> kept;
          for (const Token token : members) {
              const std::string_view form = forms[static_cast<size_t>(token)];
              if (!form.starts_with(prefix)) continue;
              texts.add(form.substr(prefix.size()));
              kept.push_back(token);
          }
          return kept;
      }()),
      index(texts, from_0_to(tokens.size())) {}

WordPiece::WordPiece(const StringTable &forms, const std::vector<Token> &members, WordPieceRules rules)
    : rules_(std::move(rules)),
      first_(forms, members, rules_.first_prefix),
      later_(forms, members, rules_.later_prefix) {}

void WordPiece::encode(std::string_view piece, ModelWork &, std::vector<Token> &out) const {
    if (rules_.whole_words_only) {
        const uint32_t found = first_.index.find(piece);
        const bool is_known = found != PieceIndex::kNone;
        return out.push_back(is_known ? first_.tokens[static_cast<size_t>(first_.index.token(found))] : rules_.unknown);
    }
    const auto n_code_points = static_cast<size_t>(std::count_if(
        piece.begin(), piece.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80; }));
    if (n_code_points > rules_.max_code_points) return out.push_back(rules_.unknown);
    const auto n_before = out.size();
    for (const Rests *rests = &first_; !piece.empty(); rests = &later_) {
        const uint32_t found = rests->index.longest_prefix(piece);
        if (found == PieceIndex::kNone) {
            out.resize(n_before);
            return out.push_back(rules_.unknown);
        }
        out.push_back(rests->tokens[static_cast<size_t>(rests->index.token(found))]);
        piece.remove_prefix(rests->index.text(found).size());
    }
}

}  // namespace hadal::core
