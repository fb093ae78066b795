// Runs a syntax tree over a context.
#pragma once

#include <string>
#include <vector>

#include "text/jinja_call.h"
#include "text/jinja_syntax.h"

namespace hadal::core::jinja {

struct Binding {
    uint32_t symbol;
    Value value;
};

/// The names that were set in one body.
struct Scope {
    const Scope *parent = nullptr;
    Binding *bindings = nullptr;
    uint32_t size = 0;
    uint32_t capacity = 0;
};

struct Callable {
    enum class Kind { function, method, macro, cycle, changed };

    Kind kind;
    Builtin function = nullptr;  ///< function, method
    std::string_view name;
    Value self;  ///< method: the object; cycle, changed: the loop
    const MacroSyntax *macro = nullptr;
    const Scope *scope = nullptr;  ///< where the macro stands
};

class Evaluator {
public:
    Evaluator(const Syntax &syntax, const Dict &context, Workspace &work);

    /// Errors begin with the place of the node where it went wrong.
    Result<std::string> run();

private:
    enum class Flow { next, break_, continue_ };

    struct ArgumentValues {
        std::vector<Value> positional;
        std::vector<Named> named;
        Arguments view() const { return {positional, named}; }
    };

    const Node &node(NodeId id) const { return syntax_.nodes[id]; }

    // Statements (jinja_statements.cpp).
    Result<Flow> run_body(BodyId body);
    Result<Flow> run_statement(NodeId id);
    Result<Flow> run_if(const Node &node);
    Result<Flow> run_for(const Node &node, NodeId id);
    Result<Flow> run_loop(NodeId id, Items items, int64_t depth);
    Result<Flow> run_scope(BodyId body);
    Result<void> run_with(const Node &node);
    Result<void> run_set_block(const Node &node);
    Result<void> run_call_block(const Node &node);
    Result<void> run_filter_block(const Node &node);
    Result<void> write_text(std::string_view text);
    Result<void> write(const Value &value);
    /// The text that a body writes.
    Result<Value> capture(BodyId body);
    Result<Value> filtered(NodeId filters, const Value &input);
    Result<void> assign(NodeId target, const Value &value);
    Result<void> set(uint32_t symbol, const Value &value);
    Result<void> set_item(const Node &target, const Value &value);
    Result<bool> fill(Loop &loop, size_t wanted);
    Result<Value> taken_apart(NodeId target, const Value &item);

    // Expressions (jinja_eval.cpp).
    Result<Value> eval(NodeId id);
    Result<Value> eval_other(const Node &node);
    Result<Value> eval_items(const Node &node);
    Result<Value> eval_dict(const Node &node);
    Result<Value> eval_slice(const Node &node);
    Result<Value> eval_comparison(const Node &node);
    Result<Value> eval_concat(const Node &node);
    Result<Value> eval_choice(const Node &node);
    Result<Value> eval_subscript(const Node &node);
    Result<Value> eval_filter(const Node &node);
    Result<Value> eval_test(const Node &node);
    Result<Value> eval_call(const Node &node);
    Result<Value> look_up(uint32_t symbol);
    Result<Value> attribute(const Value &object, std::string_view name);
    Result<Value> loop_attribute(Loop &loop, std::string_view name);
    Result<void> eval_arguments(uint32_t call, ArgumentValues &out);
    Result<void> eval_more_arguments(const CallSyntax &call, ArgumentValues &out);

    // Calls (jinja_macros.cpp).
    Result<Value> call(const Value &function, const Arguments &arguments);
    Result<Value> call_macro(const Callable &callable, const Arguments &arguments);
    Result<Value> macro_attribute(const Callable &callable, std::string_view name);
    Result<void> bind_macro(const MacroSyntax &macro, const Arguments &arguments);
    Result<Value> call_loop(Loop &loop, const Arguments &arguments);
    Result<Value> loop_cycle(const Loop &loop, const Arguments &arguments);
    Result<Value> loop_changed(Loop &loop, const Arguments &arguments);

    const Syntax &syntax_;
    Workspace &work_;
    std::vector<Value> globals_;  ///< [symbol]: what no scope has set
    Scope root_;
    Scope *scope_ = &root_;
    std::string out_text_;
    std::string *out_ = &out_text_;
    uint64_t output_limit_;  ///< of *out_
    uint32_t offset_ = 0;    ///< of the node at work
};

}  // namespace hadal::core::jinja
