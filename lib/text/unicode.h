// What Unicode says of code points, and its normal forms, by utf8proc. Texts are valid UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hadal::core {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// Fails: out_of_memory, invalid_argument (the result would be larger than the library allows).
Result<std::string> normal_form(std::string_view text, NormalForm form);

/// Appends the lower case of a code point: one code point, or two for U+0130.
void append_lower(char32_t c, std::string &out);

bool is_mark(char32_t c);               ///< Mn, Mc, Me, as the tokenizers package has them
bool is_nonspacing_mark(char32_t c);    ///< Mn, as its normalizer for BERT has them
bool is_control_or_format(char32_t c);  ///< Cc, Cf, Co, Cs, as that has them
bool is_word_letter(char32_t c);        ///< what \w matches: letters, marks, numbers, connectors

/// Bytes of the grapheme cluster a text begins with; the text is not empty.
size_t grapheme_bytes(std::string_view text);

}  // namespace hadal::core
