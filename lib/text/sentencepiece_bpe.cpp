// The merge loop, and the way from text to pieces and back.
#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/code_points.h"
#include "text/input_text.h"
#include "text/piece_index.h"
#include "text/token_decoder.h"
#include "text/vocabulary.h"

namespace hadal::core {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";        // U+2581, how the vocabulary writes a space
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Tokens of the kinds that a predicate wants.
template <class Predicate>
std::vector<Token> select(const std::vector<TokenKind> &kinds, Predicate wanted) {
    std::vector<Token> selected;
    for (size_t i = 0; i < kinds.size(); ++i) {
        if (wanted(kinds[i])) selected.push_back(static_cast<Token>(i));
    }
    return selected;
}

/// A run of text that is one symbol so far.
struct Symbol {
    static constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();

    uint32_t offset;
    uint32_t bytes;  ///< 0: merged into its left neighbour
    uint32_t left;   ///< neighbours' indices, or kNobody
    uint32_t right;
    uint32_t piece_i;  ///< PieceIndex::kNone: no piece
};

/// Two neighbours whose joined text is a piece. Out of date once either of them grew.
struct Merge {
    float score;
    uint32_t left;
    uint32_t right;
    uint32_t bytes;  ///< of both together
    uint32_t piece_i;

    /// Least is last: the highest score is merged first, then the leftmost.
    bool operator<(const Merge &other) const { return score != other.score ? score < other.score : left > other.left; }
};

/// Kept from one run of text to the next, to allocate once.
struct Work {
    std::vector<Symbol> symbols;
    std::priority_queue<Merge> merges;
};

/// Whether a piece goes on with a space after something else.
bool joins_words(std::string_view piece) {
    while (piece.starts_with(kSpace)) piece.remove_prefix(kSpace.size());
    return piece.find(kSpace) != std::string_view::npos;
}

/// Bytes of the spaces at the beginning and of what follows, up to the next space.
size_t word_bytes(std::string_view normal) {
    size_t n_spaces = 0;
    while (normal.substr(n_spaces).starts_with(kSpace)) n_spaces += kSpace.size();
    return std::min(normal.find(kSpace, n_spaces), normal.size());
}

class SentencePieceBpe final : public Tokenizer {
public:
    SentencePieceBpe(Vocabulary vocabulary, std::vector<float> scores, std::array<Token, 256> byte_tokens,
                     std::string_view space_in_front);

    size_t size() const override { return vocabulary_.size(); }
    const SpecialTokens &special() const override { return vocabulary_.special; }
    Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions &options) const override;
    Result<std::string_view> token_bytes(Token token) const override;
    Result<TokenKind> token_kind(Token token) const override;
    Result<std::string> decode(const std::vector<Token> &tokens, ControlText control) const override;

private:
    Result<void> check(Token token) const;
    void encode_text(std::string_view text, std::vector<Token> &out) const;
    void encode_between_atoms(std::string_view normal, std::vector<Token> &out) const;
    void merge_and_emit(std::string_view run, Work &work, std::vector<Token> &out) const;
    void push_merge(std::string_view run, uint32_t left, Work &work) const;
    void emit(std::string_view piece, uint32_t piece_i, std::vector<Token> &out) const;
    void emit_bytes(std::string_view code_point, std::vector<Token> &out) const;

    Vocabulary vocabulary_;
    std::vector<float> scores_;
    StringTable bytes_;                   ///< [token]: what it decodes to
    std::array<Token, 256> byte_tokens_;  ///< all -1 where the vocabulary has none
    std::string_view space_in_front_;     ///< kSpace or nothing
    PieceIndex pieces_;                   ///< what merging may give
    PieceIndex atoms_;                    ///< user-defined
    PieceIndex controls_;
    bool words_are_apart_ =
        true;  ///< no piece joins words: each word can be merged by itself, with a heap that is small
};

SentencePieceBpe::SentencePieceBpe(Vocabulary vocabulary, std::vector<float> scores, std::array<Token, 256> byte_tokens,
                                   std::string_view space_in_front)
    : vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      byte_tokens_(byte_tokens),
      space_in_front_(space_in_front),
      pieces_(vocabulary_.texts, select(vocabulary_.kinds, [](TokenKind kind) { return kind == TokenKind::normal; })),
      atoms_(vocabulary_.texts,
             select(vocabulary_.kinds, [](TokenKind kind) { return kind == TokenKind::user_defined; })),
      controls_(vocabulary_.texts,
                select(vocabulary_.kinds, [](TokenKind kind) { return kind == TokenKind::control; })) {
    for (size_t i = 0; i < vocabulary_.size(); ++i) {
        const std::string_view token = vocabulary_.texts[i];
        if (vocabulary_.kinds[i] == TokenKind::normal && joins_words(token)) words_are_apart_ = false;
        switch (vocabulary_.kinds[i]) {
            case TokenKind::byte: {
                const char byte = static_cast<char>(byte_token_value(token));
                bytes_.add(std::string_view(&byte, 1));
                break;
            }
            case TokenKind::unknown:
                bytes_.add(kReplacement);
                break;
            case TokenKind::control:
                bytes_.add(token);
                break;
            default:
                bytes_.add(replace_all(token, kSpace, " "));
        }
    }
}

