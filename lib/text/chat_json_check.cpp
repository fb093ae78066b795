#include "text/chat_json_check.h"

namespace hadal::core {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// 16: none.
uint32_t hex_value(char c) {
    if (is_digit(c)) return static_cast<uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A') + 10;
    return 16;
}

}  // namespace

void JsonObjectCheck::feed(std::string_view piece) {
    for (const char c : piece) {
        if (is_wrong_) return;
        step(c);
    }
}

void JsonObjectCheck::step(char c) {
    switch (token_) {
        case Token::string:
            return step_string(c);
        case Token::escape:
            return step_escape(c);
        case Token::hex:
            return step_hex(c);
        case Token::word:
            is_wrong_ = c != word_.front();
            word_.remove_prefix(1);
            if (word_.empty()) end_value();
            return;
        case Token::number:
            if (step_number(c)) return;
            end_value();
            break;
        case Token::none:
            break;
    }
    step_between(c);
}

void JsonObjectCheck::step_between(char c) {
    if (is_wrong_ || is_space(c)) return;
    switch (expected_) {
        case Expected::object:
            is_wrong_ = c != '{';
            return open('}', Expected::key_or_end);
        case Expected::key_or_end:
            if (c == '}') return close(c);
            [[fallthrough]];
        case Expected::key:
            is_wrong_ = c != '"';
            is_key_ = true;
            return begin_string();
        case Expected::colon:
            is_wrong_ = c != ':';
            expected_ = Expected::value;
            return;
        case Expected::value_or_end:
            if (c == ']') return close(c);
            [[fallthrough]];
        case Expected::value:
            return step_value(c);
        case Expected::comma_or_end:
            if (c != ',') return close(c);
            expected_ = brackets_.back() == '}' ? Expected::key : Expected::value;
            return;
        case Expected::nothing:
            is_wrong_ = true;
    }
}

void JsonObjectCheck::step_value(char c) {
    if (c == '{') return open('}', Expected::key_or_end);
    if (c == '[') return open(']', Expected::value_or_end);
    if (c == '"') {
        is_key_ = false;
        return begin_string();
    }
    if (c == '-' || is_digit(c)) {
        token_ = Token::number;
        digits_ = c == '-' ? Digits::sign : c == '0' ? Digits::zero : Digits::whole;
        return;
    }
    token_ = Token::word;
    word_ = c == 't' ? "rue" : c == 'f' ? "alse" : "ull";
    is_wrong_ = c != 't' && c != 'f' && c != 'n';
}

void JsonObjectCheck::begin_string() {
    token_ = Token::string;
    needs_low_ = false;
}

void JsonObjectCheck::step_string(char c) {
    if (c == '\\') {
        token_ = Token::escape;
        return;
    }
    is_wrong_ = needs_low_ || static_cast<unsigned char>(c) < 0x20;
    if (c != '"') return;
    if (!is_key_) return end_value();
    token_ = Token::none;
    expected_ = Expected::colon;
}

void JsonObjectCheck::step_escape(char c) {
    token_ = c == 'u' ? Token::hex : Token::string;
    n_hex_ = hex_ = 0;
    if (c != 'u') is_wrong_ = needs_low_ || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos;
}

void JsonObjectCheck::step_hex(char c) {
    const uint32_t digit = hex_value(c);
    is_wrong_ = digit == 16;
    hex_ = 16 * hex_ + digit;
    if (++n_hex_ < 4) return;
    token_ = Token::string;
    const bool is_low = hex_ >= 0xDC00 && hex_ < 0xE000;
    is_wrong_ = is_wrong_ || is_low != needs_low_;
    needs_low_ = hex_ >= 0xD800 && hex_ < 0xDC00;
}

bool JsonObjectCheck::step_number(char c) {
    const auto become = [this](Digits next) {
        digits_ = next;
        return true;
    };
    const bool is_exponent = c == 'e' || c == 'E';
    switch (digits_) {
        case Digits::sign:
            if (is_digit(c)) return become(c == '0' ? Digits::zero : Digits::whole);
            break;
        case Digits::whole:
            if (is_digit(c)) return true;
            [[fallthrough]];
        case Digits::zero:
            if (c == '.') return become(Digits::point);
            if (is_exponent) return become(Digits::exponent);
            return false;
        case Digits::point:
            if (is_digit(c)) return become(Digits::fraction);
            break;
        case Digits::fraction:
            if (is_digit(c)) return true;
            if (is_exponent) return become(Digits::exponent);
            return false;
        case Digits::exponent:
            if (c == '+' || c == '-') return become(Digits::exponent_sign);
            [[fallthrough]];
        case Digits::exponent_sign:
            if (is_digit(c)) return become(Digits::exponent_digits);
            break;
        case Digits::exponent_digits:
            return is_digit(c);
    }
    is_wrong_ = true;
    return true;
}

void JsonObjectCheck::open(char closing, Expected inside) {
    is_wrong_ = is_wrong_ || brackets_.size() == kMaxDepth;
    brackets_ += closing;
    expected_ = inside;
}

void JsonObjectCheck::close(char c) {
    is_wrong_ = brackets_.back() != c;
    brackets_.pop_back();
    end_value();
}

void JsonObjectCheck::end_value() {
    token_ = Token::none;
    expected_ = brackets_.empty() ? Expected::nothing : Expected::comma_or_end;
}

}  // namespace hadal::core
