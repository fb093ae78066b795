// The contract, put together from lexer, parser and evaluator.
#include "text/jinja.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "text/jinja_dict.h"
#include "text/jinja_eval.h"
#include "text/jinja_json.h"
#include "text/jinja_lexer.h"
#include "text/jinja_parser.h"
#include "text/jinja_print.h"

namespace hadal::core::jinja {

struct ContextValues {
    explicit ContextValues(const RenderOptions &limits) : work(limits) {}

    Workspace work;  ///< where they live
    const Dict *variables = nullptr;
};

Result<Context> Context::from_json(std::string_view json) {
    // The caller's own data: not bounded but by what it is.
    RenderOptions limits;
    limits.steps = limits.value_bytes = std::numeric_limits<uint64_t>::max();
    const auto values = std::make_shared<ContextValues>(limits);
    HADAL_TRY(const Value root, parse_json(values->work, json));
    const auto *variables = root.as<const Dict *>();
    if (variables == nullptr)
        return error(Status::bad_format, "JSON: a ", type_name(root), ", not an object of variables");
    values->variables = *variables;
    return Context(values);
}

Result<Template> Template::parse(std::string_view text, const ParseLimits &limits) {
    const size_t most = std::min<size_t>(limits.source_bytes, std::numeric_limits<uint32_t>::max());
    if (text.size() > most) {
        return error(Status::bad_format, "template: ", text.size(), " bytes, at most ", most, " are read");
    }
    if (const auto at = utf8_error_offset(text)) {
        return error_at(Status::bad_format, place_of(text, *at), "not UTF-8");
    }
    const auto syntax = std::make_shared<Syntax>();
    syntax->source = normalized_source(text);
    HADAL_TRY(TokenList tokens, tokenize(syntax->source));
    HADAL_CHECK(Parser(*syntax, tokens.tokens, limits).run());
    syntax->literals = std::move(tokens.strings);
    return Template(syntax);
}

Result<std::string> Template::render(const Context &context, const RenderOptions &options) const {
    Workspace work(options);
    return Evaluator(*syntax_, *context.values().variables, work).run();
}

bool Template::names(std::string_view variable) const {
    return std::find(syntax_->symbols.begin(), syntax_->symbols.end(), variable) != syntax_->symbols.end();
}

}  // namespace hadal::core::jinja
