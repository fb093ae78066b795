// Expressions, by operator precedence.
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja_parser.h"

namespace hadal::core::jinja {
namespace {

/// Attributes, subscripts and calls of one operand: rendering nests one deeper for each.
constexpr size_t kMaxChain = 1000;

// How tightly operators bind, as Jinja has it: ~ stands between + and *.
enum Precedence { kOr = 1, kAnd, kNot, kCompare, kSum, kConcat, kProduct, kPower };

struct Infix {
    std::string_view sign;
    Operator op;
    Precedence precedence;
};
constexpr Infix kArithmetic[] = {
    {"+", Operator::add, kSum},        {"-", Operator::subtract, kSum},          {"*", Operator::multiply, kProduct},
    {"/", Operator::divide, kProduct}, {"//", Operator::floor_divide, kProduct}, {"%", Operator::modulo, kProduct},
    {"**", Operator::power, kPower},
};
constexpr Infix kComparisons[] = {
    {"==", Operator::equal, kCompare},  {"!=", Operator::not_equal, kCompare},
    {"<", Operator::less, kCompare},    {"<=", Operator::less_equal, kCompare},
    {">", Operator::greater, kCompare}, {">=", Operator::greater_equal, kCompare},
};

template <size_t n>
const Infix *find_sign(const Infix (&table)[n], const Token &token) {
    if (token.kind != TokenKind::sign) return nullptr;
    for (const Infix &infix : table) {
        if (infix.sign == token.text) return &infix;
    }
    return nullptr;
}

bool is_string(const Token &token) {
    return token.kind == TokenKind::string;
}

}  // namespace

Result<NodeId> ExpressionParser::parse_expression(Conditional conditional) {
    HADAL_CHECK(go_deeper());
    HADAL_TRY(const NodeId node, parse_choice(conditional));
    come_back();
    return node;
}

Result<NodeId> ExpressionParser::parse_choice(Conditional conditional) {
    HADAL_TRY(NodeId node, parse_binary(kOr));
    while (conditional == Conditional::allowed && is_name("if")) {
        const uint32_t offset = token().offset;
        ++at_;
        HADAL_TRY(const NodeId condition, parse_binary(kOr));
        NodeId otherwise = kNone;
        if (skip_name("else")) {
            HADAL_TRY(otherwise, parse_expression());
        }
        node = add(NodeKind::choice, offset, {node, condition, otherwise});
    }
    return node;
}

Result<NodeId> ExpressionParser::parse_binary(int least) {
    if (least > kPower) return parse_unary(Filters::included);
    NodeId left = kNone;
    if (least <= kNot && is_name("not")) {
        const uint32_t offset = token().offset;
        ++at_;
        HADAL_CHECK(go_deeper());
        HADAL_TRY(const NodeId inner, parse_binary(kNot));
        come_back();
        left = add(NodeKind::inverse, offset, {inner});
    } else {
        HADAL_TRY(left, parse_unary(Filters::included));
    }
    for (;;) {
        const uint32_t offset = token().offset;
        if (const Infix *infix = find_sign(kArithmetic, token()); infix != nullptr && infix->precedence >= least) {
            ++at_;
            HADAL_TRY(const NodeId right, parse_binary(infix->precedence + 1));
            left = add(NodeKind::binary, offset, {left, right});
            syntax_.nodes[left].op = infix->op;
        } else if (is_sign("~") && least <= kConcat) {
            HADAL_TRY(left, parse_concat(left));
        } else if (least <= kCompare &&
                   (find_sign(kComparisons, token()) || is_name("in") || (is_name("not") && ahead().text == "in"))) {
            HADAL_TRY(left, parse_comparison(left));
        } else if (is_name("and") && least <= kAnd) {
            ++at_;
            HADAL_TRY(const NodeId right, parse_binary(kAnd + 1));
            left = add(NodeKind::both, offset, {left, right});
        } else if (is_name("or") && least <= kOr) {
            ++at_;
            HADAL_TRY(const NodeId right, parse_binary(kOr + 1));
            left = add(NodeKind::either, offset, {left, right});
        } else {
            return left;
        }
    }
}

Result<NodeId> ExpressionParser::parse_comparison(NodeId left) {
    Node node;
    node.kind = NodeKind::comparison;
    node.offset = token().offset;
    node.kids = {left};
    for (;;) {
        if (const Infix *infix = find_sign(kComparisons, token())) {
            node.ops.push_back(infix->op);
            ++at_;
        } else if (skip_name("in")) {
            node.ops.push_back(Operator::in);
        } else if (is_name("not") && ahead().kind == TokenKind::name && ahead().text == "in") {
            node.ops.push_back(Operator::not_in);
            at_ += 2;
        } else {
            return add(std::move(node));
        }
        HADAL_TRY(const NodeId right, parse_binary(kCompare + 1));
        node.kids.push_back(right);
    }
}

Result<NodeId> ExpressionParser::parse_concat(NodeId left) {
    const uint32_t offset = token().offset;
    std::vector<NodeId> parts = {left};
    while (skip_sign("~")) {
        HADAL_TRY(const NodeId part, parse_binary(kConcat + 1));
        parts.push_back(part);
    }
    return add(NodeKind::concat, offset, std::move(parts));
}

Result<NodeId> ExpressionParser::parse_unary(Filters filters) {
    const uint32_t offset = token().offset;
    NodeId node = kNone;
    if (is_sign("-") || is_sign("+")) {
        const NodeKind kind = is_sign("-") ? NodeKind::minus : NodeKind::plus;
        ++at_;
        HADAL_CHECK(go_deeper());
        HADAL_TRY(const NodeId inner, parse_unary(Filters::excluded));
        come_back();
        node = add(kind, offset, {inner});
    } else {
        HADAL_TRY(node, parse_primary());
    }
    HADAL_TRY(node, parse_postfix(node));
    while (filters == Filters::included) {
        if (skip_sign("|")) {
            HADAL_TRY(node, parse_filters(node));
        } else if (is_name("is")) {
            HADAL_TRY(node, parse_test(node));
        } else if (is_sign("(")) {
            HADAL_TRY(node, parse_call(node));
        } else {
            break;
        }
    }
    return node;
}

// ---- Literals and names ---------------------------------------------------------------------------------------------

Result<NodeId> ExpressionParser::parse_primary() {
    if (token().kind == TokenKind::name) {
        const std::string_view text = token().text;
        Node node;
        node.offset = token().offset;
        if (text == "true" || text == "True") {
            node.constant = true;
        } else if (text == "false" || text == "False") {
            node.constant = false;
        } else if (text == "none" || text == "None") {
            node.constant = None{};
        } else {
            node.kind = NodeKind::name;
            node.symbol = symbol(text);
        }
        ++at_;
        return add(std::move(node));
    }
    if (is_sign("(")) return parse_parenthesis();
    if (is_sign("[")) return parse_list();
    if (is_sign("{")) return parse_dict();
    return parse_literal();
}

Result<NodeId> ExpressionParser::parse_literal() {
    const Token &first = token();
    if (first.kind == TokenKind::integer) return parse_integer(first);
    if (first.kind == TokenKind::real) return parse_real(first);
    if (!is_string(first)) return expected("an expression");
    Node node;
    node.offset = first.offset;
    std::string_view text = first.text;
    ++at_;
    if (is_string(token())) {  // neighbours are one string
        std::string all(text);
        for (; is_string(token()); ++at_) all += token().text;
        syntax_.strings.push_back(std::move(all));
        text = syntax_.strings.back();
    }
    node.constant = text;
    return add(std::move(node));
}

Result<NodeId> ExpressionParser::parse_integer(const Token &digits) {
    std::string text;
    for (const char c : digits.text) {
        if (c != '_') text += c;
    }
    const char letter = text.size() > 1 ? static_cast<char>(text[1] | 0x20) : '0';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    const char *begin = text.data() + (base == 10 ? 0 : 2), *end = text.data() + text.size();
    int64_t value = 0;
    const auto [stop, fault] = std::from_chars(begin, end, value, base);
    if (fault == std::errc::result_out_of_range) return fail("the integer " + quoted(text) + " is beyond 64 bits");
    if (fault != std::errc() || stop != end) return fail(quoted(text) + " is no number");
    Node node;
    node.offset = digits.offset;
    node.constant = value;
    ++at_;
    return add(std::move(node));
}

Result<NodeId> ExpressionParser::parse_real(const Token &digits) {
    std::string text;
    for (const char c : digits.text) {
        if (c != '_') text += c;
    }
    double value = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc()) return fail("the number " + quoted(text) + " is beyond the range of a float");
    Node node;
    node.offset = digits.offset;
    node.constant = value;
    ++at_;
    return add(std::move(node));
}

