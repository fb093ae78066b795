#include "text/jinja_search.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hadal::core::jinja {
namespace {

constexpr size_t kNone = std::string_view::npos;

/// Bytes from the front, or from the back.
struct Forward {
    std::string_view text;
    char operator[](size_t i) const { return text[i]; }
};
struct Backward {
    std::string_view text;
    char operator[](size_t i) const { return text[text.size() - 1 - i]; }
};

/// Knuth, Morris and Pratt: no byte of the text is looked at twice.
template <class Bytes>
Result<size_t> find_steadily(Workspace &work, Bytes text, Bytes part) {
    const size_t size = part.text.size();
    HADAL_CHECK(work.spend(size / 8));
    std::vector<uint32_t> border(size);  // [i]: the longest beginning of part that part[1..i] ends with
    for (size_t i = 1, n = 0; i < size; ++i) {
        while (n > 0 && part[i] != part[n]) n = border[n - 1];
        if (part[i] == part[n]) ++n;
        border[i] = static_cast<uint32_t>(n);
    }
    for (size_t i = 0, n = 0; i < text.text.size(); ++i) {
        while (n > 0 && text[i] != part[n]) n = border[n - 1];
        if (text[i] == part[n]) ++n;
        if (n == size) {
            HADAL_CHECK(work.spend(i / 16));
            return i + 1 - size;
        }
    }
    HADAL_CHECK(work.spend(text.text.size() / 16));
    return kNone;
}

}  // namespace

Result<size_t> text_find(Workspace &work, std::string_view text, std::string_view part, size_t from) {
    if (from > text.size() || part.size() > text.size() - from) return kNone;
    if (part.empty()) return from;
    const size_t end = text.size() - part.size() + 1;
    // Most first bytes are places, or few: then this is fastest, until too many bytes were compared in vain.
    size_t at = from;
    for (size_t n_compared = 0; n_compared <= 256 + at - from;) {
        const void *found = at < end ? std::memchr(text.data() + at, part.front(), end - at) : nullptr;
        const size_t here =
            found == nullptr ? end : static_cast<size_t>(static_cast<const char *>(found) - text.data());
        HADAL_CHECK(work.spend_bytes(here - at));
        if (found == nullptr) return kNone;
        const size_t most = std::min(part.size(), 256 + here - from);
        size_t n = 1;
        while (n < most && text[here + n] == part[n]) ++n;
        HADAL_CHECK(work.spend(n / 16));
        if (n == part.size()) return here;
        n_compared += n;
        at = n == most ? here : here + 1;
        if (n == most) break;
    }
    HADAL_TRY(const size_t further, find_steadily(work, Forward{text.substr(at)}, Forward{part}));
    return further == kNone ? kNone : at + further;
}

Result<size_t> text_rfind(Workspace &work, std::string_view text, std::string_view part) {
    if (part.size() > text.size()) return kNone;
    if (part.empty()) return text.size();
    HADAL_TRY(const size_t back, find_steadily(work, Backward{text}, Backward{part}));
    return back == kNone ? kNone : text.size() - back - part.size();
}

}  // namespace hadal::core::jinja
