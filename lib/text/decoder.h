// A stream of tokens to whole UTF-8 code points.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace hadal::core {

/// Where in a text the first token stands. At its start the space that encode put in front is dropped.
enum class DecodeFrom { start, middle };

class Decoder {
public:
    Decoder(std::shared_ptr<const Tokenizer> tokenizer, DecodeFrom where, ControlText control = ControlText::left_out);

    /// What is complete with this token; valid until the next call. Bytes that can never become UTF-8 come out as
    /// U+FFFD. Fails: invalid_argument (an id out of range); nothing is lost.
    Result<std::string_view> push(Token token);

    /// The end: an unfinished code point comes out as U+FFFD.
    std::string_view finish();

private:
    std::shared_ptr<const Tokenizer> tokenizer_;
    std::string pending_;  ///< an incomplete code point, at most 3 bytes
    std::string ready_;
    bool at_start_;
    ControlText control_;
};

}  // namespace hadal::core
