// Rewrites a text before it is cut. A pipeline of steps; texts are valid UTF-8 and stay so.
//
// Source: github.com/huggingface/tokenizers docs/source-doc-builder/components.mdx, compared with that library.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "text/char_map.h"
#include "text/regex.h"
#include "text/unicode.h"

namespace hadal::core {

struct ToForm {
    NormalForm form = NormalForm::nfc;
};
struct Lowercase {};
struct StripAccents {};  ///< all marks
/// SentencePiece's before its character maps: control characters go, odd spaces become spaces.
struct CleanAsNmt {};
struct Prepend {
    std::string text;  ///< in front of what is not empty
};
struct Strip {
    bool left = true, right = true;
};
struct ReplaceText {
    std::string text, with;  ///< text is not empty
};
struct ReplaceMatches {
    Regex regex;
    std::string with;
};
/// What BERT's tokenizers do, each if asked for, in this order.
struct Bert {
    bool clean = true;             ///< no control characters, plain spaces
    bool space_ideographs = true;  ///< a space before and behind each
    bool strip_accents = true;
    bool lowercase = true;
};
struct MapBytesToLetters {};
/// SentencePiece's spaces, as marks.
struct SpacesToMarks {
    enum class Added { none, in_front, behind };
    std::string mark;
    Added added = Added::none;
    bool joins = false;  ///< several are one, in front of each word; none are left behind the last
};

using NormalStep = std::variant<ToForm, Lowercase, StripAccents, CleanAsNmt, Prepend, Strip, ReplaceText,
                                ReplaceMatches, Bert, MapBytesToLetters, SpacesToMarks, CharMap>;

/// Fails: invalid_argument (a regular expression gives up, or the text grows past 4 GiB), out_of_memory.
Result<void> normalize(const std::vector<NormalStep> &steps, std::string &text, RegexWork &work);

}  // namespace hadal::core
