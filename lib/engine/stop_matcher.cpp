// One automaton a stop string, all fed byte by byte: linear in the text for a given set.
#include "engine/stop_matcher.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"

namespace hadal::core {

StopMatcher::Pattern::Pattern(std::string_view stop_string) : bytes(stop_string), border(stop_string.size(), 0) {
    uint32_t length = 0;
    for (size_t i = 1; i < bytes.size(); ++i) {
        while (length > 0 && bytes[i] != bytes[length]) length = border[length - 1];
        if (bytes[i] == bytes[length]) ++length;
        border[i] = length;
    }
}

void StopMatcher::Pattern::advance(char byte) {
    if (n_matched == bytes.size()) n_matched = border[n_matched - 1];
    while (n_matched > 0 && byte != bytes[n_matched]) n_matched = border[n_matched - 1];
    if (byte == bytes[n_matched]) ++n_matched;
}

Result<StopMatcher> StopMatcher::make(const std::vector<std::string> &stop_strings) {
    constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
    StopMatcher matcher;
    for (size_t i = 0; i < stop_strings.size(); ++i) {
        const std::string &stop_string = stop_strings[i];
        if (stop_string.empty() || stop_string.size() > kMost) {
            return error(Status::invalid_argument, "stop_strings[", i, "] has ", stop_string.size(),
                         " bytes, allowed 1 to ", kMost);
        }
        if (const auto offset = utf8_error_offset(stop_string)) {
            return error(Status::invalid_argument, "stop_strings[", i, "] is not UTF-8 at byte ", *offset);
        }
        matcher.patterns_.emplace_back(stop_string);
    }
    return matcher;
}

std::string_view StopMatcher::push(std::string_view piece) {
    if (found_) return {};
    compact();
    const size_t begin = buffer_.size();
    buffer_ += piece;
    for (size_t i = begin; i < buffer_.size(); ++i) {
        for (Pattern &pattern : patterns_) {
            pattern.advance(buffer_[i]);
            if (pattern.n_matched != pattern.bytes.size()) continue;
            const size_t match = i + 1 - pattern.bytes.size();
            stop_ = std::min(match, stop_.value_or(match));
        }
        // Nothing that begins before the match is under way any more.
        if (stop_ && i + 1 - n_held_back() >= *stop_) {
            found_ = true;
            break;
        }
    }
    const size_t end = found_ ? *stop_ : buffer_.size() - n_held_back();
    const size_t from = given_out_;
    given_out_ = end;
    return std::string_view(buffer_).substr(from, end - from);
}

std::string_view StopMatcher::finish() {
    if (found_) return {};
    found_ = stop_.has_value();
    const size_t end = stop_.value_or(buffer_.size());
    const size_t from = given_out_;
    given_out_ = end;
    return std::string_view(buffer_).substr(from, end - from);
}

/// Only once half of the buffer is given out, so that each byte is moved at most once on average.
void StopMatcher::compact() {
    if (given_out_ * 2 < buffer_.size()) return;
    buffer_.erase(0, given_out_);
    if (stop_) *stop_ -= given_out_;
    given_out_ = 0;
}

/// Bytes at the end of the text that may begin a stop string, or are one that is not yet certain.
size_t StopMatcher::n_held_back() const {
    size_t most = 0;
    for (const Pattern &pattern : patterns_) most = std::max(most, pattern.n_matched);
    return most;
}

}  // namespace hadal::core
