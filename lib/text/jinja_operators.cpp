// Comparison, membership and iteration.
#include "text/jinja_operators.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_arithmetic.h"
#include "text/jinja_dict.h"
#include "text/jinja_print.h"
#include "text/jinja_search.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

/// -1, 0 or 1, exactly, though a float cannot hold every integer. NaN is before all.
int compare_numbers(int64_t a, double b) {
    if (std::isnan(b)) return 1;
    if (b >= 0x1p63) return -1;
    if (b < -0x1p63) return 1;
    const auto whole = static_cast<int64_t>(b);
    if (a != whole) return a < whole ? -1 : 1;
    const double rest = b - static_cast<double>(whole);
    return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

int compare_numbers(const Value &a, const Value &b) {
    const auto left = as_integer(a), right = as_integer(b);
    if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
    if (left) return compare_numbers(*left, *b.as<double>());
    if (right) return -compare_numbers(*right, *a.as<double>());
    const double x = *a.as<double>(), y = *b.as<double>();
    if (std::isnan(x) || std::isnan(y)) return std::isnan(y) - std::isnan(x);
    return x < y ? -1 : x > y ? 1 : 0;
}

bool is_nan(const Value &value) {
    const auto *real = value.as<double>();
    return real != nullptr && std::isnan(*real);
}

/// A list or a tuple.
const Items *row(const Value &value) {
    if (const auto *list = value.as<List>()) return list;
    return value.as<Tuple>();
}

Result<bool> equal_rows(Workspace &work, const Items &a, const Items &b) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; ++i) {
        HADAL_TRY(const bool same, equals(work, a[i], b[i]));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_dicts(Workspace &work, const Dict &a, const Dict &b) {
    if (a.size != b.size) return false;
    for (const Entry &entry : a) {
        HADAL_TRY(const Value *other, find(work, b, entry.key));
        if (other == nullptr) return false;
        HADAL_TRY(const bool same, equals(work, entry.value, *other));
        if (!same) return false;
    }
    return true;
}

Error no_order(const Value &left, const Value &right) {
    return error(Status::bad_format, "a ", type_name(left), " and a ", type_name(right), " have no order");
}

Result<bool> less_rows(Workspace &work, const Items &a, const Items &b) {
    for (size_t i = 0; i < std::min(a.size, b.size); ++i) {
        HADAL_TRY(const bool same, equals(work, a[i], b[i]));
        if (!same) return less(work, a[i], b[i]);
    }
    return a.size < b.size;
}

/// huggingface.js looks for values in lists without taking 1 for true.
bool may_be_same(const Workspace &work, const Value &a, const Value &b) {
    return work.is_python() || a.is<bool>() == b.is<bool>();
}

}  // namespace

bool is_number(const Value &value) {
    return value.is<bool>() || value.is<int64_t>() || value.is<double>();
}

bool number_before(const Value &a, const Value &b) {
    return compare_numbers(a, b) < 0;
}

std::optional<int64_t> as_integer(const Value &value) {
    if (const auto *truth = value.as<bool>()) return *truth ? 1 : 0;
    if (const auto *integer = value.as<int64_t>()) return *integer;
    return std::nullopt;
}

bool truthy(const Value &value) {
    if (value.is_undefined() || value.is_none()) return false;
    if (const auto *truth = value.as<bool>()) return *truth;
    if (const auto *integer = value.as<int64_t>()) return *integer != 0;
    if (const auto *real = value.as<double>()) return *real != 0;
    if (const auto *text = value.as<std::string_view>()) return !text->empty();
    if (const Items *items = row(value)) return items->size > 0;
    if (const auto *dict = value.as<const Dict *>()) return (*dict)->size > 0;
    if (const auto *sequence = value.as<Sequence *>()) {
        return (*sequence)->kind == Sequence::Kind::iterator || (*sequence)->items.size > 0;
    }
    return true;
}

Error undefined_error(const Value &value) {
    return error(Status::bad_format, "'", value.as<Undefined>()->name, "' is undefined");
}

