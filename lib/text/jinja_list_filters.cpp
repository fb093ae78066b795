// Filters that make lists, or one value out of a list.
#include <algorithm>
#include <set>

#include "text/jinja_dict.h"
#include "text/jinja_filters.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

Result<Value> make_list(Workspace &work, const std::vector<Value> &values) {
    HADAL_TRY(const Items items, work.items(values));
    return Value(List{items});
}

Case case_of(const Bound &bound, size_t i) {
    return bound.truth(i) ? Case::respected : Case::ignored;
}

Order order_of(const Bound &bound, size_t i) {
    return bound.truth(i) ? Order::falling : Order::rising;
}

Result<Value> list(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    return Value(List{items});
}

Result<Value> length_of(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const int64_t n, length(call.work, call.input));
    return Value(n);
}

Result<Value> first(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    return items.size == 0 ? Value(Undefined{"the first of no items"}) : items[0];
}

Result<Value> last(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    return items.size == 0 ? Value(Undefined{"the last of no items"}) : items[items.size - 1];
}

Result<Value> reverse(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    HADAL_CHECK(call.work.spend(items.size));
    std::vector<Value> values(items.begin(), items.end());
    std::reverse(values.begin(), values.end());
    if (!call.input.is<std::string_view>()) return make_iterator(call.work, values);
    std::string out;
    for (const Value &value : values) out += *value.as<std::string_view>();
    return call.work.text(out);
}

Result<Value> join(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"d", "attribute"}));
    HADAL_TRY(const std::string_view between, to_text(call.work, bound.value_or(0, Value(std::string_view()))));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    std::string out;
    for (size_t i = 0; i < items.size; ++i) {
        HADAL_TRY(const Value item, item_at(call.work, items[i], bound.value_or(1, None{})));
        if (i > 0) out += between;
        HADAL_CHECK(append_text(call.work, item, out));
        HADAL_CHECK(call.work.spend(1 + between.size() / 16));
        HADAL_CHECK(call.work.check_value_bytes(out.size()));
    }
    return call.work.text(out);
}

// ---- Order ----------------------------------------------------------------------------------------------------------

/// What an item is sorted by: a list of what stands at the paths "a,b.c".
Result<Value> sort_key(Workspace &work, const Value &item, const Value &paths, Case letters) {
    std::vector<Value> keys;
    const auto *text = paths.as<std::string_view>();
    for (std::string_view rest = text == nullptr ? std::string_view() : *text;;) {
        const size_t comma = std::min(rest.find(','), rest.size());
        HADAL_TRY(const Value found, item_at(work, item, text == nullptr ? paths : Value(rest.substr(0, comma))));
        HADAL_TRY(const Value key, with_case(work, found, letters));
        keys.push_back(key);
        if (comma == rest.size()) return make_list(work, keys);
        rest.remove_prefix(comma + 1);
    }
}

Result<Value> sort(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"reverse", "case_sensitive", "attribute"}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    std::vector<std::pair<Value, Value>> pairs;
    for (const Value &item : items) {
        HADAL_TRY(const Value key, sort_key(call.work, item, bound.value_or(2, None{}), case_of(bound, 1)));
        pairs.push_back({key, item});
    }
    HADAL_CHECK(sort_values(call.work, pairs, order_of(bound, 0)));
    std::vector<Value> values;
    for (const auto &[key, value] : pairs) values.push_back(value);
    return make_list(call.work, values);
}

Result<Value> dict_sort(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"case_sensitive", "by", "reverse"}));
    const auto *dict = call.input.as<const Dict *>();
    if (dict == nullptr) return call.fail("a ", type_name(call.input), " is not a dict");
    HADAL_TRY(const std::string_view by, bound.text_or(1, "key"));
    if (by != "key" && by != "value") return call.fail("by is '", by, "'; it must be 'key' or 'value'");
    std::vector<std::pair<Value, Value>> pairs;
    for (const Entry &entry : **dict) {
        HADAL_TRY(const Value key, with_case(call.work, by == "key" ? entry.key : entry.value, case_of(bound, 0)));
        HADAL_TRY(const Items pair, call.work.items(std::initializer_list<Value>{entry.key, entry.value}));
        pairs.push_back({key, Value(Tuple{pair})});
    }
    HADAL_CHECK(sort_values(call.work, pairs, order_of(bound, 2)));
    std::vector<Value> values;
    for (const auto &[key, value] : pairs) values.push_back(value);
    return make_list(call.work, values);
}

Result<Value> unique(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"case_sensitive", "attribute"}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    std::set<Value, decltype(&key_before)> seen(&key_before);
    std::vector<Value> values;
    for (const Value &item : items) {
        HADAL_CHECK(call.work.spend(4));
        HADAL_TRY(const Value found, item_at(call.work, item, bound.value_or(1, None{})));
        HADAL_TRY(const Value key, with_case(call.work, found, case_of(bound, 0)));
        if (!is_key(key)) return call.fail("a value of type ", type_name(key), " cannot be compared this way");
        HADAL_CHECK(spend_key(call.work, key));
        if (seen.insert(key).second) values.push_back(item);
    }
    return make_iterator(call.work, values);
}

enum class Extreme { least, most };

