// Finds stop strings in text that arrives in pieces, and holds back what may still become one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hadal::core {

/// The match that begins first counts, so the text before it does not depend on how it was cut into pieces: a match is
/// reported once no other that begins earlier can be completed. Copyable, to be put back when a run fails.
class StopMatcher {
public:
    /// Fails: invalid_argument (an empty stop string, or one that is not UTF-8, with its index).
    static Result<StopMatcher> make(const std::vector<std::string> &stop_strings);

    /// What became final with this piece, which ends between code points; valid until the next call. After a match:
    /// always empty.
    std::string_view push(std::string_view piece);

    /// The end of the text: what was held back, up to a match that only the end made certain.
    std::string_view finish();

    /// Whether a stop string was found; the text given out so far is all there is.
    bool found() const { return found_; }

private:
    /// Knuth, Morris, Pratt: how much of one stop string the text ends with.
    struct Pattern {
        std::string bytes;
        std::vector<uint32_t> border;  ///< [n - 1]: the longest proper beginning of the first n bytes that ends them
        size_t n_matched = 0;

        explicit Pattern(std::string_view stop_string);
        void advance(char byte);
    };

    void compact();
    size_t n_held_back() const;

    std::vector<Pattern> patterns_;
    std::string buffer_;
    size_t given_out_ = 0;        ///< leading bytes of the buffer
    std::optional<size_t> stop_;  ///< offset in the buffer where the first match so far begins
    bool found_ = false;
};

}  // namespace hadal::core