Result<bool> equals(Workspace &work, const Value &left, const Value &right) {
    HADAL_CHECK(work.spend(1));
    if (is_number(left) && is_number(right)) {
        return compare_numbers(left, right) == 0 && !is_nan(left);
    }
    if (left.index() != right.index()) return false;
    if (left.is_undefined() || left.is_none()) return true;
    const auto same_text = [&work](std::string_view a, std::string_view b) -> Result<bool> {
        if (a.size() != b.size()) return false;
        HADAL_CHECK(work.spend_bytes(a.size()));
        return a == b;
    };
    if (const auto *text = left.as<std::string_view>()) return same_text(*text, *right.as<std::string_view>());
    if (const auto *big = left.as<BigInteger>()) return same_text(big->digits, right.as<BigInteger>()->digits);
    const Deeper deeper(work);
    HADAL_CHECK(deeper.check());
    if (const Items *items = row(left)) return equal_rows(work, *items, *row(right));
    if (const auto *dict = left.as<const Dict *>()) return equal_dicts(work, **dict, **right.as<const Dict *>());
    if (const auto *sequence = left.as<Sequence *>()) {
        const Sequence &other = **right.as<Sequence *>();
        if (*sequence == &other) return true;
        if ((*sequence)->kind != Sequence::Kind::range || other.kind != Sequence::Kind::range) return false;
        return equal_rows(work, (*sequence)->items, other.items);
    }
    if (const auto *space = left.as<Namespace *>()) return *space == *right.as<Namespace *>();
    if (const auto *callable = left.as<const Callable *>()) return *callable == *right.as<const Callable *>();
    return *left.as<Loop *>() == *right.as<Loop *>();
}

Result<bool> less(Workspace &work, const Value &left, const Value &right) {
    HADAL_CHECK(work.spend(1));
    if (left.is_undefined()) return undefined_error(left);
    if (right.is_undefined()) return undefined_error(right);
    if (is_number(left) && is_number(right)) {
        return !is_nan(left) && !is_nan(right) && compare_numbers(left, right) < 0;
    }
    if (left.index() != right.index()) return no_order(left, right);
    if (const auto *text = left.as<std::string_view>()) {
        const std::string_view other = *right.as<std::string_view>();
        HADAL_CHECK(work.spend_bytes(std::min(text->size(), other.size())));
        return *text < other;
    }
    const Items *items = row(left);
    if (items == nullptr) return no_order(left, right);
    const Deeper deeper(work);
    HADAL_CHECK(deeper.check());
    return less_rows(work, *items, *row(right));
}

Result<bool> contains(Workspace &work, const Value &container, const Value &wanted) {
    if (const auto *text = container.as<std::string_view>()) {
        if (wanted.is_undefined()) return undefined_error(wanted);
        const auto *part = wanted.as<std::string_view>();
        if (part == nullptr) {
            return error(Status::bad_format, "a str can contain a str, not a ", type_name(wanted));
        }
        HADAL_TRY(const size_t at, text_find(work, *text, *part));
        return at != std::string_view::npos;
    }
    if (const auto *dict = container.as<const Dict *>()) {
        if (wanted.is<List>() || wanted.is<const Dict *>()) {
            return error(Status::bad_format, "a ", type_name(wanted), " cannot be a dictionary's key");
        }
        HADAL_TRY(const Value *found, find(work, **dict, wanted));
        return found != nullptr;
    }
    HADAL_TRY(const Items items, iterate(work, container));
    for (const Value &item : items) {
        HADAL_TRY(const bool same, equals(work, item, wanted));
        if (same && may_be_same(work, item, wanted)) return true;
    }
    return false;
}

