// A tokenizer as Hugging Face's tools write it: tokenizer.json, and tokenizer_config.json beside it.
//
// tokenizer_config.json says which tokens have a role, and, where it does, whether a text begins and ends with them;
// where it does not, the post-processor of tokenizer.json says what is put around a text.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// folder: holds the file of that name. n_rows: of the embedding; nullopt: as many as there are tokens.
/// Fails: not_found, io, bad_format, unsupported (names file and field).
Result<std::unique_ptr<const Tokenizer>> open_tokenizer_json(const std::string &folder, const std::string &name,
                                                             std::optional<size_t> n_rows = std::nullopt);

/// The same of texts in memory: tokenizer.json's, and that of tokenizer_config.json where there is one.
Result<std::unique_ptr<const Tokenizer>> parse_tokenizer_json(std::string_view tokenizer,
                                                              std::optional<std::string_view> config = std::nullopt);

}  // namespace hadal::core
