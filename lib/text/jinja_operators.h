// What operators do with values, as in Python: arithmetic, comparison, membership, subscripts and slices.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "text/jinja_workspace.h"

namespace hadal::core::jinja {

enum class Operator : uint8_t {
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in,
};

/// True, False, 1 and 1.5 are numbers.
bool is_number(const Value &value);
/// Of two numbers, exactly, also between integers and floats; NaN is before all others.
bool number_before(const Value &a, const Value &b);
/// Python's int(value) of a bool or an integer.
std::optional<int64_t> as_integer(const Value &value);

bool truthy(const Value &value);

Result<Value> apply(Workspace &work, Operator op, const Value &left, const Value &right);
Result<Value> negative(const Value &value);
Result<Value> positive(const Value &value);

Result<bool> equals(Workspace &work, const Value &left, const Value &right);
/// Python's left < right. Fails where they have no order.
Result<bool> less(Workspace &work, const Value &left, const Value &right);
Result<bool> contains(Workspace &work, const Value &container, const Value &wanted);

/// What a for loop would visit: characters of a string, keys of a dictionary. Uses an iterator up.
Result<Items> iterate(Workspace &work, const Value &value);
Result<int64_t> length(Workspace &work, const Value &value);

/// The grouper or list of a group that the filter groupby made. Any pair has them here; in Jinja only those groups do.
/// nullptr: it has no such part.
const Value *group_part(const Value &value, std::string_view name);

/// Undefined where there is no such item; no attributes.
Result<Value> subscript(Workspace &work, const Value &value, const Value &index);
struct SliceBounds {
    Value start, stop, step;
};
Result<Value> slice(Workspace &work, const Value &value, const SliceBounds &bounds);

Error undefined_error(const Value &value);

/// Sorts what has a key in the order of less; equal ones keep their order.
template <class T, class KeyOf>
Result<void> sort_by(Workspace &work, std::vector<T> &values, KeyOf key_of) {
    std::optional<Error> failed;
    const auto is_less = [&](const T &a, const T &b) {
        if (failed) return false;  // any answer ends the sort
        const auto result = less(work, key_of(a), key_of(b));
        if (!result) failed = result.error();
        return result && *result;
    };
    std::stable_sort(values.begin(), values.end(), is_less);
    if (failed) return std::move(*failed);
    return {};
}

}  // namespace hadal::core::jinja
