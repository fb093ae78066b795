// A timeline: the tokens of one conversation, the pages that hold their keys and values, and how many are computed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/kv_cache.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// Not thread-safe. Invariant: computed() <= tokens().size() <= context(), and pages for every token.
class Timeline {
public:
    /// context: most tokens it may hold.
    Timeline(std::shared_ptr<KvCache> cache, size_t context);
    Timeline(Timeline &&) = default;
    Timeline &operator=(Timeline &&) = delete;
    ~Timeline();

    std::span<const Token> tokens() const { return tokens_; }
    size_t computed() const { return computed_; }  ///< leading tokens whose keys and values are in the pages
    size_t context() const { return context_; }
    std::span<const uint32_t> pages() const { return pages_; }

    /// Room for n_tokens in all, so that appending up to there cannot fail. Fails: context_full, out_of_memory; nothing
    /// is taken then.
    Result<void> reserve(size_t n_tokens);
    Result<void> append(std::span<const Token> tokens);
    /// Keeps the first n_tokens and the pages they need; n_tokens <= tokens().size().
    void truncate(size_t n_tokens);
    /// Keeps the first n_kept tokens and continues with more. Fails as reserve; nothing is changed then.
    Result<void> replace_tail(size_t n_kept, std::span<const Token> more);

    /// The next n_rows tokens are computed.
    void commit(size_t n_rows) { computed_ += n_rows; }
    /// Only the first n_tokens count as computed any more.
    void forget(size_t n_tokens) { computed_ = std::min(computed_, n_tokens); }

private:
    size_t pages_for(size_t n_tokens) const;

    std::shared_ptr<KvCache> cache_;
    size_t context_;
    std::vector<Token> tokens_;
    std::vector<uint32_t> pages_;
    size_t computed_ = 0;
};

}  // namespace hadal::core
