// str, method by method.
#include "text/jinja_string_methods.h"

#include <algorithm>

#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_search.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

std::string_view self_text(const Call &call) {
    return *call.input.as<std::string_view>();
}

// ---- Stripping ------------------------------------------------------------------------------------------------------

Result<Value> strip(const Call &call, Side side) {
    HADAL_TRY(const Bound bound, bind(call, {"chars"}));
    if (bound.is_none_or_missing(0)) {
        HADAL_CHECK(call.work.spend(self_text(call).size() / 16));
        return Value(stripped(self_text(call), side));
    }
    HADAL_TRY(const std::string_view chars, bound.text_or(0, {}));
    HADAL_CHECK(call.work.spend(self_text(call).size() / 16 * (1 + chars.size() / 4)));
    return Value(stripped(self_text(call), chars, side));
}

Result<Value> strip_both(const Call &call) {
    return strip(call, Side::both);
}

Result<Value> strip_left(const Call &call) {
    return strip(call, Side::left);
}

Result<Value> strip_right(const Call &call) {
    return strip(call, Side::right);
}

Result<Value> remove_prefix(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"prefix"}, 1));
    HADAL_TRY(const std::string_view prefix, bound.text_or(0, {}));
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend_bytes(prefix.size()));
    return Value(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

Result<Value> remove_suffix(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"suffix"}, 1));
    HADAL_TRY(const std::string_view suffix, bound.text_or(0, {}));
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend_bytes(suffix.size()));
    return Value(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text);
}

// ---- Splitting ------------------------------------------------------------------------------------------------------

enum class From { left, right };

/// Where words between white space begin and end.
Result<std::vector<std::pair<size_t, size_t>>> words_of(Workspace &work, std::string_view text) {
    HADAL_CHECK(work.spend(text.size() / 8));
    std::vector<std::pair<size_t, size_t>> words;
    bool in_word = false;
    for (size_t at = 0; at < text.size();) {
        const size_t from = at;
        const bool is_word = !is_space(text_next(text, at));
        if (is_word && !in_word) {
            HADAL_CHECK(work.spend(2));
            words.push_back({from, at});
        }
        if (is_word) words.back().second = at;
        in_word = is_word;
    }
    return words;
}

/// The words; once max_splits of them have been cut off, the rest is one part, with the white space inside and at its
/// far end.
Result<std::vector<Value>> split_words(Workspace &work, std::string_view text, int64_t max_splits, From from) {
    HADAL_TRY(const auto words, words_of(work, text));
    const bool has_rest = max_splits >= 0 && static_cast<uint64_t>(max_splits) < words.size();
    const size_t n_cut = has_rest ? static_cast<size_t>(max_splits) : words.size();
    const size_t first = from == From::left ? 0 : words.size() - n_cut;
    std::vector<Value> parts;
    if (has_rest && from == From::right) parts.push_back(text.substr(0, words[first - 1].second));
    for (size_t i = first; i < first + n_cut; ++i) {
        parts.push_back(text.substr(words[i].first, words[i].second - words[i].first));
    }
    if (has_rest && from == From::left) parts.push_back(text.substr(words[n_cut].first));
    return parts;
}

Result<size_t> find_from(Workspace &work, From from, std::string_view text, std::string_view part) {
    return from == From::left ? text_find(work, text, part) : text_rfind(work, text, part);
}

struct Splits {
    std::string_view separator;
    int64_t most;  ///< below 0: all
    From from;
};

Result<std::vector<Value>> split_at(Workspace &work, std::string_view text, const Splits &splits) {
    const auto [separator, max_splits, from] = splits;
    std::vector<Value> parts;
    while (max_splits < 0 || static_cast<int64_t>(parts.size()) < max_splits) {
        HADAL_TRY(const size_t at, find_from(work, from, text, separator));
        HADAL_CHECK(work.spend(1));
        if (at == std::string_view::npos) break;
        if (from == From::left) {
            parts.push_back(text.substr(0, at));
            text.remove_prefix(at + separator.size());
        } else {
            parts.push_back(text.substr(at + separator.size()));
            text = text.substr(0, at);
        }
    }
    parts.push_back(text);
    if (from == From::right) std::reverse(parts.begin(), parts.end());
    return parts;
}

Result<Value> split(const Call &call, From from) {
    HADAL_TRY(const Bound bound, bind(call, {"sep", "maxsplit"}));
    HADAL_TRY(const int64_t max_splits, bound.integer_or(1, -1));
    HADAL_CHECK(call.work.spend_bytes(self_text(call).size()));
    std::vector<Value> parts;
    if (bound.is_none_or_missing(0)) {
        HADAL_TRY(parts, split_words(call.work, self_text(call), max_splits, from));
    } else {
        HADAL_TRY(const std::string_view separator, bound.text_or(0, {}));
        if (separator.empty()) return call.fail("an empty separator");
        HADAL_TRY(parts, split_at(call.work, self_text(call), {separator, max_splits, from}));
    }
    HADAL_TRY(const Items items, call.work.items(parts));
    return Value(List{items});
}

