// Short pieces are merged by looking at all pairs, long ones by a queue, so that no piece takes quadratic time.
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "text/code_points.h"

namespace hadal::core {
namespace {

/// Up to here looking at all pairs again after each merge is quicker than keeping a queue.
constexpr size_t kMaxShort = 64;
constexpr size_t kMaxProbes = 256;
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
constexpr uint32_t kNobody = UINT32_MAX;

uint64_t pair_of(Token left, Token right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

size_t place_of(uint64_t pair) {
    const uint64_t hash = (pair ^ pair >> 29) * kMultiplier;
    return static_cast<size_t>(hash ^ hash >> 32);
}

/// A token of a long piece, and its neighbours.
struct Link {
    Token token;  ///< -1: merged into its left neighbour
    uint32_t left, right;
};

/// Out of date once either of the two tokens changed.
struct Candidate {
    uint32_t rank, left_i;
    Token left, right;

    /// The least is taken last: the lowest rank first, then the leftmost.
    bool operator<(const Candidate &other) const {
        return rank != other.rank ? rank > other.rank : left_i > other.left_i;
    }
};

}  // namespace

Result<MergeTable> MergeTable::make(std::span<const BpeMerge> merges) {
    MergeTable table;
    table.slots_.resize(std::bit_ceil(2 * merges.size() + 2));
    const size_t mask = table.slots_.size() - 1;
    for (size_t rank = 0; rank < merges.size(); ++rank) {
        const uint64_t pair = pair_of(merges[rank].left, merges[rank].right);
        const size_t place = place_of(pair);
        size_t probe = 0;
        while (probe < kMaxProbes) {
            const uint64_t there = table.slots_[(place + probe) & mask].pair;
            if (there == UINT64_MAX || there == pair) break;
            ++probe;
        }
        if (probe == kMaxProbes) {
            return error(Status::bad_format, "merge ", rank, " and ", kMaxProbes, " others are made to collide");
        }
        table.slots_[(place + probe) & mask] = {pair, static_cast<uint32_t>(rank), merges[rank].merged};
    }
    return table;
}

const MergeTable::Slot &MergeTable::find(Token left, Token right) const {
    static constexpr Slot kNoMerge;
    const uint64_t pair = pair_of(left, right);
    const size_t mask = slots_.size() - 1;
    for (size_t place = place_of(pair);; ++place) {
        const Slot &slot = slots_[place & mask];
        if (slot.pair == pair) return slot;
        if (slot.pair == UINT64_MAX) return kNoMerge;
    }
}

Result<std::unique_ptr<const Bpe>> Bpe::make(StringTable forms, std::span<const Token> members,
                                             std::span<const BpeMerge> merges, BpeRules rules) {
    std::unique_ptr<Bpe> bpe(new Bpe(std::move(forms), members.size(), std::move(rules)));
    HADAL_TRY(bpe->merges_, MergeTable::make(merges));
    bpe->of_byte_.fill(-1);
    for (const Token token : members) {
        HADAL_TRY(const Token same, bpe->index_.add(token));
        if (same >= 0) return error(Status::bad_format, "tokens ", same, " and ", token, " are the same text");
        const std::string_view form = bpe->forms_[static_cast<size_t>(token)];
        if (form.size() == 1) bpe->of_byte_[static_cast<unsigned char>(form[0])] = token;
    }
    return std::unique_ptr<const Bpe>(std::move(bpe));
}

void Bpe::encode(std::string_view piece, ModelWork &work, std::vector<Token> &out) const {
    using Word = ModelWork::Word;
    if (piece.size() > Word::kMaxBytes) return encode_uncached(piece, work, out);
    if (work.words.empty()) work.words.resize(ModelWork::kWords);
    Word &word = work.words[hash_text(piece) % ModelWork::kWords];
    if (word.n_bytes == piece.size() && std::memcmp(word.bytes, piece.data(), piece.size()) == 0) {
        out.insert(out.end(), word.tokens, word.tokens + word.n_tokens);
        return;
    }
    const size_t n_before = out.size();
    encode_uncached(piece, work, out);
    const size_t n_tokens = out.size() - n_before;
    if (n_tokens > Word::kMaxTokens) return;
    word.n_bytes = static_cast<uint8_t>(piece.size());
    word.n_tokens = static_cast<uint8_t>(n_tokens);
    std::memcpy(word.bytes, piece.data(), piece.size());
    std::copy(out.begin() + static_cast<std::ptrdiff_t>(n_before), out.end(), word.tokens);
}

void Bpe::encode_uncached(std::string_view piece, ModelWork &work, std::vector<Token> &out) const {
    if (rules_.whole_pieces == WholePieces::take) {
        if (const Token token = index_.find(piece); token >= 0) return out.push_back(token);
    }
    begin(piece, work);
    work.symbols.size() <= kMaxShort ? merge_short(work) : merge_long(work);
    out.insert(out.end(), work.symbols.begin(), work.symbols.end());
}

void Bpe::begin(std::string_view piece, ModelWork &work) const {
    work.symbols.clear();
    if (rules_.symbols == BpeSymbols::code_points) return begin_with_code_points(piece, work);
    for (const char byte : piece) {
        const Token token = of_byte_[static_cast<unsigned char>(byte)];
        if (token >= 0) work.symbols.push_back(token);
    }
}

void Bpe::begin_with_code_points(std::string_view piece, ModelWork &work) const {
    bool unknown_waits = false;
    for (size_t at = 0; at < piece.size();) {
        const size_t begin = at;
        at += code_point_bytes(piece[at]);
        work.text.clear();
        if (begin > 0) work.text += rules_.later_prefix;
        work.text += piece.substr(begin, at - begin);
        if (at == piece.size()) work.text += rules_.last_suffix;
        const Token token = index_.find(work.text);
        if (token < 0 && rules_.has_byte_tokens) {
            for (const char byte : work.text) {
                work.symbols.push_back(rules_.byte_tokens[static_cast<unsigned char>(byte)]);
            }
            continue;
        }
        const bool is_unknown = token < 0 && rules_.unknown >= 0;
        if (unknown_waits && (token >= 0 || rules_.unknown_runs == UnknownRuns::one_each)) {
            work.symbols.push_back(rules_.unknown);
            unknown_waits = false;
        }
        if (token >= 0) work.symbols.push_back(token);
        if (is_unknown) unknown_waits = true;
    }
    if (unknown_waits) work.symbols.push_back(rules_.unknown);
}

void Bpe::merge_short(ModelWork &work) const {
    auto &symbols = work.symbols;
    auto &ranks = work.ranks;
    if (symbols.size() < 2) return;
    ranks.resize(symbols.size() - 1);
    const auto rank_at = [&](size_t i) {
        ++work.n_pairs;
        return merges_.find(symbols[i], symbols[i + 1]).rank;
    };
    for (size_t i = 0; i < ranks.size(); ++i) ranks[i] = rank_at(i);
    while (!ranks.empty()) {
        const auto best = static_cast<size_t>(std::min_element(ranks.begin(), ranks.end()) - ranks.begin());
        if (ranks[best] == MergeTable::kNone) return;
        symbols[best] = merges_.find(symbols[best], symbols[best + 1]).merged;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
        ranks.erase(ranks.begin() + static_cast<std::ptrdiff_t>(best));
        if (best > 0) ranks[best - 1] = rank_at(best - 1);
        if (best < ranks.size()) ranks[best] = rank_at(best);
    }
}

void Bpe::merge_long(ModelWork &work) const {
    const auto n_symbols = static_cast<uint32_t>(work.symbols.size());
    std::vector<Link> links(n_symbols);
    std::vector<Candidate> queue;
    for (uint32_t i = 0; i < n_symbols; ++i) {
        links[i] = {work.symbols[i], i == 0 ? kNobody : i - 1, i + 1 == n_symbols ? kNobody : i + 1};
    }
    const auto candidate_at = [&](uint32_t i) {
        const Link &left = links[i];
        const Token right = links[left.right].token;
        ++work.n_pairs;
        return Candidate{merges_.find(left.token, right).rank, i, left.token, right};
    };
    for (uint32_t i = 0; i + 1 < n_symbols; ++i) {
        if (const Candidate candidate = candidate_at(i); candidate.rank != MergeTable::kNone)
            queue.push_back(candidate);
    }
    std::make_heap(queue.begin(), queue.end());
    const auto push = [&](uint32_t i) {
        if (i == kNobody || links[i].right == kNobody) return;
        const Candidate candidate = candidate_at(i);
        if (candidate.rank == MergeTable::kNone) return;
        queue.push_back(candidate);
        std::push_heap(queue.begin(), queue.end());
    };
    while (!queue.empty()) {
        std::pop_heap(queue.begin(), queue.end());
        const Candidate next = queue.back();
        queue.pop_back();
        Link &left = links[next.left_i];
        if (left.token != next.left || left.right == kNobody || links[left.right].token != next.right) continue;
        Link &right = links[left.right];
        left.token = merges_.find(next.left, next.right).merged;
        right.token = -1;
        left.right = right.right;
        if (left.right != kNobody) links[left.right].left = next.left_i;
        push(left.left);
        push(next.left_i);
    }
    work.symbols.clear();
    for (uint32_t i = 0; i != kNobody; i = links[i].right) work.symbols.push_back(links[i].token);
}

}  // namespace hadal::core