Result<void> SentencePieceBpe::check(Token token) const {
    if (token >= 0 && static_cast<size_t>(token) < size()) return {};
    return error(Status::invalid_argument, "token ", token, " is not in the vocabulary, allowed 0 to ", size() - 1);
}

Result<std::string_view> SentencePieceBpe::token_bytes(Token token) const {
    HADAL_CHECK(check(token));
    return bytes_[static_cast<size_t>(token)];
}

Result<TokenKind> SentencePieceBpe::token_kind(Token token) const {
    HADAL_CHECK(check(token));
    return vocabulary_.kinds[static_cast<size_t>(token)];
}

Result<std::string> SentencePieceBpe::decode(const std::vector<Token> &tokens, ControlText control) const {
    std::string decoded;
    bool at_start = !space_in_front_.empty();
    for (const Token token : tokens) {
        HADAL_TRY(std::string_view bytes, token_bytes(token));
        const bool is_control = vocabulary_.kinds[static_cast<size_t>(token)] == TokenKind::control;
        if (is_control && control == ControlText::left_out) continue;
        if (!is_control) {
            if (at_start && bytes.starts_with(' ')) bytes.remove_prefix(1);
            at_start = false;
        }
        decoded += bytes;
    }
    return decoded;
}

Result<std::vector<Token>> SentencePieceBpe::encode(std::string_view given, const EncodeOptions &options) const {
    std::string repaired;
    HADAL_TRY(const std::string_view text, input_text(given, options, repaired));
    const SpecialTokens &special = vocabulary_.special;
    std::vector<Token> tokens;
    if (options.add_special && special.add_bos) tokens.push_back(special.bos);
    size_t begin = 0;
    if (options.parse_special) {
        for (size_t at = 0; at < text.size();) {
            const uint32_t control = controls_.longest_prefix(text.substr(at));
            if (control == PieceIndex::kNone) {
                ++at;
                continue;
            }
            encode_text(text.substr(begin, at - begin), tokens);
            tokens.push_back(controls_.token(control));
            at += controls_.text(control).size();
            begin = at;
        }
    }
    encode_text(text.substr(begin), tokens);
    if (options.add_special && options.parse_special) keep_one_bos(special, tokens);
    if (options.add_special && special.add_eos) tokens.push_back(special.eos);
    return tokens;
}

void SentencePieceBpe::encode_text(std::string_view text, std::vector<Token> &out) const {
    if (text.empty()) return;
    std::string normal(space_in_front_);
    normal += replace_all(text, " ", kSpace);
    const std::string_view all = normal;
    size_t begin = 0;
    for (size_t at = 0; atoms_.size() > 0 && at < all.size();) {
        const uint32_t atom = atoms_.longest_prefix(all.substr(at));
        if (atom == PieceIndex::kNone) {
            ++at;
            continue;
        }
        encode_between_atoms(all.substr(begin, at - begin), out);
        out.push_back(atoms_.token(atom));
        at += atoms_.text(atom).size();
        begin = at;
    }
    encode_between_atoms(all.substr(begin), out);
}

void SentencePieceBpe::encode_between_atoms(std::string_view normal, std::vector<Token> &out) const {
    Work work;
    while (!normal.empty()) {
        const std::string_view run = normal.substr(0, words_are_apart_ ? word_bytes(normal) : normal.size());
        merge_and_emit(run, work, out);
        normal.remove_prefix(run.size());
    }
}

