// Statements: what writes text and sets names.
#include <algorithm>

#include "text/jinja_eval.h"
#include "text/jinja_namespace.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace hadal::core::jinja {
Result<Evaluator::Flow> Evaluator::run_body(BodyId body) {
    const Deeper deeper(work_);
    HADAL_CHECK(deeper.check());
    for (const NodeId id : syntax_.bodies[body]) {
        HADAL_TRY(const Flow flow, run_statement(id));
        if (flow != Flow::next) return flow;
    }
    return Flow::next;
}

Result<Evaluator::Flow> Evaluator::run_statement(NodeId id) {
    const Node &statement = node(id);
    HADAL_CHECK(work_.spend(1));
    offset_ = statement.offset;
    switch (statement.kind) {
        case NodeKind::data:
            HADAL_CHECK(write_text(statement.text));
            break;
        case NodeKind::output: {
            HADAL_TRY(const Value value, eval(statement.kids[0]));
            HADAL_CHECK(write(value));
            break;
        }
        case NodeKind::if_:
            return run_if(statement);
        case NodeKind::for_:
            return run_for(statement, id);
        case NodeKind::set: {
            HADAL_TRY(const Value value, eval(statement.kids[1]));
            HADAL_CHECK(assign(statement.kids[0], value));
            break;
        }
        case NodeKind::set_block:
            HADAL_CHECK(run_set_block(statement));
            break;
        case NodeKind::macro: {
            const MacroSyntax &macro = syntax_.macros[statement.macro];
            HADAL_TRY(const Callable *callable,
                      work_.make(Callable{Callable::Kind::macro, nullptr, macro.name, Value(), &macro, scope_}));
            HADAL_CHECK(set(macro.symbol, Value(callable)));
            break;
        }
        case NodeKind::call_block:
            HADAL_CHECK(run_call_block(statement));
            break;
        case NodeKind::filter_block:
            HADAL_CHECK(run_filter_block(statement));
            break;
        case NodeKind::with:
            HADAL_CHECK(run_with(statement));
            break;
        case NodeKind::scope:
            return run_scope(statement.bodies[0]);
        case NodeKind::break_:
            return Flow::break_;
        case NodeKind::continue_:
            return Flow::continue_;
        default:
            return error(Status::internal, "an expression where a statement should be");
    }
    return Flow::next;
}

Result<void> Evaluator::write_text(std::string_view text) {
    HADAL_CHECK(work_.spend_bytes(text.size()));
    if (text.size() > output_limit_ - std::min<uint64_t>(out_->size(), output_limit_)) {
        return error(Status::bad_format, "the template writes more than ", output_limit_, " bytes");
    }
    *out_ += text;
    return {};
}

Result<void> Evaluator::write(const Value &value) {
    if (const auto *text = value.as<std::string_view>()) return write_text(*text);
    std::string text;
    HADAL_CHECK(append_text(work_, value, text));
    return write_text(text);
}

Result<Value> Evaluator::capture(BodyId body) {
    std::string text;
    std::string *const outer = std::exchange(out_, &text);
    const uint64_t outer_limit = std::exchange(output_limit_, std::min(output_limit_, work_.options().value_bytes));
    const auto flow = run_body(body);
    out_ = outer;
    output_limit_ = outer_limit;
    if (!flow) return flow.error();
    return work_.text(text);
}

