// Expressions.
#include "text/jinja_eval.h"

#include "text/jinja_dict.h"
#include "text/jinja_lexer.h"
#include "text/jinja_namespace.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace hadal::core::jinja {

Evaluator::Evaluator(const Syntax &syntax, const Dict &context, Workspace &work)
    : syntax_(syntax), work_(work), output_limit_(work.options().output_bytes) {
    globals_.reserve(syntax.symbols.size());
    for (const std::string_view name : syntax.symbols) {
        const Value *given = find(context, Value(name));
        globals_.push_back(given != nullptr ? *given : Value(Undefined{name}));
    }
}

Result<std::string> Evaluator::run() {
    const auto run_all = [&]() -> Result<void> {
        for (uint32_t symbol = 0; symbol < globals_.size(); ++symbol) {
            const std::string_view name = syntax_.symbols[symbol];
            const Builtin function = globals_[symbol].is_undefined() ? find_function(name) : nullptr;
            if (function == nullptr) continue;
            HADAL_TRY(globals_[symbol], work_.make(Callable{Callable::Kind::function, function, name, {}}));
        }
        HADAL_CHECK(run_body(syntax_.root));
        return {};
    };
    const auto done = run_all();
    if (done) return std::move(out_text_);
    return error_at(done.error().status, place_of(syntax_.source, offset_), done.error().message);
}

Result<Value> Evaluator::eval(NodeId id) {
    const Node &node = syntax_.nodes[id];
    HADAL_CHECK(work_.spend(1));
    switch (node.kind) {
        case NodeKind::constant:
            return node.constant;
        case NodeKind::name:
            offset_ = node.offset;
            return look_up(node.symbol);
        default:
            break;
    }
    const Deeper deeper(work_);
    offset_ = node.offset;
    HADAL_CHECK(deeper.check());
    return eval_other(node);
}

Result<Value> Evaluator::eval_other(const Node &node) {
    switch (node.kind) {
        case NodeKind::list:
        case NodeKind::tuple:
            return eval_items(node);
        case NodeKind::dict:
            return eval_dict(node);
        case NodeKind::attribute: {
            HADAL_TRY(const Value object, eval(node.kids[0]));
            offset_ = node.offset;
            return attribute(object, node.text);
        }
        case NodeKind::subscript:
            return eval_subscript(node);
        case NodeKind::slice:
            return eval_slice(node);
        case NodeKind::call:
            return eval_call(node);
        case NodeKind::filter:
            return eval_filter(node);
        case NodeKind::test:
            return eval_test(node);
        case NodeKind::binary: {
            HADAL_TRY(const Value left, eval(node.kids[0]));
            HADAL_TRY(const Value right, eval(node.kids[1]));
            offset_ = node.offset;
            return apply(work_, node.op, left, right);
        }
        case NodeKind::comparison:
            return eval_comparison(node);
        case NodeKind::concat:
            return eval_concat(node);
        case NodeKind::both: {
            HADAL_TRY(const Value left, eval(node.kids[0]));
            return truthy(left) ? eval(node.kids[1]) : left;
        }
        case NodeKind::either: {
            HADAL_TRY(const Value left, eval(node.kids[0]));
            return truthy(left) ? left : eval(node.kids[1]);
        }
        case NodeKind::inverse: {
            HADAL_TRY(const Value inner, eval(node.kids[0]));
            return Value(!truthy(inner));
        }
        case NodeKind::minus:
        case NodeKind::plus: {
            HADAL_TRY(const Value inner, eval(node.kids[0]));
            offset_ = node.offset;
            return node.kind == NodeKind::minus ? negative(inner) : positive(inner);
        }
        case NodeKind::choice:
            return eval_choice(node);
        default:
            return error(Status::internal, "a statement where an expression should be");
    }
}

Result<Value> Evaluator::look_up(uint32_t symbol) {
    uint64_t n_passed = 0;
    for (const Scope *scope = scope_; scope != nullptr; scope = scope->parent) {
        for (uint32_t i = 0; i < scope->size; ++i) {
            if (scope->bindings[i].symbol == symbol) return scope->bindings[i].value;
        }
        n_passed += scope->size;
    }
    HADAL_CHECK(work_.spend(n_passed / 16));
    return globals_[symbol];
}

Result<Value> Evaluator::eval_items(const Node &node) {
    HADAL_TRY(Value * place, work_.array<Value>(node.kids.size()));
    for (size_t i = 0; i < node.kids.size(); ++i) {
        HADAL_TRY(place[i], eval(node.kids[i]));
    }
    const Items items{place, node.kids.size()};
    if (node.kind == NodeKind::list) return Value(List{items});
    return Value(Tuple{items});
}

