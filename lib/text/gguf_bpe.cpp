#include "text/gguf_bpe.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/gguf_added.h"
#include "text/gguf_splitters.h"
#include "text/pipeline.h"
#include "text/vocabulary.h"

namespace hadal::core {
namespace {

constexpr const char *kMergesKey = "tokenizer.ggml.merges";
constexpr const char *kSplitterKey = "tokenizer.ggml.pre";

Error bad_merge(const Metadata &metadata, size_t i, std::string_view merge, std::string_view why) {
    return error(Status::bad_format, metadata.file(), ": ", kMergesKey, "[", i, "] is ", quoted(merge), why);
}

Result<std::vector<BpeMerge>> read_merges(const Metadata &metadata, const Vocabulary &vocabulary) {
    TokenIndex index(vocabulary.texts, vocabulary.size());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        const auto added = index.add(static_cast<Token>(i));
        if (!added)
            return error(Status::bad_format, metadata.file(), ": tokenizer.ggml.tokens: ", added.error().message);
    }
    HADAL_TRY(const auto *lines, metadata.strings(kMergesKey));
    if (lines->size() > kMaxTokens) {
        return error(Status::bad_format, metadata.file(), ": ", kMergesKey, " has ", lines->size(), " items, at most ",
                     kMaxTokens);
    }
    std::vector<BpeMerge> merges;
    merges.reserve(lines->size());
    std::string joined;
    for (size_t i = 0; i < lines->size(); ++i) {
        const std::string_view line = (*lines)[i];
        const size_t space = line.find(' ', 1);  // a part may be a space itself, but is never empty
        if (space == std::string_view::npos) return bad_merge(metadata, i, line, ", not two tokens and a space");
        const std::string_view left = line.substr(0, space), right = line.substr(space + 1);
        joined = left;
        joined += right;
        const BpeMerge merge = {index.find(left), index.find(right), index.find(joined)};
        if (merge.left < 0) return bad_merge(metadata, i, line, ", the left part is no token");
        if (merge.right < 0) return bad_merge(metadata, i, line, ", the right part is no token");
        if (merge.merged < 0) return bad_merge(metadata, i, line, ", the two together are no token");
        // What is written in the letters of a control token stays text.
        if (vocabulary.kinds[static_cast<size_t>(merge.merged)] != TokenKind::control) merges.push_back(merge);
    }
    return merges;
}

/// What the tokens are in bytes; members: those a piece of text can become.
StringTable byte_forms(const Vocabulary &vocabulary, std::vector<Token> &members) {
    StringTable forms;
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        const auto bytes =
            vocabulary.kinds[i] == TokenKind::normal ? bytes_of_letters(vocabulary.texts[i]) : std::nullopt;
        forms.add(bytes ? std::string_view(*bytes) : std::string_view());
        if (bytes && !bytes->empty()) members.push_back(static_cast<Token>(i));
    }
    return forms;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> open_gguf_bpe(const Metadata &metadata) {
    if (!metadata.has(kSplitterKey)) {
        return error(Status::unsupported, metadata.file(), ": ", kSplitterKey,
                     " is absent, so how to cut a text is unknown");
    }
    HADAL_TRY(const std::string name, metadata.string(kSplitterKey));
    const GgufSplitter *splitter = find_gguf_splitter(name);
    if (splitter == nullptr) {
        return error(Status::unsupported, metadata.file(), ": ", kSplitterKey, " is ", quoted(name),
                     ", which is not among the names we know");
    }
    SpecialDefaults defaults;
    defaults.add_bos = splitter->adds_bos;
    HADAL_TRY(Vocabulary vocabulary, read_vocabulary(metadata, defaults));
    HADAL_TRY(const std::vector<BpeMerge> merges, read_merges(metadata, vocabulary));

    Pipeline pipeline;
    for (const char *expression : splitter->expressions) {
        HADAL_TRY(Regex regex, Regex::compile(expression));
        pipeline.splitters.push_back(SplitAtRegex{std::move(regex)});
    }
    std::vector<Token> members;
    StringTable forms = byte_forms(vocabulary, members);
    BpeRules rules;
    rules.whole_pieces = splitter->whole_pieces;
    auto model = Bpe::make(std::move(forms), members, merges, std::move(rules));
    if (!model) return error(model.error().status, metadata.file(), ": ", model.error().message);
    pipeline.model = *std::move(model);
    pipeline.decoders.push_back(LettersToBytes{});
    pipeline.added = added_tokens(vocabulary);
    if (vocabulary.special.add_bos) pipeline.prefix.push_back(vocabulary.special.bos);
    if (vocabulary.special.add_eos) pipeline.suffix.push_back(vocabulary.special.eos);
    pipeline.texts = std::move(vocabulary.texts);
    pipeline.kinds = std::move(vocabulary.kinds);
    pipeline.special = std::move(vocabulary.special);
    return make_tokenizer(std::move(pipeline));
}

}  // namespace hadal::core
