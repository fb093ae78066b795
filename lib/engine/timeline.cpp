#include "engine/timeline.h"

#include <algorithm>

namespace hadal::core {

namespace {

/// Room for n elements, at least doubled, so that a million appended one by one are copied a few times only.
template <class T>
void grow(std::vector<T> &elements, size_t n) {
    if (n > elements.capacity()) elements.reserve(std::max(n, 2 * elements.capacity()));
}

}  // namespace

Timeline::Timeline(std::shared_ptr<KvCache> cache, size_t context) : cache_(std::move(cache)), context_(context) {}

Timeline::~Timeline() {
    for (const uint32_t page : pages_) cache_->give_back(page);
}

size_t Timeline::pages_for(size_t n_tokens) const {
    const size_t positions = cache_->page_size();
    return n_tokens / positions + (n_tokens % positions != 0 ? 1 : 0);
}

Result<void> Timeline::reserve(size_t n_tokens) {
    if (n_tokens > context_) {
        return error(Status::context_full, n_tokens, " tokens do not fit the context of ", context_);
    }
    grow(tokens_, n_tokens);
    const size_t had = pages_.size();
    const size_t needed = std::max(had, pages_for(n_tokens));
    grow(pages_, needed);
    while (pages_.size() < needed) {
        Result<uint32_t> page = cache_->take_page();
        if (!page) {
            for (; pages_.size() > had; pages_.pop_back()) cache_->give_back(pages_.back());
            return std::move(page.error());
        }
        pages_.push_back(*page);
    }
    return {};
}

Result<void> Timeline::append(std::span<const Token> tokens) {
    return replace_tail(tokens_.size(), tokens);
}

Result<void> Timeline::replace_tail(size_t n_kept, std::span<const Token> more) {
    if (more.size() > context_ - n_kept) {
        return error(Status::context_full, n_kept, " tokens and ", more.size(), " more do not fit the context of ",
                     context_);
    }
    HADAL_CHECK(reserve(n_kept + more.size()));
    tokens_.resize(n_kept);
    tokens_.insert(tokens_.end(), more.begin(), more.end());
    forget(n_kept);
    truncate(tokens_.size());
    return {};
}

void Timeline::truncate(size_t n_tokens) {
    tokens_.resize(n_tokens);
    forget(n_tokens);
    for (const size_t needed = pages_for(n_tokens); pages_.size() > needed; pages_.pop_back()) {
        cache_->give_back(pages_.back());
    }
}

}  // namespace hadal::core