Result<NodeId> ExpressionParser::parse_parenthesis() {
    const uint32_t offset = token().offset;
    ++at_;
    if (skip_sign(")")) return add(NodeKind::tuple, offset);
    HADAL_TRY(const NodeId node, parse_tuple(Conditional::allowed));
    HADAL_CHECK(expect_sign(")"));
    return node;
}

Result<NodeId> ExpressionParser::parse_list() {
    const uint32_t offset = token().offset;
    ++at_;
    std::vector<NodeId> items;
    while (!is_sign("]")) {
        if (!items.empty()) HADAL_CHECK(expect_sign(","));
        if (is_sign("]")) break;
        HADAL_TRY(const NodeId item, parse_expression());
        items.push_back(item);
    }
    HADAL_CHECK(expect_sign("]"));
    return add(NodeKind::list, offset, std::move(items));
}

Result<NodeId> ExpressionParser::parse_dict() {
    const uint32_t offset = token().offset;
    ++at_;
    std::vector<NodeId> items;
    while (!is_sign("}")) {
        if (!items.empty()) HADAL_CHECK(expect_sign(","));
        if (is_sign("}")) break;
        HADAL_TRY(const NodeId key, parse_expression());
        HADAL_CHECK(expect_sign(":"));
        HADAL_TRY(const NodeId value, parse_expression());
        items.insert(items.end(), {key, value});
    }
    HADAL_CHECK(expect_sign("}"));
    return add(NodeKind::dict, offset, std::move(items));
}

