// Calls of what a template defines: macros, the bodies of call blocks, recursive loops.
#include "text/jinja_dict.h"
#include "text/jinja_eval.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace hadal::core::jinja {

Result<Value> Evaluator::call(const Value &function, const Arguments &arguments) {
    if (function.is_undefined()) return undefined_error(function);
    if (const auto *loop = function.as<Loop *>()) return call_loop(**loop, arguments);
    const auto *callable = function.as<const Callable *>();
    if (callable == nullptr) return error(Status::bad_format, "a ", type_name(function), " cannot be called");
    switch ((*callable)->kind) {
        case Callable::Kind::macro:
            return call_macro(**callable, arguments);
        case Callable::Kind::cycle:
            return loop_cycle(**(*callable)->self.as<Loop *>(), arguments);
        case Callable::Kind::changed:
            return loop_changed(**(*callable)->self.as<Loop *>(), arguments);
        default:
            return (*callable)->function({work_, (*callable)->name, (*callable)->self, arguments});
    }
}

Result<Value> Evaluator::call_macro(const Callable &callable, const Arguments &arguments) {
    const Deeper deeper(work_);
    HADAL_CHECK(deeper.check());
    HADAL_TRY(Scope * inner, work_.make(Scope{callable.scope}));
    Scope *const outer = std::exchange(scope_, inner);
    const auto run_all = [&]() -> Result<Value> {
        HADAL_CHECK(bind_macro(*callable.macro, arguments));
        return capture(callable.macro->body);
    };
    auto result = run_all();
    scope_ = outer;
    return result;
}

Result<void> Evaluator::bind_macro(const MacroSyntax &macro, const Arguments &arguments) {
    const size_t n_parameters = macro.parameters.size();
    if (arguments.positional.size() > n_parameters && !macro.takes_varargs) {
        return error(Status::bad_format, "macro '", macro.name, "' takes ", n_parameters, " arguments, here are ",
                     arguments.positional.size());
    }
    std::vector<const Value *> given(n_parameters, nullptr);
    const size_t n_positional = std::min(n_parameters, arguments.positional.size());
    for (size_t i = 0; i < n_positional; ++i) given[i] = &arguments.positional[i];
    std::vector<Entry> more_named;
    Value caller = Undefined{"caller"};
    for (const Named &named : arguments.named) {
        size_t i = 0;
        while (i < n_parameters && syntax_.symbols[macro.parameters[i].symbol] != named.name) ++i;
        if (i < n_parameters && !(macro.takes_kwargs && i < n_positional)) {
            if (given[i] != nullptr) {
                return error(Status::bad_format, "macro '", macro.name, "': the argument '", named.name, "' twice");
            }
            given[i] = &named.value;
        } else if (macro.takes_caller && named.name == "caller") {
            caller = named.value;
        } else if (macro.takes_kwargs) {
            more_named.push_back({Value(named.name), named.value});
        } else {
            return error(Status::bad_format, "macro '", macro.name, "' has no parameter '", named.name, "'");
        }
    }
    HADAL_CHECK(work_.spend(n_parameters + arguments.named.size() * n_parameters / 16));
    if (macro.takes_caller) HADAL_CHECK(set(kCaller, caller));
    if (macro.takes_varargs) {
        HADAL_TRY(const Items rest, work_.items(arguments.positional.subspan(n_positional)));
        HADAL_CHECK(set(kVarargs, Value(Tuple{rest})));
    }
    if (macro.takes_kwargs) {
        HADAL_TRY(const Dict *rest, make_dict(work_, more_named));
        HADAL_CHECK(set(kKwargs, Value(rest)));
    }
    for (size_t i = 0; i < n_parameters; ++i) {
        const Parameter &parameter = macro.parameters[i];
        Value value = Undefined{syntax_.symbols[parameter.symbol]};
        if (given[i] != nullptr) {
            value = *given[i];
        } else if (parameter.otherwise != kNone) {
            HADAL_TRY(value, eval(parameter.otherwise));
        }
        HADAL_CHECK(set(parameter.symbol, value));
    }
    return {};
}

Result<Value> Evaluator::macro_attribute(const Callable &callable, std::string_view name) {
    if (callable.kind != Callable::Kind::macro) return Value(Undefined{name});
    const MacroSyntax &macro = *callable.macro;
    if (name == "name") return Value(macro.name);
    if (name == "caller") return Value(macro.takes_caller);
    if (name == "catch_varargs") return Value(macro.takes_varargs);
    if (name == "catch_kwargs") return Value(macro.takes_kwargs);
    if (name != "arguments") return Value(Undefined{name});
    std::vector<Value> names;
    for (const Parameter &parameter : macro.parameters) names.emplace_back(syntax_.symbols[parameter.symbol]);
    HADAL_CHECK(work_.spend(names.size()));
    HADAL_TRY(const Items items, work_.items(names));
    return Value(Tuple{items});
}

// ---- loop -----------------------------------------------------------------------------------------------------------

Result<Value> Evaluator::call_loop(Loop &loop, const Arguments &arguments) {
    if (!node(loop.statement).is_recursive) {
        return error(Status::bad_format, "only the loop of a 'for ... recursive' can be called");
    }
    if (arguments.positional.size() != 1 || !arguments.named.empty()) {
        return error(Status::bad_format, "loop takes one argument: what to run over");
    }
    const Deeper deeper(work_);
    HADAL_CHECK(deeper.check());
    HADAL_TRY(const Items items, iterate(work_, arguments.positional[0]));
    std::string text;
    std::string *const outer_out = std::exchange(out_, &text);
    Scope *const outer_scope = std::exchange(scope_, loop.scope);
    const auto flow = run_loop(loop.statement, items, loop.depth + 1);
    out_ = outer_out;
    scope_ = outer_scope;
    if (!flow) return flow.error();
    return work_.text(text);
}

Result<Value> Evaluator::loop_cycle(const Loop &loop, const Arguments &arguments) {
    if (arguments.positional.empty()) return error(Status::bad_format, "loop.cycle of nothing");
    return arguments.positional[loop.index % arguments.positional.size()];
}

Result<Value> Evaluator::loop_changed(Loop &loop, const Arguments &arguments) {
    HADAL_TRY(const Items now, work_.items(arguments.positional));
    if (loop.changed != nullptr) {
        HADAL_TRY(const bool same, equals(work_, *loop.changed, Value(Tuple{now})));
        if (same) return Value(false);
    }
    HADAL_TRY(loop.changed, work_.make(Value(Tuple{now})));
    return Value(true);
}

}  // namespace hadal::core::jinja