Result<Value> split_left(const Call &call) {
    return split(call, From::left);
}

Result<Value> split_right(const Call &call) {
    return split(call, From::right);
}

Result<Value> partition(const Call &call, From from) {
    HADAL_TRY(const Bound bound, bind(call, {"sep"}, 1));
    HADAL_TRY(const std::string_view separator, bound.text_or(0, {}));
    if (separator.empty()) return call.fail("an empty separator");
    const std::string_view text = self_text(call), none;
    HADAL_TRY(const size_t at, find_from(call.work, from, text, separator));
    std::array<Value, 3> parts = {text, none, none};
    if (at != std::string_view::npos) {
        parts = {text.substr(0, at), text.substr(at, separator.size()), text.substr(at + separator.size())};
    } else if (from == From::right) {
        parts = {none, none, text};
    }
    HADAL_TRY(const Items items, call.work.items(parts));
    return Value(Tuple{items});
}

Result<Value> partition_left(const Call &call) {
    return partition(call, From::left);
}

Result<Value> partition_right(const Call &call) {
    return partition(call, From::right);
}

/// What str.splitlines takes for the end of a line, beside \r\n.
bool is_line_break(char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

Result<Value> split_lines(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"keepends"}));
    const bool keeps_ends = bound.truth(0);
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend(text.size() / 16));
    std::vector<Value> lines;
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
        const size_t end = at;
        const char32_t c = text_next(text, at);
        if (!is_line_break(c)) continue;
        HADAL_CHECK(call.work.spend(1));
        if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
        lines.push_back(text.substr(begin, (keeps_ends ? at : end) - begin));
        begin = at;
    }
    if (begin < text.size()) lines.push_back(text.substr(begin));
    HADAL_TRY(const Items items, call.work.items(lines));
    return Value(List{items});
}

Result<Value> join(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"iterable"}, 1));
    if (bound.value(0).is_undefined()) return undefined_error(bound.value(0));
    HADAL_TRY(const Items items, iterate(call.work, bound.value(0)));
    std::string out;
    for (size_t i = 0; i < items.size; ++i) {
        const auto *text = items[i].as<std::string_view>();
        if (text == nullptr) return call.fail("item ", i, " is a ", type_name(items[i]), ", not a str");
        if (i > 0) out += self_text(call);
        out += *text;
        HADAL_CHECK(call.work.spend(1 + text->size() / 16 + self_text(call).size() / 16));
        HADAL_CHECK(call.work.check_value_bytes(out.size()));
    }
    return call.work.text(out);
}

// ---- Searching ------------------------------------------------------------------------------------------------------

struct Window {
    std::string_view text;
    size_t first;  ///< code points before it
};

/// text[start:stop], as find, count and startswith look at it.
Result<std::optional<Window>> window(const Call &call, const Bound &bound) {
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend_bytes(text.size()));
    if (bound.is_none_or_missing(1) && bound.is_none_or_missing(2)) return std::optional(Window{text, 0});
    const auto size = static_cast<int64_t>(text_length(text));
    HADAL_TRY(int64_t start, bound.is_none_or_missing(1) ? Result<int64_t>(int64_t{0}) : bound.integer_or(1, 0));
    HADAL_TRY(int64_t stop, bound.is_none_or_missing(2) ? Result<int64_t>(size) : bound.integer_or(2, size));
    start = start < 0 ? std::max<int64_t>(start + size, 0) : start;
    stop = stop < 0 ? std::max<int64_t>(stop + size, 0) : std::min(stop, size);
    if (start > stop) return std::optional<Window>();
    const size_t from = text_offset(text, static_cast<size_t>(start));
    const size_t to = text_offset(text, static_cast<size_t>(stop));
    return std::optional(Window{text.substr(from, to - from), static_cast<size_t>(start)});
}

Result<Value> starts_or_ends(const Call &call, bool (*holds)(std::string_view, std::string_view)) {
    HADAL_TRY(const Bound bound, bind(call, {"prefix", "start", "end"}, 1));
    HADAL_TRY(const auto where, window(call, bound));
    const Value &wanted = bound.value(0);
    const auto *tuple = wanted.as<Tuple>();
    for (const Value &one : tuple != nullptr ? Items(*tuple) : Items{&wanted, 1}) {
        const auto *text = one.as<std::string_view>();
        if (text == nullptr) return call.fail("needs a str or a tuple of them, not a ", type_name(one));
        HADAL_CHECK(call.work.spend(1 + text->size() / 64));
        if (where && holds(where->text, *text)) return Value(true);
    }
    return Value(false);
}