bool ExpressionParser::at_tuple_end(std::string_view end_name) const {
    const TokenKind kind = token().kind;
    return kind == TokenKind::variable_end || kind == TokenKind::block_end || is_sign(")") ||
           (!end_name.empty() && is_name(end_name));
}

Result<NodeId> ExpressionParser::parse_tuple(Conditional conditional, std::string_view end_name) {
    const uint32_t offset = token().offset;
    HADAL_TRY(const NodeId first, parse_expression(conditional));
    if (!is_sign(",")) return first;
    std::vector<NodeId> items = {first};
    while (skip_sign(",")) {
        if (at_tuple_end(end_name)) break;
        HADAL_TRY(const NodeId item, parse_expression(conditional));
        items.push_back(item);
    }
    return add(NodeKind::tuple, offset, std::move(items));
}

// ---- What follows an operand ----------------------------------------------------------------------------------------

Result<NodeId> ExpressionParser::parse_postfix(NodeId node) {
    for (size_t n = 0;; ++n) {
        if (n > kMaxChain) return fail(text("nested more than ", kMaxChain, " deep"));
        if (is_sign(".")) {
            HADAL_TRY(node, parse_dot(node));
        } else if (is_sign("[")) {
            HADAL_TRY(node, parse_bracket(node));
        } else if (is_sign("(")) {
            HADAL_TRY(node, parse_call(node));
        } else {
            return node;
        }
    }
}

Result<NodeId> ExpressionParser::parse_dot(NodeId object) {
    const uint32_t offset = token().offset;
    ++at_;
    if (token().kind == TokenKind::integer) {
        HADAL_TRY(const NodeId index, parse_integer(token()));
        return add(NodeKind::subscript, offset, {object, index});
    }
    Node node;
    node.kind = NodeKind::attribute;
    node.offset = offset;
    node.kids = {object};
    HADAL_TRY(node.text, expect_any_name());
    return add(std::move(node));
}

Result<NodeId> ExpressionParser::parse_bracket(NodeId object) {
    const uint32_t offset = token().offset;
    ++at_;
    HADAL_TRY(const NodeId node, parse_subscribed(object, offset));
    HADAL_CHECK(expect_sign("]"));
    return node;
}

Result<NodeId> ExpressionParser::parse_subscribed(NodeId object, uint32_t offset) {
    NodeId bounds[3] = {kNone, kNone, kNone};
    const auto at_end = [&] { return is_sign("]") || is_sign(":"); };
    if (!is_sign(":")) {
        HADAL_TRY(bounds[0], parse_expression());
        if (!is_sign(":")) return add(NodeKind::subscript, offset, {object, bounds[0]});
    }
    for (int i = 1; i < 3 && skip_sign(":"); ++i) {
        if (at_end()) continue;
        HADAL_TRY(bounds[i], parse_expression());
    }
    return add(NodeKind::slice, offset, {object, bounds[0], bounds[1], bounds[2]});
}

Result<NodeId> ExpressionParser::parse_call(NodeId function) {
    Node node;
    node.kind = NodeKind::call;
    node.offset = token().offset;
    node.kids = {function};
    HADAL_TRY(node.call, parse_arguments());
    return add(std::move(node));
}

Result<uint32_t> ExpressionParser::parse_arguments() {
    HADAL_CHECK(expect_sign("("));
    CallSyntax call;
    bool is_first = true;
    while (!is_sign(")")) {
        if (!is_first) HADAL_CHECK(expect_sign(","));
        is_first = false;
        if (is_sign(")")) break;
        HADAL_CHECK(parse_argument(call));
    }
    HADAL_CHECK(expect_sign(")"));
    syntax_.calls.push_back(std::move(call));
    return static_cast<uint32_t>(syntax_.calls.size() - 1);
}

