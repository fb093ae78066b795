// Methods of dictionaries, lists and tuples, and where those of strings are found. What would change a value is not
// here: in the sandbox values do not change.
#include <algorithm>

#include "text/jinja_call.h"
#include "text/jinja_dict.h"
#include "text/jinja_operators.h"
#include "text/jinja_string_methods.h"

namespace hadal::core::jinja {
namespace {

const Dict &self_dict(const Call &call) {
    return **call.input.as<const Dict *>();
}

Items self_items(const Call &call) {
    if (const auto *list = call.input.as<List>()) return *list;
    return *call.input.as<Tuple>();
}

// ---- dict -----------------------------------------------------------------------------------------------------------

Result<Value> view(const Call &call, Sequence::Kind kind) {
    HADAL_CHECK(bind(call, {}));
    const Dict &dict = self_dict(call);
    HADAL_CHECK(call.work.spend(dict.size));
    HADAL_TRY(Value * place, call.work.array<Value>(dict.size));
    for (size_t i = 0; i < dict.size; ++i) {
        const Entry &entry = dict.entries[i];
        if (kind == Sequence::Kind::items) {
            HADAL_TRY(const Items pair, call.work.items(std::initializer_list<Value>{entry.key, entry.value}));
            place[i] = Tuple{pair};
        } else {
            place[i] = kind == Sequence::Kind::keys ? entry.key : entry.value;
        }
    }
    HADAL_TRY(Sequence * sequence, call.work.make(Sequence{kind, Items{place, dict.size}}));
    return Value(sequence);
}

Result<Value> dict_items(const Call &call) {
    return view(call, Sequence::Kind::items);
}

Result<Value> dict_keys(const Call &call) {
    return view(call, Sequence::Kind::keys);
}

Result<Value> dict_values(const Call &call) {
    return view(call, Sequence::Kind::values);
}

Result<Value> dict_get(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"key", "default"}, 1));
    HADAL_TRY(const Value *found, find(call.work, self_dict(call), bound.value(0)));
    return found == nullptr ? bound.value_or(1, None{}) : *found;
}

Result<Value> copy(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    return call.input;
}

// ---- list and tuple -------------------------------------------------------------------------------------------------

Result<Value> items_count(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"value"}, 1));
    int64_t n = 0;
    for (const Value &item : self_items(call)) {
        HADAL_TRY(const bool same, equals(call.work, item, bound.value(0)));
        n += same;
    }
    return Value(n);
}

Result<Value> items_index(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"value", "start", "stop"}, 1));
    const Items items = self_items(call);
    const auto size = static_cast<int64_t>(items.size);
    HADAL_TRY(int64_t start, bound.integer_or(1, 0));
    HADAL_TRY(int64_t stop, bound.integer_or(2, size));
    start = std::max<int64_t>(start < 0 ? start + size : start, 0);
    stop = std::min(stop < 0 ? stop + size : stop, size);
    for (int64_t i = start; i < stop; ++i) {
        HADAL_TRY(const bool same, equals(call.work, items[static_cast<size_t>(i)], bound.value(0)));
        if (same) return Value(i);
    }
    return call.fail("the value is not in the list");
}

constexpr NamedBuiltin kDictMethods[] = {
    {"copy", copy}, {"get", dict_get}, {"items", dict_items}, {"keys", dict_keys}, {"values", dict_values},
};
constexpr NamedBuiltin kListMethods[] = {{"copy", copy}, {"count", items_count}, {"index", items_index}};
constexpr NamedBuiltin kTupleMethods[] = {{"count", items_count}, {"index", items_index}};

}  // namespace

Builtin find_method(const Value &self, std::string_view name) {
    if (self.is<std::string_view>()) return find_string_method(name);
    if (self.is<const Dict *>()) return find_builtin(kDictMethods, name);
    if (self.is<List>()) return find_builtin(kListMethods, name);
    if (self.is<Tuple>()) return find_builtin(kTupleMethods, name);
    return nullptr;
}

}  // namespace hadal::core::jinja