Result<Value> starts_with(const Call &call) {
    return starts_or_ends(call, [](std::string_view text, std::string_view part) { return text.starts_with(part); });
}

Result<Value> ends_with(const Call &call) {
    return starts_or_ends(call, [](std::string_view text, std::string_view part) { return text.ends_with(part); });
}

/// In code points; -1: not there.
Result<int64_t> position(const Call &call, From from) {
    HADAL_TRY(const Bound bound, bind(call, {"sub", "start", "end"}, 1));
    HADAL_TRY(const std::string_view part, bound.text_or(0, {}));
    HADAL_TRY(const auto where, window(call, bound));
    if (!where) return int64_t{-1};
    HADAL_TRY(const size_t at, find_from(call.work, from, where->text, part));
    if (at == std::string_view::npos) return int64_t{-1};
    return static_cast<int64_t>(where->first + text_length(where->text.substr(0, at)));
}

Result<Value> find_or_fail(const Call &call, From from) {
    HADAL_TRY(const int64_t at, position(call, from));
    if (at < 0) return call.fail("the text is not there");
    return Value(at);
}

Result<Value> find_left(const Call &call) {
    HADAL_TRY(const int64_t at, position(call, From::left));
    return Value(at);
}

Result<Value> find_right(const Call &call) {
    HADAL_TRY(const int64_t at, position(call, From::right));
    return Value(at);
}

Result<Value> index_left(const Call &call) {
    return find_or_fail(call, From::left);
}

Result<Value> index_right(const Call &call) {
    return find_or_fail(call, From::right);
}

Result<Value> count(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"sub", "start", "end"}, 1));
    HADAL_TRY(const std::string_view part, bound.text_or(0, {}));
    HADAL_TRY(const auto where, window(call, bound));
    if (!where) return Value(int64_t{0});
    if (part.empty()) return Value(static_cast<int64_t>(text_length(where->text)) + 1);
    int64_t n = 0;
    for (size_t at = 0;; at += part.size(), ++n) {
        HADAL_TRY(at, text_find(call.work, where->text, part, at));
        if (at == std::string_view::npos) return Value(n);
        HADAL_CHECK(call.work.spend(1));
    }
}

Result<Value> replace(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"old", "new", "count"}, 2));
    HADAL_TRY(const std::string_view from, bound.text_or(0, {}));
    HADAL_TRY(const std::string_view to, bound.text_or(1, {}));
    HADAL_TRY(const int64_t n, bound.integer_or(2, -1));
    return replaced(call, self_text(call), from, to, n);
}

// ---- Case and kind --------------------------------------------------------------------------------------------------

template <std::string (*map)(std::string_view)>
Result<Value> mapped(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_CHECK(call.work.spend_bytes(8 * self_text(call).size()));
    return call.work.text(map(self_text(call)));
}

std::string swapped_case(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const size_t from = at;
        const char32_t c = text_next(text, at);
        const std::string_view one = text.substr(from, at - from);
        out += is_cased_upper(c) ? lower(one) : is_cased_lower(c) ? upper(one) : std::string(one);
    }
    return out;
}

/// Whether all code points are of a kind, and there is at least one.
template <bool (*is_of_kind)(char32_t)>
Result<Value> all_of_kind(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend_bytes(8 * text.size()));
    for (size_t at = 0; at < text.size();) {
        if (!is_of_kind(text_next(text, at))) return Value(false);
    }
    return Value(!text.empty());
}

/// Whether there is a letter of the case that is wanted, and none of the other.
template <bool (*is_wanted)(char32_t), bool (*is_other)(char32_t)>
Result<Value> of_case(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    const std::string_view text = self_text(call);
    HADAL_CHECK(call.work.spend_bytes(8 * text.size()));
    bool found = false;
    for (size_t at = 0; at < text.size();) {
        const char32_t c = text_next(text, at);
        if (is_other(c)) return Value(false);
        found = found || is_wanted(c);
    }
    return Value(found);
}

bool is_letter_or_digit(char32_t c) {
    return is_letter(c) || is_decimal(c);
}

bool is_ascii(char32_t c) {
    return c < 0x80;
}

