// Small vocabularies, as metadata that a test may still spoil.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "format/metadata.h"
#include "text/tokenizer.h"

namespace hadal::test {

struct Piece {
    std::string text;
    double score = 0;
    int64_t type = 1;  ///< as GGUF numbers them: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
};

/// <unk>, <s>, </s>, the 256 byte tokens (ids 3 to 258), then these pieces from id 259 on.
inline std::vector<Piece> with_bytes(const std::vector<Piece> &pieces) {
    std::vector<Piece> all = {{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}};
    for (unsigned byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", byte);
        all.push_back({name, 0, 6});
    }
    all.insert(all.end(), pieces.begin(), pieces.end());
    return all;
}

using Values = std::map<std::string, core::MetaValue, std::less<>>;

/// The keys of a GGUF file with this vocabulary; add and replace as the test wants.
inline Values vocabulary_values(const std::vector<Piece> &pieces) {
    std::vector<std::string> texts;
    std::vector<double> scores;
    std::vector<int64_t> types;
    for (const Piece &piece : pieces) {
        texts.push_back(piece.text);
        scores.push_back(piece.score);
        types.push_back(piece.type);
    }
    return {{"tokenizer.ggml.model", std::string("llama")},
            {"tokenizer.ggml.tokens", std::move(texts)},
            {"tokenizer.ggml.scores", std::move(scores)},
            {"tokenizer.ggml.token_type", std::move(types)}};
}

inline core::Result<std::unique_ptr<const core::Tokenizer>> open_tokenizer(const Values &values) {
    core::Metadata metadata("test.gguf");
    for (const auto &[key, value] : values) HADAL_CHECK(metadata.add(key, value));
    return core::Tokenizer::open(metadata);
}

}  // namespace hadal::test