Result<Value> Evaluator::eval_dict(const Node &node) {
    std::vector<Entry> entries(node.kids.size() / 2);
    for (size_t i = 0; i < entries.size(); ++i) {
        HADAL_TRY(entries[i].key, eval(node.kids[2 * i]));
        HADAL_TRY(entries[i].value, eval(node.kids[2 * i + 1]));
    }
    offset_ = node.offset;
    HADAL_TRY(const Dict *dict, make_dict(work_, entries));
    return Value(dict);
}

Result<Value> Evaluator::eval_slice(const Node &node) {
    HADAL_TRY(const Value object, eval(node.kids[0]));
    Value bounds[3] = {None{}, None{}, None{}};
    for (size_t i = 0; i < 3; ++i) {
        if (node.kids[i + 1] == kNone) continue;
        HADAL_TRY(bounds[i], eval(node.kids[i + 1]));
    }
    offset_ = node.offset;
    return slice(work_, object, {bounds[0], bounds[1], bounds[2]});
}

Result<Value> Evaluator::eval_comparison(const Node &node) {
    HADAL_TRY(Value left, eval(node.kids[0]));
    Value result;
    for (size_t i = 0; i < node.ops.size(); ++i) {
        HADAL_TRY(const Value right, eval(node.kids[i + 1]));
        offset_ = node.offset;
        HADAL_TRY(result, apply(work_, node.ops[i], left, right));
        if (!truthy(result)) break;
        left = right;
    }
    return result;
}

Result<Value> Evaluator::eval_concat(const Node &node) {
    std::string_view all;
    for (const NodeId part : node.kids) {
        HADAL_TRY(const Value value, eval(part));
        offset_ = node.offset;
        HADAL_TRY(const std::string_view text, to_text(work_, value));
        HADAL_TRY(const Value longer, work_.joined(all, text));
        all = *longer.as<std::string_view>();
    }
    return Value(all);
}

Result<Value> Evaluator::eval_choice(const Node &node) {
    HADAL_TRY(const Value condition, eval(node.kids[1]));
    if (truthy(condition)) return eval(node.kids[0]);
    if (node.kids[2] != kNone) return eval(node.kids[2]);
    return Value(Undefined{"the value of an 'if' without 'else'"});
}

Result<Value> Evaluator::eval_subscript(const Node &node) {
    HADAL_TRY(const Value object, eval(node.kids[0]));
    HADAL_TRY(const Value index, eval(node.kids[1]));
    offset_ = node.offset;
    if (!object.is<Namespace *>() && !object.is<Loop *>()) {
        HADAL_TRY(const Value item, subscript(work_, object, index));
        if (!item.is_undefined()) return item;
    }
    // As in Jinja, what is no item may be an attribute.
    const auto *name = index.as<std::string_view>();
    if (name == nullptr) return Value(Undefined{"item"});
    return attribute(object, *name);
}

Result<Value> Evaluator::eval_filter(const Node &node) {
    HADAL_TRY(const Value input, eval(node.kids[0]));
    ArgumentValues arguments;
    HADAL_CHECK(eval_arguments(node.call, arguments));
    offset_ = node.offset;
    return call_filter({work_, node.text, input, arguments.view()});
}

Result<Value> Evaluator::eval_test(const Node &node) {
    HADAL_TRY(const Value input, eval(node.kids[0]));
    ArgumentValues arguments;
    HADAL_CHECK(eval_arguments(node.call, arguments));
    offset_ = node.offset;
    HADAL_TRY(const bool result, call_test({work_, node.text, input, arguments.view()}));
    return Value(result);
}

Result<Value> Evaluator::eval_call(const Node &call_node) {
    const Node &callee = node(call_node.kids[0]);
    ArgumentValues arguments;
    if (callee.kind == NodeKind::attribute) {
        HADAL_TRY(const Value object, eval(callee.kids[0]));
        if (const Builtin method = find_method(object, callee.text)) {
            HADAL_CHECK(eval_arguments(call_node.call, arguments));
            offset_ = call_node.offset;
            return method({work_, callee.text, object, arguments.view()});
        }
        offset_ = callee.offset;
        HADAL_TRY(const Value function, attribute(object, callee.text));
        if (function.is_undefined()) {
            return error(Status::bad_format, "a ", type_name(object), " has no method '", callee.text,
                         "' that a template may call");
        }
        HADAL_CHECK(eval_arguments(call_node.call, arguments));
        offset_ = call_node.offset;
        return call(function, arguments.view());
    }
    HADAL_TRY(const Value function, eval(call_node.kids[0]));
    HADAL_CHECK(eval_arguments(call_node.call, arguments));
    offset_ = call_node.offset;
    return call(function, arguments.view());
}

