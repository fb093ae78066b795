// Filters that make text, or take a value as it is.
#include <algorithm>

#include "text/jinja_dict.h"
#include "text/jinja_filters.h"
#include "text/jinja_format.h"
#include "text/jinja_json.h"
#include "text/jinja_namespace.h"
#include "text/jinja_numbers.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_string_methods.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

Result<Value> string(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    return Value(text);
}

/// Runs the method of str of the same name on what the value prints.
Result<Value> as_method(const Call &call) {
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    Call method = call;
    method.input = text;
    return find_string_method(call.name)(method);
}

Result<Value> trim(const Call &call) {
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    Call method = call;
    method.input = text;
    return find_string_method("strip")(method);
}

Result<Value> center(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"width"}));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    const Value width = bound.value_or(0, Value(int64_t{80}));
    return find_string_method("center")({call.work, call.name, text, {{&width, 1}, {}}});
}

/// Words as Jinja's title has them: between white space, hyphens and opening brackets.
Result<Value> title(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    HADAL_CHECK(call.work.spend_bytes(8 * text.size()));
    std::string out;
    bool in_word = false;
    for (size_t at = 0; at < text.size();) {
        const size_t from = at;
        const char32_t c = text_next(text, at);
        const std::string_view one = text.substr(from, at - from);
        const bool between = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
        out += between ? std::string(one) : in_word ? lower(one) : upper(one);
        in_word = !between;
    }
    return call.work.text(out);
}

Result<Value> replace(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"old", "new", "count"}, 2));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    HADAL_TRY(const std::string_view from, to_text(call.work, bound.value(0)));
    HADAL_TRY(const std::string_view to, to_text(call.work, bound.value(1)));
    HADAL_TRY(const int64_t n, bound.is_none_or_missing(2) ? Result<int64_t>(int64_t{-1}) : bound.integer_or(2, -1));
    return replaced(call, text, from, to, n);
}

Result<Value> format(const Call &call) {
    HADAL_TRY(const std::string_view pattern, to_text(call.work, call.input));
    const auto &[positional, named] = call.arguments;
    if (named.empty()) {
        HADAL_TRY(const Items values, call.work.items(positional));
        return format_percent(call.work, pattern, Value(Tuple{values}));
    }
    if (!positional.empty()) return call.fail("takes values with names or without, not both");
    std::vector<Entry> entries;
    for (const Named &one : named) entries.push_back({Value(one.name), one.value});
    HADAL_TRY(const Dict *dict, make_dict(call.work, entries));
    return format_percent(call.work, pattern, Value(dict));
}

Result<Value> escape(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    HADAL_CHECK(call.work.spend_bytes(8 * text.size()));
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '\'':
                out += "&#39;";
                break;
            case '"':
                out += "&#34;";
                break;
            default:
                out += c;
        }
    }
    return call.work.text(out);
}

Result<Value> indent(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"width", "first", "blank"}));
    const auto *text = call.input.as<std::string_view>();
    if (text == nullptr) return call.fail("a ", type_name(call.input), " is not a str");
    std::string_view margin;
    Value spaces;
    if (bound.has(0) && bound.value(0).is<std::string_view>()) {
        margin = *bound.value(0).as<std::string_view>();
    } else {
        HADAL_TRY(const int64_t width, bound.integer_or(0, 4));
        HADAL_TRY(spaces, apply(call.work, Operator::multiply, Value(std::string_view(" ")), Value(width)));
        margin = *spaces.as<std::string_view>();
    }
    // With a line break more, so that one at the end stays.
    HADAL_TRY(const Value ended, call.work.joined(*text, "\n"));
    HADAL_TRY(const Value lines, find_string_method("splitlines")({call.work, call.name, ended, {}}));
    std::string out(bound.truth(1) ? margin : std::string_view());
    const List &all = *lines.as<List>();
    for (size_t i = 0; i < all.size; ++i) {
        const std::string_view line = *all[i].as<std::string_view>();
        if (i > 0) {
            out += '\n';
            if (bound.truth(2) || !line.empty()) out += margin;
        }
        out += line;
        HADAL_CHECK(call.work.spend(1 + margin.size() / 16));
        HADAL_CHECK(call.work.check_value_bytes(out.size()));
    }
    return call.work.text(out);
}

