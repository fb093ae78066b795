// Text to tokens and back. Works without weights: all it needs is a checkpoint's metadata, or tokenizer.json.
//
// One file per kind of vocabulary; the kind is named by the file, never guessed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/metadata.h"

namespace hadal::core {

using Token = int32_t;

enum class TokenKind : uint8_t { normal, unknown, control, user_defined, byte, unused };

/// Ids with a role; -1 where the vocabulary has none.
struct SpecialTokens {
    Token bos = -1;
    Token eos = -1;
    Token unknown = -1;
    Token padding = -1;
    bool add_bos = false;  ///< encode begins with bos when asked to add special tokens
    bool add_eos = false;
    std::vector<Token> stops;  ///< eos and everything else that ends a turn; sorted
};

/// What becomes of bytes that are no UTF-8: an error that says where, or U+FFFD for each longest part that could have
/// become a code point (Unicode 15, chapter 3.9).
enum class InvalidUtf8 { refused, replaced };

struct EncodeOptions {
    bool add_special = false;    ///< bos and eos as the vocabulary asks; no bos where parse_special found one there
    bool parse_special = false;  ///< recognise special tokens in the text; never set for user text
    InvalidUtf8 invalid_utf8 = InvalidUtf8::refused;
};

/// Takes the first of two bos at the beginning away: a rendered prompt often begins with one of its own.
void keep_one_bos(const SpecialTokens &special, std::vector<Token> &tokens);

/// What decode does with control tokens.
enum class ControlText { left_out, written };

/// Immutable; const calls may run concurrently.
class Tokenizer {
public:
    /// Fails: not_found (the metadata holds no vocabulary), unsupported (names the kind), bad_format (names the key).
    static Result<std::unique_ptr<const Tokenizer>> open(const Metadata &metadata);
    /// path: a .gguf file, a folder with tokenizer.json, or such a file itself.
    /// Fails: not_found, io, unsupported, bad_format.
    static Result<std::unique_ptr<const Tokenizer>> open(const std::string &path);
    /// A folder's tokenizer.json, for an embedding of n_rows: ids past the file's last are unused tokens without text.
    /// Fails also: bad_format (more tokens than rows).
    static Result<std::unique_ptr<const Tokenizer>> open_for_rows(const std::string &folder, size_t n_rows);
    virtual ~Tokenizer() = default;

    virtual size_t size() const = 0;
    virtual const SpecialTokens &special() const = 0;

    /// Fails: invalid_argument (invalid UTF-8, with its offset, where it is refused).
    virtual Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions &options) const = 0;

    /// The bytes a token stands for; those of a control token are its text. The view lives as long as the tokenizer.
    /// Fails: invalid_argument (an id out of range).
    virtual Result<std::string_view> token_bytes(Token token) const = 0;
    virtual Result<TokenKind> token_kind(Token token) const = 0;

    /// Tokens of a whole text to its bytes: drops the space encode put in front; control tokens are left out,
    /// or written as their text. Fails: invalid_argument (an id out of range).
    virtual Result<std::string> decode(const std::vector<Token> &tokens, ControlText control) const = 0;
};

}  // namespace hadal::core