Result<Value> pad(const Call &call, std::string_view fill, Side text_side) {
    HADAL_TRY(const Bound bound, bind(call, {"width", "fillchar"}, 1));
    HADAL_TRY(const int64_t width, bound.integer_or(0, 0));
    HADAL_TRY(fill, bound.text_or(1, fill));
    if (text_length(fill) != 1) return call.fail("fillchar must be one character");
    const std::string_view text = self_text(call);
    const auto n = static_cast<int64_t>(text_length(text));
    if (width <= n) return Value(text);
    const auto missing = static_cast<uint64_t>(width - n);
    HADAL_CHECK(call.work.check_value_bytes(std::min<uint64_t>(missing, UINT64_MAX / 8) * fill.size()));
    HADAL_CHECK(call.work.spend_bytes(missing));
    // As str.center: the odd one stands left if the width is odd.
    const uint64_t half = missing / 2 + (missing & static_cast<uint64_t>(width) & 1);
    const uint64_t n_left = text_side == Side::left ? 0 : text_side == Side::right ? missing : half;
    std::string out;
    for (uint64_t i = 0; i < n_left; ++i) out += fill;
    out += text;
    for (uint64_t i = n_left; i < missing; ++i) out += fill;
    return call.work.text(out);
}

Result<Value> pad_center(const Call &call) {
    return pad(call, " ", Side::both);
}

Result<Value> pad_right(const Call &call) {
    return pad(call, " ", Side::left);
}

Result<Value> pad_left(const Call &call) {
    return pad(call, " ", Side::right);
}

Result<Value> fill_zeros(const Call &call) {
    const std::string_view text = self_text(call);
    const bool has_sign = text.starts_with('-') || text.starts_with('+');
    Call digits = call;
    digits.input = text.substr(has_sign ? 1 : 0);
    HADAL_TRY(const Bound bound, bind(call, {"width"}, 1));
    HADAL_TRY(const int64_t width, bound.integer_or(0, 0));
    const Value rest_width = int64_t{has_sign && width > 0 ? width - 1 : width};
    digits.arguments = {{&rest_width, 1}, {}};
    HADAL_TRY(const Value padded, pad(digits, "0", Side::right));
    return call.work.joined(text.substr(0, has_sign ? 1 : 0), *padded.as<std::string_view>());
}

constexpr NamedBuiltin kStringMethods[] = {
    {"capitalize", mapped<capitalized>},
    {"casefold", mapped<lower>},
    {"center", pad_center},
    {"count", count},
    {"endswith", ends_with},
    {"find", find_left},
    {"format", format_braces},
    {"index", index_left},
    {"isalnum", all_of_kind<is_letter_or_digit>},
    {"isalpha", all_of_kind<is_letter>},
    {"isascii", all_of_kind<is_ascii>},
    {"isdecimal", all_of_kind<is_decimal>},
    {"isdigit", all_of_kind<is_decimal>},
    {"islower", of_case<is_cased_lower, is_cased_upper>},
    {"isnumeric", all_of_kind<is_decimal>},
    {"isspace", all_of_kind<is_space>},
    {"isupper", of_case<is_cased_upper, is_cased_lower>},
    {"join", join},
    {"ljust", pad_right},
    {"lower", mapped<lower>},
    {"lstrip", strip_left},
    {"partition", partition_left},
    {"removeprefix", remove_prefix},
    {"removesuffix", remove_suffix},
    {"replace", replace},
    {"rfind", find_right},
    {"rindex", index_right},
    {"rjust", pad_left},
    {"rpartition", partition_right},
    {"rsplit", split_right},
    {"rstrip", strip_right},
    {"split", split_left},
    {"splitlines", split_lines},
    {"startswith", starts_with},
    {"strip", strip_both},
    {"swapcase", mapped<swapped_case>},
    {"title", mapped<title_case>},
    {"upper", mapped<upper>},
    {"zfill", fill_zeros},
};

}  // namespace

std::string title_case(std::string_view text) {
    std::string out;
    bool in_word = false;
    for (size_t at = 0; at < text.size();) {
        const size_t from = at;
        const char32_t c = text_next(text, at);
        const std::string_view one = text.substr(from, at - from);
        const bool is_cased = is_cased_upper(c) || is_cased_lower(c);
        out += !is_cased ? std::string(one) : in_word ? lower(one) : capitalized(one);
        in_word = is_cased;
    }
    return out;
}

Result<Value> replaced(const Call &call, std::string_view text, std::string_view from, std::string_view to, int64_t n) {
    HADAL_CHECK(call.work.spend_bytes(text.size()));
    std::string out;
    size_t done = 0;
    for (; n != 0; --n) {
        // Nothing stands before every code point and at the end.
        HADAL_TRY(const size_t at, text_find(call.work, text, from, done));
        if (at == std::string_view::npos) break;
        out += text.substr(done, at - done);
        out += to;
        done = at + from.size();
        HADAL_CHECK(call.work.spend((16 + to.size()) / 16));
        HADAL_CHECK(call.work.check_value_bytes(out.size()));
        if (!from.empty()) continue;
        if (done == text.size()) break;
        text_next(text, done);
        out += text.substr(at, done - at);
    }
    out += text.substr(done);
    return call.work.text(out);
}

Builtin find_string_method(std::string_view name) {
    return find_builtin(kStringMethods, name);
}

}  // namespace hadal::core::jinja