Result<void> Evaluator::eval_arguments(uint32_t call_id, ArgumentValues &out) {
    if (call_id == kNone) return {};
    const CallSyntax &call = syntax_.calls[call_id];
    out.positional.reserve(call.positional.size());
    for (const NodeId id : call.positional) {
        HADAL_TRY(const Value value, eval(id));
        out.positional.push_back(value);
    }
    for (const NamedNode &named : call.named) {
        HADAL_TRY(const Value value, eval(named.value));
        out.named.push_back({named.name, value});
    }
    return eval_more_arguments(call, out);
}

Result<void> Evaluator::eval_more_arguments(const CallSyntax &call, ArgumentValues &out) {
    if (call.more_positional != kNone) {
        HADAL_TRY(const Value value, eval(call.more_positional));
        HADAL_TRY(const Items items, iterate(work_, value));
        HADAL_CHECK(work_.spend(items.size));
        out.positional.insert(out.positional.end(), items.begin(), items.end());
    }
    if (call.more_named == kNone) return {};
    HADAL_TRY(const Value value, eval(call.more_named));
    const auto *dict = value.as<const Dict *>();
    if (dict == nullptr) return error(Status::bad_format, "** of a ", type_name(value), "; it must be a dict");
    HADAL_CHECK(work_.spend((*dict)->size));
    for (const Entry &entry : **dict) {
        const auto *name = entry.key.as<std::string_view>();
        if (name == nullptr) return error(Status::bad_format, "** of a dict with keys that are not strings");
        out.named.push_back({*name, entry.value});
    }
    return {};
}

Result<Value> Evaluator::attribute(const Value &object, std::string_view name) {
    if (object.is_undefined()) return undefined_error(object);
    if (const Builtin method = find_method(object, name)) {
        HADAL_TRY(const Callable *bound, work_.make(Callable{Callable::Kind::method, method, name, object}));
        return Value(bound);
    }
    if (const auto *dict = object.as<const Dict *>()) {
        HADAL_TRY(const Value *item, find(work_, **dict, Value(name)));
        if (item != nullptr) return *item;
    }
    if (const auto *space = object.as<Namespace *>()) {
        HADAL_CHECK(work_.spend((*space)->size / 16));
        if (const Value *item = find_attribute(**space, name)) return *item;
    }
    if (const auto *loop = object.as<Loop *>()) return loop_attribute(**loop, name);
    if (const Value *part = group_part(object, name)) return *part;
    if (const auto *callable = object.as<const Callable *>()) return macro_attribute(**callable, name);
    return Value(Undefined{name});
}

Result<Value> Evaluator::loop_attribute(Loop &loop, std::string_view name) {
    const auto index = static_cast<int64_t>(loop.index);
    if (name == "index") return Value(index + 1);
    if (name == "index0") return Value(index);
    if (name == "first") return Value(index == 0);
    if (name == "depth") return Value(loop.depth);
    if (name == "depth0") return Value(loop.depth - 1);
    if (name == "previtem") {
        return index == 0 ? Value(Undefined{"there is no previous item"}) : loop.items[loop.index - 1];
    }
    if (name == "last" || name == "nextitem") {
        HADAL_TRY(const bool has_next, fill(loop, loop.index + 1));
        if (name == "last") return Value(!has_next);
        return has_next ? loop.items[loop.index + 1] : Value(Undefined{"there is no next item"});
    }
    if (name == "length" || name == "revindex" || name == "revindex0") {
        HADAL_CHECK(fill(loop, loop.source.size));
        const auto size = static_cast<int64_t>(loop.items.size);
        return Value(name == "length" ? size : name == "revindex" ? size - index : size - index - 1);
    }
    if (name == "cycle" || name == "changed") {
        const auto kind = name == "cycle" ? Callable::Kind::cycle : Callable::Kind::changed;
        HADAL_TRY(const Callable *bound, work_.make(Callable{kind, nullptr, name, &loop}));
        return Value(bound);
    }
    return Value(Undefined{name});
}

}  // namespace hadal::core::jinja