Result<void> ExpressionParser::parse_argument(CallSyntax &call) {
    const bool is_named = token().kind == TokenKind::name && ahead().kind == TokenKind::sign && ahead().text == "=";
    const bool is_star = is_sign("*"), is_double_star = is_sign("**");
    const bool too_late =
        call.more_named != kNone || (is_star && call.more_positional != kNone) ||
        (!is_named && !is_star && !is_double_star && (call.more_positional != kNone || !call.named.empty()));
    if (too_late) return fail("an argument that may not stand behind those before it");
    const std::string_view name = token().text;
    at_ += is_named ? 2 : is_star || is_double_star ? 1 : 0;
    HADAL_TRY(const NodeId value, parse_expression());
    if (is_star) {
        call.more_positional = value;
    } else if (is_double_star) {
        call.more_named = value;
    } else if (is_named) {
        call.named.push_back({name, value});
    } else {
        call.positional.push_back(value);
    }
    return {};
}

Result<NodeId> ExpressionParser::parse_filters(NodeId node) {
    do {
        HADAL_TRY(node, parse_filter(node));
    } while (skip_sign("|"));
    return node;
}

Result<NodeId> ExpressionParser::parse_filter(NodeId input) {
    Node node;
    node.kind = NodeKind::filter;
    node.offset = token().offset;
    node.kids = {input};
    HADAL_TRY(node.text, expect_any_name());
    if (is_sign("(")) {
        HADAL_TRY(node.call, parse_arguments());
    }
    return add(std::move(node));
}

Result<NodeId> ExpressionParser::parse_test(NodeId input) {
    Node node;
    node.kind = NodeKind::test;
    node.offset = token().offset;
    node.kids = {input};
    ++at_;
    const bool negated = skip_name("not");
    HADAL_TRY(node.text, expect_any_name());
    HADAL_TRY(node.call, parse_test_arguments());
    const uint32_t offset = node.offset;
    const NodeId test = add(std::move(node));
    return negated ? add(NodeKind::inverse, offset, {test}) : test;
}

/// In parentheses, or one operand without: "x is divisibleby 3".
Result<uint32_t> ExpressionParser::parse_test_arguments() {
    if (is_sign("(")) return parse_arguments();
    const TokenKind kind = token().kind;
    const bool is_word = kind == TokenKind::name && !is_name("else") && !is_name("or") && !is_name("and");
    if (!is_word && kind != TokenKind::string && kind != TokenKind::integer && kind != TokenKind::real &&
        !is_sign("[") && !is_sign("{")) {
        return kNone;
    }
    if (is_name("is")) return fail("a second 'is' behind the first");
    HADAL_CHECK(go_deeper());
    HADAL_TRY(NodeId operand, parse_primary());
    HADAL_TRY(operand, parse_postfix(operand));
    come_back();
    CallSyntax call;
    call.positional.push_back(operand);
    syntax_.calls.push_back(std::move(call));
    return static_cast<uint32_t>(syntax_.calls.size() - 1);
}

// ---- Targets of assignments -----------------------------------------------------------------------------------------

Result<NodeId> ExpressionParser::parse_target(std::string_view end_name) {
    HADAL_CHECK(go_deeper());
    const uint32_t offset = token().offset;
    HADAL_TRY(const NodeId first, parse_target_part());
    std::vector<NodeId> parts = {first};
    bool is_tuple = false;
    while (skip_sign(",")) {
        is_tuple = true;
        if (at_tuple_end(end_name) || is_sign("=")) break;
        HADAL_TRY(const NodeId part, parse_target_part());
        parts.push_back(part);
    }
    come_back();
    return is_tuple ? add(NodeKind::tuple, offset, std::move(parts)) : first;
}

Result<NodeId> ExpressionParser::parse_target_part() {
    if (skip_sign("(")) {
        HADAL_TRY(const NodeId inner, parse_target());
        HADAL_CHECK(expect_sign(")"));
        return inner;
    }
    Node node;
    node.kind = NodeKind::name;
    node.offset = token().offset;
    HADAL_TRY(const std::string_view name, expect_any_name());
    for (const std::string_view taken : {"true", "True", "false", "False", "none", "None"}) {
        if (name == taken) return fail_at(node.offset, "'" + std::string(name) + "' cannot be assigned to");
    }
    node.symbol = symbol(name);
    if (skip_sign(".")) {
        node.kind = NodeKind::namespace_item;
        HADAL_TRY(node.text, expect_any_name());
    }
    return add(std::move(node));
}

}  // namespace hadal::core::jinja
