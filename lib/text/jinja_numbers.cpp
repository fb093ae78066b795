// Numbers out of text, and rounding.
#include "text/jinja_numbers.h"

#include <array>
#include <charconv>
#include <cmath>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

/// As Python reads numbers: no white space around, single underscores between digits.
std::optional<std::string> without_underscores(std::string_view text) {
    text = stripped(text, Side::both);
    const auto is_digit = [&](size_t i) {
        return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])));
    };
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_')
            out += text[i];
        else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
            return std::nullopt;
    }
    return out;
}

std::optional<double> parse_float(std::string_view text) {
    const auto plain = without_underscores(text);
    if (!plain) return std::nullopt;
    std::string digits = lower(*plain);
    if (digits.starts_with('+')) digits.erase(0, 1);
    if (digits.starts_with('+') || digits.starts_with("+-") || digits.find("nan(") != std::string::npos)
        return std::nullopt;
    double value = 0;
    const auto [stop, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (stop != digits.data() + digits.size() || digits.empty()) return std::nullopt;
    if (fault == std::errc::result_out_of_range) return digits.find("e-") != std::string::npos ? 0.0 : HUGE_VAL;
    if (fault != std::errc()) return std::nullopt;
    return value;
}

struct ParsedInteger {
    bool is_integer = false;
    bool overflows = false;
    int64_t value = 0;
};

ParsedInteger parse_integer(std::string_view text, int64_t base) {
    const auto plain = without_underscores(text);
    if (!plain) return {};
    std::string digits = lower(*plain);
    const bool is_negative = digits.starts_with('-');
    if (is_negative || digits.starts_with('+')) digits.erase(0, 1);
    const auto has_prefix = [&](char letter) { return digits.size() > 2 && digits[0] == '0' && digits[1] == letter; };
    for (const auto &[letter, its_base] : {std::pair{'x', 16}, {'o', 8}, {'b', 2}}) {
        if (!has_prefix(letter) || (base != its_base && base != 0)) continue;
        digits.erase(0, 2);
        base = its_base;
        break;
    }
    if (base == 0) base = 10;
    if (digits.empty() || digits[0] == '-' || digits[0] == '+') return {};
    if (is_negative) digits.insert(digits.begin(), '-');
    ParsedInteger parsed;
    const auto [stop, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parsed.value, static_cast<int>(base));
    parsed.is_integer = stop == digits.data() + digits.size() && fault != std::errc::invalid_argument;
    parsed.overflows = fault == std::errc::result_out_of_range;
    return parsed;
}

/// Towards zero; nullopt: not a number that an integer is near to.
Result<Value> truncated(const Call &call, double real, const Value &otherwise) {
    if (!std::isfinite(real)) return otherwise;
    if (!(std::fabs(real) < 0x1p63)) return call.fail("the number is beyond 64 bits");
    return Value(static_cast<int64_t>(real));
}

/// To the nearest number of that many decimal digits behind the point, from the number's exact value; ties to even.
double rounded(double real, int64_t precision) {
    if (!std::isfinite(real) || precision > 330) return real;
    if (precision >= 0) {
        std::array<char, 800> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), real, std::chars_format::fixed,
                                       static_cast<int>(precision));
        double value = 0;
        std::from_chars(digits.data(), end.ptr, value);
        return value;
    }
    if (precision < -330) return std::copysign(0.0, real);
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(real / unit) * unit;
}

Result<Value> rounded_integer(const Call &call, int64_t value, int64_t precision) {
    if (precision >= 0) return Value(value);
    if (precision < -18) return Value(int64_t{0});
    int64_t unit = 1;
    for (int64_t i = precision; i < 0; ++i) unit *= 10;
    const int64_t rest = (value % unit + unit) % unit;
    int64_t result = 0;
    if (__builtin_sub_overflow(value, rest, &result)) return call.fail("the number is beyond 64 bits");
    const bool goes_up = rest > unit - rest || (rest == unit - rest && result / unit % 2 != 0);
    if (goes_up && __builtin_add_overflow(result, unit, &result)) return call.fail("the number is beyond 64 bits");
    return Value(result);
}

}  // namespace

Result<Value> filter_abs(const Call &call) {
    HADAL_CHECK(bind(call, {}));
    if (call.input.is_undefined()) return undefined_error(call.input);
    if (const auto *real = call.input.as<double>()) return Value(std::fabs(*real));
    const auto integer = as_integer(call.input);
    if (!integer) return call.fail("a ", type_name(call.input), " is not a number");
    return *integer < 0 ? negative(Value(*integer)) : Value(*integer);
}

Result<Value> filter_float(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"default"}));
    const Value otherwise = bound.value_or(0, 0.0);
    if (call.input.is_undefined()) return undefined_error(call.input);
    if (call.input.is<double>()) return call.input;
    if (const auto integer = as_integer(call.input)) return Value(static_cast<double>(*integer));
    const auto *text = call.input.as<std::string_view>();
    if (text == nullptr) return otherwise;
    HADAL_CHECK(call.work.spend(text->size()));
    const auto real = parse_float(*text);
    return real ? Value(*real) : otherwise;
}

Result<Value> filter_int(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"default", "base"}));
    const Value otherwise = bound.value_or(0, Value(int64_t{0}));
    HADAL_TRY(const int64_t base, bound.integer_or(1, 10));
    if (base != 0 && (base < 2 || base > 36)) return call.fail("base is ", base, "; it must be 0 or 2 to 36");
    if (call.input.is_undefined()) return undefined_error(call.input);
    if (const auto integer = as_integer(call.input)) return Value(*integer);
    if (const auto *real = call.input.as<double>()) return truncated(call, *real, otherwise);
    const auto *text = call.input.as<std::string_view>();
    if (text == nullptr) return otherwise;
    HADAL_CHECK(call.work.spend(text->size()));
    const ParsedInteger parsed = parse_integer(*text, base);
    if (parsed.overflows) return call.fail("the number is beyond 64 bits");
    if (parsed.is_integer) return Value(parsed.value);
    const auto real = parse_float(*text);
    return real ? truncated(call, *real, otherwise) : otherwise;
}

Result<Value> filter_round(const Call &call) {
    HADAL_TRY(const Bound bound, bind(call, {"precision", "method"}));
    HADAL_TRY(const int64_t precision, bound.integer_or(0, 0));
    HADAL_TRY(const std::string_view method, bound.text_or(1, "common"));
    if (call.input.is_undefined()) return undefined_error(call.input);
    if (!is_number(call.input)) return call.fail("a ", type_name(call.input), " is not a number");
    const auto integer = as_integer(call.input);
    if (method == "common") {
        if (integer) return rounded_integer(call, *integer, precision);
        return Value(rounded(*call.input.as<double>(), precision));
    }
    if (method != "ceil" && method != "floor") return call.fail("the method '", method, "' is not known");
    const double real = integer ? static_cast<double>(*integer) : *call.input.as<double>();
    const double unit = std::pow(10.0, static_cast<double>(precision));
    return Value((method == "ceil" ? std::ceil(real * unit) : std::floor(real * unit)) / unit);
}

}  // namespace hadal::core::jinja
