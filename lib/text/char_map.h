// SentencePiece's precompiled character map: a double-array trie from short strings to what replaces them.
//
// Source: github.com/google/sentencepiece src/normalizer.cc (the blob's layout), github.com/s-yata/darts-clone (the
// trie's units), github.com/huggingface/spm_precompiled (whole grapheme clusters first, then code points).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hadal::core {

/// What is looked up: grapheme clusters, then code points; or, as SentencePiece itself does, the longest key at each
/// place.
enum class CharMapKeys { clusters, longest };

class CharMap {
public:
    /// base64: the blob, as tokenizer.json has it. Fails: bad_format (the message names no file).
    static Result<CharMap> read(std::string_view base64);
    /// The blob itself, as GGUF has it.
    static Result<CharMap> read_blob(std::string_view blob, CharMapKeys keys);

    /// Fails: invalid_argument (the text grows past 4 GiB).
    Result<void> apply(std::string &text) const;

private:
    struct Found {
        std::string_view value;
        size_t key_bytes;
    };
    enum class Wanted { first, longest };

    /// What the first, or the longest, of the keys that begin this text becomes.
    std::optional<Found> find(std::string_view text, Wanted wanted) const;
    void apply_to_cluster(std::string_view cluster, std::string &out) const;

    CharMapKeys keys_ = CharMapKeys::clusters;
    std::vector<uint32_t> units_;
    std::string values_;  ///< each ends with NUL; UTF-8
};

}  // namespace hadal::core