void SentencePieceBpe::merge_and_emit(std::string_view run, Work &work, std::vector<Token> &out) const {
    std::vector<Symbol> &symbols = work.symbols;
    symbols.clear();
    for (size_t offset = 0; offset < run.size();) {
        const size_t bytes = code_point_bytes(run[offset]);
        const auto symbol_i = static_cast<uint32_t>(symbols.size());
        symbols.push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(bytes),
                           symbol_i == 0 ? Symbol::kNobody : symbol_i - 1, symbol_i + 1,
                           pieces_.find(run.substr(offset, bytes))});
        offset += bytes;
    }
    symbols.back().right = Symbol::kNobody;

    for (uint32_t left = 0; left < symbols.size(); ++left) push_merge(run, left, work);
    while (!work.merges.empty()) {
        const Merge merge = work.merges.top();
        work.merges.pop();
        Symbol &left = symbols[merge.left];
        Symbol &right = symbols[merge.right];
        // Symbols only grow, or vanish: the sum is as it was only if neither changed.
        if (left.bytes == 0 || right.bytes == 0 || left.bytes + right.bytes != merge.bytes) continue;
        left.bytes = merge.bytes;
        left.piece_i = merge.piece_i;
        left.right = right.right;
        if (right.right != Symbol::kNobody) symbols[right.right].left = merge.left;
        right.bytes = 0;
        push_merge(run, left.left, work);
        push_merge(run, merge.left, work);
    }

    for (uint32_t i = 0; i != Symbol::kNobody; i = symbols[i].right) {
        emit(run.substr(symbols[i].offset, symbols[i].bytes), symbols[i].piece_i, out);
    }
}

void SentencePieceBpe::push_merge(std::string_view run, uint32_t left, Work &work) const {
    if (left == Symbol::kNobody || work.symbols[left].right == Symbol::kNobody) return;
    const Symbol &first = work.symbols[left];
    const uint32_t bytes = first.bytes + work.symbols[first.right].bytes;
    const uint32_t piece_i = pieces_.find(run.substr(first.offset, bytes), first.piece_i);
    if (piece_i == PieceIndex::kNone) return;
    work.merges.push({scores_[static_cast<size_t>(pieces_.token(piece_i))], left, first.right, bytes, piece_i});
}

void SentencePieceBpe::emit(std::string_view piece, uint32_t piece_i, std::vector<Token> &out) const {
    if (piece_i != PieceIndex::kNone) {
        out.push_back(pieces_.token(piece_i));
    } else if (byte_tokens_[0] >= 0) {
        emit_bytes(piece, out);
    } else if (out.empty() || out.back() != vocabulary_.special.unknown) {
        out.push_back(vocabulary_.special.unknown);  // one for a run of unknown code points, as SentencePiece
    }
}

void SentencePieceBpe::emit_bytes(std::string_view code_point, std::vector<Token> &out) const {
    if (code_point == kSpace) code_point = " ";
    for (const char byte : code_point) out.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
}

/// [byte]: its token; all -1 where the vocabulary has none.
Result<std::array<Token, 256>> find_byte_tokens(const Metadata &metadata, const Vocabulary &vocabulary) {
    std::array<Token, 256> byte_tokens;
    byte_tokens.fill(-1);
    size_t n_found = 0;
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        if (vocabulary.kinds[i] != TokenKind::byte) continue;
        const int value = byte_token_value(vocabulary.texts[i]);
        if (value < 0) {
            return error(Status::bad_format, metadata.file(), ": tokenizer.ggml.tokens[", i, "] is ",
                         quoted(vocabulary.texts[i]), ", a byte token is '<0x00>' to '<0xFF>'");
        }
        byte_tokens[static_cast<size_t>(value)] = static_cast<Token>(i);
        ++n_found;
    }
    if (n_found != 0 && n_found != byte_tokens.size()) {
        return error(Status::bad_format, metadata.file(), ": tokenizer.ggml.tokens has ", n_found,
                     " byte tokens, allowed 0 or 256");
    }
    if (n_found == 0 && vocabulary.special.unknown < 0) {
        return error(Status::bad_format, metadata.file(),
                     ": tokenizer.ggml.tokens has 0 byte tokens and no unknown token; one of the two must be there");
    }
    return byte_tokens;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> open_sentencepiece_bpe(const Metadata &metadata) {
    // What SentencePiece gives these roles unless its trainer was told otherwise.
    SpecialDefaults defaults;
    defaults.unknown = 0;
    defaults.bos = 1;
    defaults.eos = 2;
    defaults.add_bos = true;
    HADAL_TRY(Vocabulary vocabulary, read_vocabulary(metadata, defaults));
    HADAL_TRY(std::vector<float> scores, read_scores(metadata, vocabulary.size()));
    HADAL_TRY(const auto byte_tokens, find_byte_tokens(metadata, vocabulary));
    HADAL_TRY(const bool add_space, metadata.boolean_or("tokenizer.ggml.add_space_prefix", true));
    return std::unique_ptr<const Tokenizer>(std::make_unique<const SentencePieceBpe>(
        std::move(vocabulary), std::move(scores), byte_tokens, add_space ? kSpace : std::string_view()));
}

}  // namespace hadal::core