namespace {

Result<Value> compare(Workspace &work, Operator op, const Value &left, const Value &right) {
    const auto negated = [](Result<bool> result) -> Result<Value> {
        HADAL_TRY(const bool truth, std::move(result));
        return Value(!truth);
    };
    const auto plain = [](Result<bool> result) -> Result<Value> {
        HADAL_TRY(const bool truth, std::move(result));
        return Value(truth);
    };
    const bool unordered = is_nan(left) || is_nan(right);  // nan <= x is not: not x < nan
    switch (op) {
        case Operator::equal:
            return plain(equals(work, left, right));
        case Operator::not_equal:
            return negated(equals(work, left, right));
        case Operator::less:
            return plain(less(work, left, right));
        case Operator::greater:
            return plain(less(work, right, left));
        case Operator::less_equal:
            return unordered ? plain(less(work, left, right)) : negated(less(work, right, left));
        case Operator::greater_equal:
            return unordered ? plain(less(work, left, right)) : negated(less(work, left, right));
        case Operator::in:
            return plain(contains(work, right, left));
        default:
            return negated(contains(work, right, left));
    }
}

}  // namespace

Result<Value> apply(Workspace &work, Operator op, const Value &left, const Value &right) {
    HADAL_CHECK(work.spend(1));
    return op < Operator::equal ? arithmetic(work, op, left, right) : compare(work, op, left, right);
}

Result<Value> negative(const Value &value) {
    if (value.is_undefined()) return undefined_error(value);
    if (const auto *real = value.as<double>()) return Value(-*real);
    const auto integer = as_integer(value);
    if (!integer) return error(Status::bad_format, "there is no -", type_name(value));
    int64_t result = 0;
    if (__builtin_sub_overflow(int64_t{0}, *integer, &result)) {
        return error(Status::bad_format, "-(", *integer, ") is an integer beyond 64 bits");
    }
    return Value(result);
}

Result<Value> positive(const Value &value) {
    if (value.is_undefined()) return undefined_error(value);
    if (value.is<double>()) return value;
    const auto integer = as_integer(value);
    if (!integer) return error(Status::bad_format, "there is no +", type_name(value));
    return Value(*integer);
}

Result<Items> iterate(Workspace &work, const Value &value) {
    if (value.is_undefined()) return Items{};
    if (const Items *items = row(value)) return *items;
    if (const auto *sequence = value.as<Sequence *>()) {
        Sequence &from = **sequence;
        if (from.kind != Sequence::Kind::iterator) return from.items;
        const Items rest{from.items.data + from.next, from.items.size - from.next};
        from.next = from.items.size;
        return rest;
    }
    if (const auto *dict = value.as<const Dict *>()) {
        HADAL_CHECK(work.spend((*dict)->size));
        HADAL_TRY(Value * keys, work.array<Value>((*dict)->size));
        for (size_t i = 0; i < (*dict)->size; ++i) keys[i] = (*dict)->entries[i].key;
        return Items{keys, (*dict)->size};
    }
    if (const auto *text = value.as<std::string_view>()) {
        const size_t n = text_length(*text);
        HADAL_CHECK(work.spend(n));
        HADAL_TRY(Value * characters, work.array<Value>(n));
        for (size_t i = 0, at = 0; i < n; ++i) {
            const size_t from = at;
            text_next(*text, at);
            characters[i] = text->substr(from, at - from);
        }
        return Items{characters, n};
    }
    return error(Status::bad_format, "a ", type_name(value), " cannot be iterated over");
}

Result<int64_t> length(Workspace &work, const Value &value) {
    if (value.is_undefined()) return int64_t{0};
    if (const auto *text = value.as<std::string_view>()) {
        HADAL_CHECK(work.spend(text->size() / 32));
        return static_cast<int64_t>(text_length(*text));
    }
    if (const Items *items = row(value)) return static_cast<int64_t>(items->size);
    if (const auto *dict = value.as<const Dict *>()) return static_cast<int64_t>((*dict)->size);
    if (const auto *sequence = value.as<Sequence *>()) {
        return static_cast<int64_t>((*sequence)->items.size - (*sequence)->next);
    }
    if (const auto *loop = value.as<Loop *>()) return static_cast<int64_t>((*loop)->items.size);
    return error(Status::bad_format, "a ", type_name(value), " has no length");
}

}  // namespace hadal::core::jinja