Result<Value> extreme(const Call &call, Extreme which) {
    HADAL_TRY(const Bound bound, bind(call, {"case_sensitive", "attribute"}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    if (items.size == 0) return Value(Undefined{"the extreme of no items"});
    Value best = items[0], best_key;
    for (size_t i = 0; i < items.size; ++i) {
        HADAL_TRY(const Value found, item_at(call.work, items[i], bound.value_or(1, None{})));
        HADAL_TRY(const Value key, with_case(call.work, found, case_of(bound, 0)));
        if (i > 0) {
            const bool wants_less = which == Extreme::least;
            HADAL_TRY(const bool better, less(call.work, wants_less ? key : best_key, wants_less ? best_key : key));
            if (!better) continue;
        }
        best = items[i];
        best_key = key;
    }
    return best;
}

Result<Value> least(const Call &call) {
    return extreme(call, Extreme::least);
}

Result<Value> most(const Call &call) {
    return extreme(call, Extreme::most);
}

Result<Value> sum(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"attribute", "start"}));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    Value total = bound.value_or(1, Value(int64_t{0}));
    if (total.is<std::string_view>()) return call.fail("strings are not summed, but joined");
    for (const Value &item : items) {
        HADAL_TRY(const Value part, item_at(call.work, item, bound.value_or(0, None{})));
        HADAL_TRY(total, apply(call.work, Operator::add, total, part));
    }
    return total;
}

// ---- Groups ---------------------------------------------------------------------------------------------------------

Result<Value> group_by(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"attribute", "default", "case_sensitive"}, 1));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    std::vector<std::pair<Value, Value>> pairs;
    for (const Value &item : items) {
        HADAL_TRY(Value key, item_at(call.work, item, bound.value(0)));
        if (key.is_undefined() && !bound.is_none_or_missing(1)) key = bound.value(1);
        HADAL_TRY(key, with_case(call.work, key, case_of(bound, 2)));
        pairs.push_back({key, item});
    }
    HADAL_CHECK(sort_values(call.work, pairs, Order::rising));
    std::vector<Value> groups;
    for (size_t i = 0; i < pairs.size();) {
        std::vector<Value> members;
        // The name as its first member writes it.
        HADAL_TRY(Value name, item_at(call.work, pairs[i].second, bound.value(0)));
        if (name.is_undefined() && !bound.is_none_or_missing(1)) name = bound.value(1);
        for (const Value key = pairs[i].first; i < pairs.size(); ++i) {
            HADAL_TRY(const bool same, equals(call.work, key, pairs[i].first));
            if (!same) break;
            members.push_back(pairs[i].second);
        }
        if (members.empty()) return call.fail("a value that does not equal itself");
        HADAL_TRY(const Value group, make_list(call.work, members));
        HADAL_TRY(const Items pair, call.work.items(std::initializer_list<Value>{name, group}));
        groups.push_back(Tuple{pair});
    }
    return make_list(call.work, groups);
}

Result<Value> batch(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"linecount", "fill_with"}, 1));
    HADAL_TRY(const int64_t n, bound.integer_or(0, 1));
    if (n < 1) return call.fail("linecount is ", n, "; it must be at least 1");
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    std::vector<Value> rows;
    const auto width = static_cast<size_t>(n);
    for (size_t i = 0; i < items.size; i += std::min(width, items.size - i)) {
        std::vector<Value> row(items.begin() + i, items.begin() + i + std::min(width, items.size - i));
        if (row.size() < width && !bound.is_none_or_missing(1)) {
            HADAL_CHECK(call.work.spend(width - row.size()));
            row.resize(width, bound.value(1));
        }
        HADAL_TRY(const Value made, make_list(call.work, row));
        rows.push_back(made);
    }
    return make_iterator(call.work, rows);
}

Result<Value> slices(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"slices", "fill_with"}, 1));
    HADAL_TRY(const int64_t n, bound.integer_or(0, 1));
    if (n < 1) return call.fail("slices is ", n, "; it must be at least 1");
    HADAL_CHECK(call.work.spend(static_cast<uint64_t>(n)));
    HADAL_TRY(const Items items, iterate(call.work, call.input));
    const auto n_slices = static_cast<size_t>(n);
    const size_t n_each = items.size / n_slices, n_longer = items.size % n_slices;
    std::vector<Value> columns;
    size_t at = 0;
    for (size_t i = 0; i < n_slices; ++i) {
        const size_t size = n_each + (i < n_longer);
        std::vector<Value> column(items.begin() + at, items.begin() + at + size);
        if (!bound.is_none_or_missing(1) && i >= n_longer) column.push_back(bound.value(1));
        at += size;
        HADAL_TRY(const Value made, make_list(call.work, column));
        columns.push_back(made);
    }
    return make_iterator(call.work, columns);
}

Result<Value> items(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    std::vector<Value> pairs;
    if (call.input.is_undefined()) return make_iterator(call.work, pairs);
    const auto *dict = call.input.as<const Dict *>();
    if (dict == nullptr) return call.fail("a ", type_name(call.input), " is not a dict");
    for (const Entry &entry : **dict) {
        HADAL_TRY(const Items pair, call.work.items(std::initializer_list<Value>{entry.key, entry.value}));
        pairs.push_back(Tuple{pair});
    }
    return make_iterator(call.work, pairs);
}

constexpr NamedBuiltin kFilters[] = {
    {"batch", batch}, {"count", length_of}, {"dictsort", dict_sort}, {"first", first},      {"groupby", group_by},
    {"items", items}, {"join", join},       {"last", last},          {"length", length_of}, {"list", list},
    {"max", most},    {"min", least},       {"reverse", reverse},    {"slice", slices},     {"sort", sort},
    {"sum", sum},     {"unique", unique},
};

}  // namespace

Builtin find_list_filter(std::string_view name) {
    return find_builtin(kFilters, name);
}

}  // namespace hadal::core::jinja
