// Chat templates: the Jinja language as Hugging Face's transformers runs it, in a sandbox. Data in, text out: a
// template sees the values it is given and nothing else, and what it may use of time and memory is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hadal::core::jinja {

struct Syntax;
struct ContextValues;

/// How values look where a template prints them or joins them with text.
enum class Dialect {
    python,      ///< as transformers: True, None, {'a': 1}; an integer and a string do not add
    javascript,  ///< as huggingface.js: true, {"a": 1}; '+' with a string joins anything; true is not 1 in a list
};

/// A local time as its clock shows it: what strftime_now writes.
struct ClockTime {
    int32_t year = 1970;
    int32_t month = 1;  ///< 1 to 12
    int32_t day = 1;
    int32_t hour = 0;
    int32_t minute = 0;
    int32_t second = 0;
};

/// What parsing may use. Chat templates are below 20 kB and nest less than 20 deep.
struct ParseLimits {
    size_t source_bytes = size_t{1} << 20;
    uint32_t depth = 100;  ///< brackets, blocks, and operators that hang on each other
};

/// What one rendering may use.
struct RenderOptions {
    Dialect dialect = Dialect::python;
    std::optional<ClockTime> now;  ///< absent: strftime_now is an error, so that output depends on input alone
    uint64_t steps = 2'000'000;    ///< an expression evaluated, an item visited, 64 bytes copied; about 20 ns
    uint64_t value_bytes = uint64_t{1} << 26;  ///< all values computed on the way, together
    uint64_t output_bytes = uint64_t{1} << 24;
    uint32_t depth = 400;  ///< expressions, blocks and macro calls inside one another
};

/// A template's variables. Unchangeable; may serve any number of renderings at once.
class Context {
public:
    /// json: an object whose keys are the variables. Integers of any size, NUL and all of Unicode are kept.
    /// Fails: bad_format (not JSON, not an object, nested more than 64 deep).
    static Result<Context> from_json(std::string_view json);

    const ContextValues &values() const { return *values_; }

private:
    explicit Context(std::shared_ptr<const ContextValues> values) : values_(std::move(values)) {}

    std::shared_ptr<const ContextValues> values_;
};

/// A parsed template. Unchangeable; may be rendered by any number of threads at once.
class Template {
public:
    /// Fails: bad_format (not UTF-8, not Jinja, over a limit), unsupported (a tag that would read other files). The
    /// message begins with line and column.
    static Result<Template> parse(std::string_view source, const ParseLimits &limits = {});

    /// Fails: invalid_argument (the template called raise_exception; the message is its own), bad_format (it computes
    /// what cannot be computed, or more than the options allow). The message begins with line and column.
    Result<std::string> render(const Context &context, const RenderOptions &options = {}) const;

    /// Whether a variable of this name, or one of the template's own, is read or set anywhere in it.
    bool names(std::string_view variable) const;

private:
    explicit Template(std::shared_ptr<const Syntax> syntax) : syntax_(std::move(syntax)) {}

    std::shared_ptr<const Syntax> syntax_;
};

}  // namespace hadal::core::jinja
