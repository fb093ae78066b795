// Sorting, and binary search in ranges of common prefixes.
#include "text/piece_index.h"

#include <algorithm>

namespace hadal::core {

PieceIndex::PieceIndex(const StringTable &texts, std::vector<Token> members)
    : texts_(texts), sorted_(std::move(members)) {
    const auto text_of = [this](Token token) { return texts_[static_cast<size_t>(token)]; };
    std::erase_if(sorted_, [&](Token token) { return text_of(token).empty(); });
    std::sort(sorted_.begin(), sorted_.end(), [&](Token a, Token b) { return text_of(a) < text_of(b); });

    const auto n_pieces = static_cast<uint32_t>(sorted_.size());
    extensions_end_.assign(n_pieces, n_pieces);
    parent_.assign(n_pieces, kNone);
    uint32_t open = kNone;  // the innermost piece whose range is not yet closed; the others are its parents
    for (uint32_t piece_i = 0; piece_i < n_pieces; ++piece_i) {
        longest_bytes_ = std::max(longest_bytes_, text(piece_i).size());
        while (open != kNone && !text(piece_i).starts_with(text(open))) {
            extensions_end_[open] = piece_i;
            open = parent_[open];
        }
        parent_[piece_i] = open;
        open = piece_i;
    }
}

uint32_t PieceIndex::find(std::string_view wanted, uint32_t prefix_i) const {
    if (wanted.empty() || wanted.size() > longest_bytes_) return kNone;
    uint32_t begin = 0;
    uint32_t end = static_cast<uint32_t>(sorted_.size());
    size_t known = 0;  // leading bytes that all pieces of the range share with the wanted text
    if (prefix_i != kNone) {
        begin = prefix_i;
        end = extensions_end_[prefix_i];
        known = text(prefix_i).size();
    }
    const std::string_view rest = wanted.substr(known);
    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2;
        const int order = text(middle).substr(known).compare(rest);
        if (order == 0) return middle;
        if (order < 0) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return kNone;
}

uint32_t PieceIndex::longest_prefix(std::string_view wanted) const {
    // Every piece between a prefix of the text and the text itself begins with that prefix: the longest prefix is the
    // last piece not after the text, or one of its parents.
    const auto after = std::partition_point(sorted_.begin(), sorted_.end(),
                                            [&](Token token) { return texts_[static_cast<size_t>(token)] <= wanted; });
    auto piece_i = static_cast<uint32_t>(after - sorted_.begin());
    if (piece_i == 0) return kNone;
    --piece_i;
    while (piece_i != kNone && !wanted.starts_with(text(piece_i))) piece_i = parent_[piece_i];
    return piece_i;
}

}  // namespace hadal::core
