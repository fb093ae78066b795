// Where the tokenizers whose files we read know another Unicode than our libraries do: code points that Unicode 15 and
// 16 gave a category, for a PCRE2 that knows Unicode 14; and those whose normal forms are too new for them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hadal::core {

/// The newer members of a general category ("L", "Lu") or script ("Han"), as PCRE2 writes them inside a class; empty:
/// it has none.
std::string newer_members(std::string_view category);

/// Whether normal forms are nothing to it: a code point of Unicode 10 to 18 that decomposes, composes or is reordered,
/// which the tokenizers package, whose normal forms are those of Unicode 9, leaves where it is.
bool is_newer_than_forms(char32_t c);

/// A mark since Unicode 10, which the package does not strip; and what its normalizer for BERT leaves, whose Unicode is
/// older still.
bool is_newer_mark(char32_t c);
bool is_newer_nonspacing_mark(char32_t c);
bool is_newer_format(char32_t c);
/// A letter of words for the package, but not by its category in Unicode 14.
bool is_newer_word_letter(char32_t c);
/// The lower case of what has had one since Unicode 15.
std::optional<char32_t> newer_lower(char32_t c);

}  // namespace hadal::core
