// Every step through the trie is checked: its offsets come from the file.
#include "text/char_map.h"

#include <cstring>
#include <utility>

#include "base/utf8.h"
#include "text/code_points.h"
#include "text/unicode.h"

namespace hadal::core {
namespace {

/// Longer grapheme clusters are looked up code point by code point.
constexpr size_t kMaxGraphemeBytes = 5;
constexpr size_t kMaxTextBytes = UINT32_MAX;

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::optional<std::string> decoded(std::string_view base64) {
    while (base64.ends_with('=')) base64.remove_suffix(1);
    std::string bytes;
    uint32_t bits = 0;
    int n_bits = 0;
    for (const char c : base64) {
        const int value = value_of(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<uint32_t>(value);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            bytes += static_cast<char>(bits >> n_bits & 0xFFu);
        }
    }
    return bytes;
}

// A unit of the trie: a label to check, a leaf's flag, an offset to the children; or a leaf's value.
bool has_leaf(uint32_t unit) {
    return (unit >> 8 & 1u) != 0;
}
uint32_t value(uint32_t unit) {
    return unit & 0x7FFFFFFFu;
}
uint32_t label(uint32_t unit) {
    return unit & 0x800000FFu;
}
uint32_t offset(uint32_t unit) {
    return unit >> 10 << ((unit & 0x200u) >> 6);
}

}  // namespace

Result<CharMap> CharMap::read(std::string_view base64) {
    const auto blob = decoded(base64);
    if (!blob) return error(Status::bad_format, "precompiled_charsmap is not base64");
    return read_blob(*blob, CharMapKeys::clusters);
}

Result<CharMap> CharMap::read_blob(std::string_view blob, CharMapKeys keys) {
    uint32_t trie_bytes = 0;
    if (blob.size() >= 4) std::memcpy(&trie_bytes, blob.data(), 4);
    if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > blob.size() - 4) {
        return error(Status::bad_format, "precompiled_charsmap has ", blob.size(), " bytes, its trie ", trie_bytes);
    }
    CharMap map;
    map.keys_ = keys;
    map.units_.resize(trie_bytes / 4);
    std::memcpy(map.units_.data(), blob.data() + 4, trie_bytes);
    map.values_ = blob.substr(4 + size_t{trie_bytes});
    if (const auto at = utf8_error_offset(map.values_)) {
        return error(Status::bad_format, "precompiled_charsmap: what it gives is not UTF-8 at byte ", *at);
    }
    return map;
}

std::optional<CharMap::Found> CharMap::find(std::string_view text, Wanted wanted) const {
    std::optional<Found> found;
    uint64_t at = offset(units_[0]);
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == 0) break;
        at ^= byte;
        if (at >= units_.size() || label(units_[at]) != byte) break;
        const uint32_t unit = units_[at];
        at ^= offset(unit);
        if (!has_leaf(unit)) continue;
        if (at >= units_.size()) break;
        const size_t begin = value(units_[at]);
        // A value that begins inside a code point would not be UTF-8.
        if (begin >= values_.size() || (static_cast<unsigned char>(values_[begin]) & 0xC0u) == 0x80) break;
        const std::string_view rest = std::string_view(values_).substr(begin);
        const bool ends_inside = i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xC0u) == 0x80;
        if (!ends_inside) found = Found{rest.substr(0, rest.find('\0')), i + 1};
        if (found && wanted == Wanted::first) break;
    }
    return found;
}

void CharMap::apply_to_cluster(std::string_view cluster, std::string &out) const {
    const auto whole = cluster.size() <= kMaxGraphemeBytes ? find(cluster, Wanted::first) : std::nullopt;
    if (whole) {
        out += whole->value;
        return;
    }
    for (size_t at = 0; at < cluster.size();) {
        const std::string_view one = cluster.substr(at, code_point_bytes(cluster[at]));
        const auto found = find(one, Wanted::first);
        out += found ? found->value : one;
        at += one.size();
    }
}

Result<void> CharMap::apply(std::string &text) const {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        size_t n_bytes = 0;
        if (keys_ == CharMapKeys::clusters) {
            n_bytes = grapheme_bytes(rest);
            apply_to_cluster(rest.substr(0, n_bytes), out);
        } else {
            const auto found = find(rest, Wanted::longest);
            n_bytes = found ? found->key_bytes : code_point_bytes(rest[0]);
            out += found ? found->value : rest.substr(0, n_bytes);
        }
        rest.remove_prefix(n_bytes);
        if (out.size() > kMaxTextBytes) {
            return error(Status::invalid_argument, "the text grows past ", kMaxTextBytes,
                         " bytes while it is normalised");
        }
    }
    text = std::move(out);
    return {};
}

}  // namespace hadal::core