Result<Evaluator::Flow> Evaluator::run_if(const Node &statement) {
    for (size_t i = 0; i < statement.kids.size(); ++i) {
        HADAL_TRY(const Value condition, eval(statement.kids[i]));
        if (truthy(condition)) return run_body(statement.bodies[i]);
    }
    if (statement.bodies.size() > statement.kids.size()) return run_body(statement.bodies.back());
    return Flow::next;
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

Result<Evaluator::Flow> Evaluator::run_for(const Node &statement, NodeId id) {
    HADAL_TRY(const Value iterable, eval(statement.kids[1]));
    offset_ = statement.offset;
    HADAL_TRY(const Items items, iterate(work_, iterable));
    return run_loop(id, items, 1);
}

/// Whether there is an item of this index. Conditions are asked as late as possible: they may see what the loop's body
/// changed.
Result<bool> Evaluator::fill(Loop &loop, size_t wanted) {
    const Node &statement = node(loop.statement);
    if (wanted < loop.items.size || statement.kids[2] == kNone) return wanted < loop.items.size;
    Scope inner{loop.scope};
    Scope *const outer = std::exchange(scope_, &inner);
    const auto fill_up = [&]() -> Result<bool> {
        while (loop.items.size <= wanted && loop.n_seen < loop.source.size) {
            const Value &item = loop.source[loop.n_seen++];
            HADAL_CHECK(assign(statement.kids[0], item));
            HADAL_TRY(const Value condition, eval(statement.kids[2]));
            if (!truthy(condition)) continue;
            HADAL_TRY(loop.kept[loop.items.size], taken_apart(statement.kids[0], item));
            loop.items = Items{loop.kept, loop.items.size + 1};
        }
        return wanted < loop.items.size;
    };
    auto result = fill_up();
    scope_ = outer;
    return result;
}

/// What a condition keeps of an item that has been assigned to the target: in Jinja a tuple, for a target of several
/// names, whatever the item was.
Result<Value> Evaluator::taken_apart(NodeId target_id, const Value &item) {
    const Node &target = node(target_id);
    if (target.kind == NodeKind::name) return look_up(target.symbol);
    if (target.kind == NodeKind::namespace_item) return item;
    std::vector<Value> parts;
    for (const NodeId kid : target.kids) {
        HADAL_TRY(const Value part, taken_apart(kid, item));
        parts.push_back(part);
    }
    HADAL_TRY(const Items items, work_.items(parts));
    return Value(Tuple{items});
}

Result<Evaluator::Flow> Evaluator::run_loop(NodeId id, Items items, int64_t depth) {
    const Node &statement = node(id);
    Loop state;
    state.source = items;
    state.depth = depth;
    state.statement = id;
    state.scope = scope_;
    if (statement.kids[2] == kNone) {
        state.items = items;
    } else {
        HADAL_TRY(state.kept, work_.array<Value>(items.size));
    }
    HADAL_TRY(Loop * loop, work_.make(state));
    HADAL_TRY(Scope * scope, work_.make(Scope{scope_}));
    bool finished_one = false;
    const auto run_all = [&]() -> Result<void> {
        for (;; ++loop->index) {
            HADAL_TRY(const bool has_item, fill(*loop, loop->index));
            if (!has_item) return {};
            HADAL_CHECK(work_.spend(1));
            scope->size = 0;
            scope_ = scope;
            HADAL_CHECK(set(kLoop, Value(loop)));
            offset_ = statement.offset;
            HADAL_CHECK(assign(statement.kids[0], loop->items[loop->index]));
            HADAL_TRY(const Flow flow, run_body(statement.bodies[0]));
            if (flow == Flow::break_) return {};
            finished_one = finished_one || flow == Flow::next;
        }
    };
    const auto done = run_all();
    scope_ = loop->scope;
    if (!done) return done.error();
    // As in Jinja, else is for loops whose body never ran to its end: continue and break do not count.
    if (!finished_one && statement.bodies[1] != kNone) return run_scope(statement.bodies[1]);
    return Flow::next;
}

Result<Evaluator::Flow> Evaluator::run_scope(BodyId body) {
    HADAL_TRY(Scope * inner, work_.make(Scope{scope_}));
    Scope *const outer = std::exchange(scope_, inner);
    auto flow = run_body(body);
    scope_ = outer;
    return flow;
}

// ---- Blocks ---------------------------------------------------------------------------------------------------------

Result<void> Evaluator::run_with(const Node &statement) {
    HADAL_TRY(Scope * inner, work_.make(Scope{scope_}));
    std::vector<Value> values;
    for (size_t i = 1; i < statement.kids.size(); i += 2) {
        HADAL_TRY(const Value value, eval(statement.kids[i]));
        values.push_back(value);
    }
    Scope *const outer = std::exchange(scope_, inner);
    const auto run_all = [&]() -> Result<void> {
        for (size_t i = 0; i < values.size(); ++i) HADAL_CHECK(assign(statement.kids[2 * i], values[i]));
        HADAL_CHECK(run_body(statement.bodies[0]));
        return {};
    };
    auto done = run_all();
    scope_ = outer;
    return done;
}

Result<Value> Evaluator::filtered(NodeId filters, const Value &input) {
    if (filters == kNone) return input;
    const Node &filter = node(filters);
    const Deeper deeper(work_);
    HADAL_CHECK(deeper.check());
    HADAL_TRY(const Value inner, filtered(filter.kids[0], input));
    ArgumentValues arguments;
    HADAL_CHECK(eval_arguments(filter.call, arguments));
    offset_ = filter.offset;
    return call_filter({work_, filter.text, inner, arguments.view()});
}

Result<void> Evaluator::run_set_block(const Node &statement) {
    HADAL_TRY(Scope * inner, work_.make(Scope{scope_}));
    Scope *const outer = std::exchange(scope_, inner);
    const auto text = capture(statement.bodies[0]);
    scope_ = outer;
    if (!text) return text.error();
    HADAL_TRY(const Value value, filtered(statement.kids[1], *text));
    return assign(statement.kids[0], value);
}

Result<void> Evaluator::run_filter_block(const Node &statement) {
    HADAL_TRY(Scope * inner, work_.make(Scope{scope_}));
    Scope *const outer = std::exchange(scope_, inner);
    const auto text = capture(statement.bodies[0]);
    scope_ = outer;
    if (!text) return text.error();
    HADAL_TRY(const Value value, filtered(statement.kids[0], *text));
    return write(value);
}

Result<void> Evaluator::run_call_block(const Node &statement) {
    const MacroSyntax &macro = syntax_.macros[statement.macro];
    HADAL_TRY(const Callable *caller,
              work_.make(Callable{Callable::Kind::macro, nullptr, macro.name, Value(), &macro, scope_}));
    const Node &call_node = node(statement.kids[0]);
    HADAL_TRY(const Value function, eval(call_node.kids[0]));
    ArgumentValues arguments;
    HADAL_CHECK(eval_arguments(call_node.call, arguments));
    arguments.named.push_back({"caller", Value(caller)});
    offset_ = call_node.offset;
    HADAL_TRY(const Value result, call(function, arguments.view()));
    return write(result);
}

// ---- Names ----------------------------------------------------------------------------------------------------------

Result<void> Evaluator::set(uint32_t symbol, const Value &value) {
    Scope &scope = *scope_;
    for (uint32_t i = 0; i < scope.size; ++i) {
        if (scope.bindings[i].symbol != symbol) continue;
        scope.bindings[i].value = value;
        return {};
    }
    HADAL_CHECK(work_.spend(scope.size / 16));
    if (scope.size == scope.capacity) {
        const uint32_t capacity = std::max<uint32_t>(4, 2 * scope.capacity);
        HADAL_TRY(Binding * place, work_.array<Binding>(capacity));
        std::copy_n(scope.bindings, scope.size, place);
        scope.bindings = place;
        scope.capacity = capacity;
    }
    scope.bindings[scope.size++] = {symbol, value};
    return {};
}

Result<void> Evaluator::assign(NodeId target_id, const Value &value) {
    const Node &target = node(target_id);
    if (target.kind == NodeKind::name) return set(target.symbol, value);
    offset_ = target.offset;
    if (target.kind == NodeKind::namespace_item) return set_item(target, value);
    const Deeper deeper(work_);
    HADAL_CHECK(deeper.check());
    if (value.is_undefined()) return undefined_error(value);
    HADAL_TRY(const Items items, iterate(work_, value));
    if (items.size != target.kids.size()) {
        return error(Status::bad_format, items.size, " values for ", target.kids.size(), " names");
    }
    for (size_t i = 0; i < items.size; ++i) HADAL_CHECK(assign(target.kids[i], items[i]));
    return {};
}

Result<void> Evaluator::set_item(const Node &target, const Value &value) {
    HADAL_TRY(const Value object, look_up(target.symbol));
    const auto *space = object.as<Namespace *>();
    if (space == nullptr) {
        return error(Status::bad_format, "'", syntax_.symbols[target.symbol], "' is a ", type_name(object),
                     "; only a namespace's attributes can be set");
    }
    return set_attribute(work_, **space, target.text, value);
}

}  // namespace hadal::core::jinja
