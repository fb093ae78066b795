// What a caller gives to encode, made fit for it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// text if it is UTF-8; else, where options ask for it, what it becomes, which then lies in repaired.
/// Fails: invalid_argument (not UTF-8, with the offset; longer than 1 GiB).
Result<std::string_view> input_text(std::string_view text, const EncodeOptions &options, std::string &repaired);

}  // namespace hadal::core
