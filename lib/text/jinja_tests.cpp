// What "is" asks.
#include "text/jinja_call.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_string_methods.h"

namespace hadal::core::jinja {
namespace {

// ---- Of one value ---------------------------------------------------------------------------------------------------

template <bool (*holds)(const Value &)>
Result<Value> of_kind(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    return Value(holds(call.input));
}

bool is_defined(const Value &value) {
    return !value.is_undefined();
}

bool is_undefined(const Value &value) {
    return value.is_undefined();
}

bool is_none(const Value &value) {
    return value.is_none();
}

bool is_boolean(const Value &value) {
    return value.is<bool>();
}

bool is_true(const Value &value) {
    return value.is<bool>() && *value.as<bool>();
}

bool is_false(const Value &value) {
    return value.is<bool>() && !*value.as<bool>();
}

bool is_integer(const Value &value) {
    return value.is<int64_t>() || value.is<BigInteger>();
}

bool is_float(const Value &value) {
    return value.is<double>();
}

bool is_any_number(const Value &value) {
    return is_number(value) || value.is<BigInteger>();
}

bool is_string(const Value &value) {
    return value.is<std::string_view>();
}

bool is_mapping(const Value &value) {
    return value.is<const Dict *>();
}

/// Has a length and items. Undefined has both, as in Jinja.
bool is_sequence(const Value &value) {
    if (const auto *sequence = value.as<Sequence *>()) return (*sequence)->kind == Sequence::Kind::range;
    return value.is_undefined() || is_string(value) || is_mapping(value) || value.is<List>() || value.is<Tuple>();
}

bool is_iterable(const Value &value) {
    return is_sequence(value) || value.is<Sequence *>() || value.is<Loop *>();
}

bool is_callable(const Value &value) {
    return value.is<const Callable *>() || value.is<Loop *>() || value.is_undefined();
}

bool never(const Value &) {
    return false;
}

/// lower and upper are the methods islower and isupper of what the value prints.
Result<Value> of_case(const Call &call) {
    HADAL_TRY(const std::string_view text, to_text(call.work, call.input));
    Call method = call;
    method.input = text;
    return find_string_method(call.name == "lower" ? "islower" : "isupper")(method);
}

// ---- Of two ---------------------------------------------------------------------------------------------------------

template <Operator op>
Result<Value> compared(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"other"}, 1));
    return apply(call.work, op, call.input, bound.value(0));
}

Result<Value> rest_is(const Call &call, const Value &divisor, int64_t wanted) {
    HADAL_TRY(const Value rest, apply(call.work, Operator::modulo, call.input, divisor));
    return apply(call.work, Operator::equal, rest, Value(wanted));
}

Result<Value> divisible(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"num"}, 1));
    return rest_is(call, bound.value(0), 0);
}

Result<Value> even(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    return rest_is(call, Value(int64_t{2}), 0);
}

Result<Value> odd(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    return rest_is(call, Value(int64_t{2}), 1);
}

/// The same object in Python: for what has one object only.
Result<Value> same_as(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"other"}, 1));
    if (call.input.index() != bound.value(0).index()) return Value(false);
    HADAL_TRY(const bool same, equals(call.work, call.input, bound.value(0)));
    return Value(same);
}

/// Jinja looks the name up in a dictionary.
Result<void> check_key(const Call &call) {
    const auto *sequence = call.input.as<Sequence *>();
    const bool is_view = sequence != nullptr &&
                         ((*sequence)->kind == Sequence::Kind::keys || (*sequence)->kind == Sequence::Kind::items);
    if (!call.input.is<List>() && !call.input.is<const Dict *>() && !is_view) return {};
    return call.fail("a ", type_name(call.input), " is no name");
}

Result<Value> is_filter(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_CHECK(check_key(call));
    const auto *name = call.input.as<std::string_view>();
    return Value(name != nullptr && find_filter(*name) != nullptr);
}

Result<Value> is_test(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    HADAL_CHECK(check_key(call));
    const auto *name = call.input.as<std::string_view>();
    return Value(name != nullptr && find_test(*name) != nullptr);
}

constexpr NamedBuiltin kTests[] = {
    {"!=", compared<Operator::not_equal>},
    {"<", compared<Operator::less>},
    {"<=", compared<Operator::less_equal>},
    {"==", compared<Operator::equal>},
    {">", compared<Operator::greater>},
    {">=", compared<Operator::greater_equal>},
    {"boolean", of_kind<is_boolean>},
    {"callable", of_kind<is_callable>},
    {"defined", of_kind<is_defined>},
    {"divisibleby", divisible},
    {"eq", compared<Operator::equal>},
    {"equalto", compared<Operator::equal>},
    {"escaped", of_kind<never>},
    {"even", even},
    {"false", of_kind<is_false>},
    {"filter", is_filter},
    {"float", of_kind<is_float>},
    {"ge", compared<Operator::greater_equal>},
    {"greaterthan", compared<Operator::greater>},
    {"gt", compared<Operator::greater>},
    {"in", compared<Operator::in>},
    {"integer", of_kind<is_integer>},
    {"iterable", of_kind<is_iterable>},
    {"le", compared<Operator::less_equal>},
    {"lessthan", compared<Operator::less>},
    {"lower", of_case},
    {"lt", compared<Operator::less>},
    {"mapping", of_kind<is_mapping>},
    {"ne", compared<Operator::not_equal>},
    {"none", of_kind<is_none>},
    {"number", of_kind<is_any_number>},
    {"odd", odd},
    {"sameas", same_as},
    {"sequence", of_kind<is_sequence>},
    {"string", of_kind<is_string>},
    {"test", is_test},
    {"true", of_kind<is_true>},
    {"undefined", of_kind<is_undefined>},
    {"upper", of_case},
};

}  // namespace

Builtin find_test(std::string_view name) {
    return find_builtin(kTests, name);
}

}  // namespace hadal::core::jinja