Result<Value> truncate(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"length", "killwords", "end", "leeway"}));
    HADAL_TRY(const int64_t length, bound.integer_or(0, 255));
    HADAL_TRY(const std::string_view end, bound.text_or(2, "..."));
    HADAL_TRY(const int64_t leeway, bound.is_none_or_missing(3) ? Result<int64_t>(int64_t{5}) : bound.integer_or(3, 5));
    const auto n_end = static_cast<int64_t>(text_length(end));
    if (length < n_end || leeway < 0) return call.fail("length is below that of end, or leeway below 0");
    HADAL_TRY(const int64_t n, jinja::length(call.work, call.input));
    if (n <= length || n - length <= leeway) return call.input;
    if (!call.input.is<std::string_view>()) return call.fail("a ", type_name(call.input), " is not a str");
    const std::string_view text = *call.input.as<std::string_view>();
    std::string_view kept = text.substr(0, text_offset(text, static_cast<size_t>(length - n_end)));
    if (!bound.truth(1)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
    return call.work.joined(kept, end);
}

Result<Value> word_count(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    HADAL_CHECK(call.work.spend_bytes(8 * text.size()));
    int64_t n = 0;
    bool in_word = false;
    for (size_t at = 0; at < text.size();) {
        const char32_t c = text_next(text, at);
        const bool is_part = c == '_' || is_letter(c) || is_decimal(c);
        n += is_part && !in_word;
        in_word = is_part;
    }
    return Value(n);
}

Result<Value> default_value(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"default_value", "boolean"}));
    const bool is_missing = call.input.is_undefined() || (bound.truth(1) && !truthy(call.input));
    return is_missing ? bound.value_or(0, Value(std::string_view())) : call.input;
}

/// An attribute, and no item of the same name.
Result<Value> attribute(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"name"}, 1));
    HADAL_TRY(const std::string_view name, bound.text_or(0, {}));
    if (call.input.is_undefined()) return undefined_error(call.input);
    const auto *space = call.input.as<Namespace *>();
    const Value *found = space == nullptr ? nullptr : find_attribute(**space, name);
    return found == nullptr ? Value(Undefined{name}) : *found;
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

Result<void> read_indent(const Call &call, const Value &indent, JsonStyle &style) {
    if (indent.is_none()) return {};
    style.in_lines = true;
    style.item_separator = ",";
    if (const auto *text = indent.as<std::string_view>()) {
        style.indent = *text;
        return {};
    }
    const auto width = as_integer(indent);
    if (!width) return call.fail("indent is a ", type_name(indent), ", not an int or a str");
    HADAL_TRY(const Value spaces, apply(call.work, Operator::multiply, Value(std::string_view(" ")), Value(*width)));
    style.indent = *spaces.as<std::string_view>();
    return {};
}

Result<Value> to_json(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"ensure_ascii", "indent", "separators", "sort_keys"}));
    JsonStyle style;
    style.ascii_only = bound.truth(0);
    style.sort_keys = bound.truth(3);
    if (!call.work.is_python()) style.undefined_word = "null";
    HADAL_CHECK(read_indent(call, bound.value_or(1, None{}), style));
    if (!bound.is_none_or_missing(2)) {
        HADAL_TRY(const Items both, iterate(call.work, bound.value(2)));
        if (both.size != 2 || !both[0].is<std::string_view>() || !both[1].is<std::string_view>()) {
            return call.fail("separators must be two strings");
        }
        style.item_separator = *both[0].as<std::string_view>();
        style.key_separator = *both[1].as<std::string_view>();
    }
    std::string out;
    HADAL_CHECK(append_json(call.work, call.input, style, out));
    return call.work.text(out);
}

Result<Value> from_json(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    const auto *text = call.input.as<std::string_view>();
    if (text == nullptr) return call.fail("a ", type_name(call.input), " is not a str");
    return parse_json(call.work, *text);
}

constexpr NamedBuiltin kFilters[] = {
    {"abs", filter_abs},
    {"attr", attribute},
    {"capitalize", as_method},
    {"center", center},
    {"d", default_value},
    {"default", default_value},
    {"e", escape},
    {"escape", escape},
    {"float", filter_float},
    {"forceescape", escape},
    {"format", format},
    {"from_json", from_json},
    {"indent", indent},
    {"int", filter_int},
    {"lower", as_method},
    {"replace", replace},
    {"round", filter_round},
    {"safe", string},
    {"string", string},
    {"title", title},
    {"tojson", to_json},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", as_method},
    {"wordcount", word_count},
};

}  // namespace

Builtin find_text_filter(std::string_view name) {
    return find_builtin(kFilters, name);
}

}  // namespace hadal::core::jinja
