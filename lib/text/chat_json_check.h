// Whether a text that comes in pieces is one JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadal::core {

/// Follows the whole grammar of JSON (RFC 8259), and that escaped surrogates come in pairs. Pieces may end anywhere.
/// Keys may repeat, numbers may be of any size.
class JsonObjectCheck {
public:
    static constexpr size_t kMaxDepth = 64;

    void feed(std::string_view piece);
    /// What was fed so far is one object, and whole.
    bool is_object() const { return expected_ == Expected::nothing && !is_wrong_; }

private:
    enum class Expected {
        object,
        key_or_end,
        key,
        colon,
        value,
        value_or_end,
        comma_or_end,
        nothing  ///< but white space
    };
    enum class Token { none, string, escape, hex, number, word };
    enum class Digits { sign, zero, whole, point, fraction, exponent, exponent_sign, exponent_digits };

    void step(char c);
    void step_between(char c);
    void step_value(char c);
    void step_string(char c);
    void step_escape(char c);
    void step_hex(char c);
    /// false: the number ends before c.
    bool step_number(char c);
    void open(char closing, Expected inside);
    void close(char c);
    void begin_string();
    void end_value();

    std::string brackets_;  ///< those that will close, the innermost last
    Expected expected_ = Expected::object;
    Token token_ = Token::none;
    Digits digits_ = Digits::sign;
    std::string_view word_;  ///< what is left of true, false or null
    bool is_key_ = false;
    bool is_wrong_ = false;
    bool needs_low_ = false;  ///< the other half of a surrogate pair
    uint32_t n_hex_ = 0, hex_ = 0;
};

}  // namespace hadal::core
