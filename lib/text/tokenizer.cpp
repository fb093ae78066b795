// Chooses the tokenizer by the kind of vocabulary the file names.
#include "text/tokenizer.h"

#include "base/file.h"
#include "base/utf8.h"
#include "format/checkpoint.h"
#include "text/gguf_bpe.h"
#include "text/gguf_unigram.h"
#include "text/gguf_word_piece.h"
#include "text/sentencepiece_bpe.h"
#include "text/tokenizer_json.h"

namespace hadal::core {
namespace {

constexpr const char *kFileName = "tokenizer.json";

}  // namespace

void keep_one_bos(const SpecialTokens &special, std::vector<Token> &tokens) {
    const bool is_twice = tokens.size() >= 2 && tokens[0] == special.bos && tokens[1] == special.bos;
    if (is_twice && special.bos >= 0) tokens.erase(tokens.begin());
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::open(const Metadata &metadata) {
    constexpr const char *kKindKey = "tokenizer.ggml.model";
    if (!metadata.has(kKindKey)) {
        return error(Status::not_found, metadata.file(), ": no vocabulary (", kKindKey, " is absent)");
    }
    HADAL_TRY(const std::string kind, metadata.string(kKindKey));
    if (kind == "llama") return open_sentencepiece_bpe(metadata);
    if (kind == "gpt2") return open_gguf_bpe(metadata);
    if (kind == "bert") return open_gguf_word_piece(metadata);
    if (kind == "t5") return open_gguf_unigram(metadata);
    return error(Status::unsupported, metadata.file(), ": ", kKindKey, " is ", quoted(kind),
                 ", supported: 'bert', 'gpt2', 'llama', 't5'");
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::open(const std::string &path) {
    if (is_folder(path)) return open_tokenizer_json(path, kFileName);
    if (path.ends_with(".json")) {
        const size_t slash = path.rfind('/');
        const bool has_folder = slash != std::string::npos;
        return open_tokenizer_json(has_folder ? path.substr(0, slash + 1) : ".",
                                   has_folder ? path.substr(slash + 1) : path);
    }
    HADAL_TRY(const Checkpoint checkpoint, Checkpoint::open(path));
    return open(checkpoint.metadata());
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::open_for_rows(const std::string &folder, size_t n_rows) {
    return open_tokenizer_json(folder, kFileName, n_rows);
}

}  // namespace hadal::core
