// The calls of each format: what opens one, where its name is, where its arguments end.
#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/chat_families.h"
#include "text/chat_json.h"
#include "text/chat_parser.h"

namespace hadal::core {
namespace {

constexpr std::string_view kFencedEnd = "\n```<\uFF5Ctool\u2581call\u2581end\uFF5C>";
constexpr std::string_view kInvoke = "<\uFF5CDSML\uFF5Cinvoke name=\"";
constexpr std::string_view kInvokeEnd = "</\uFF5CDSML\uFF5Cinvoke>";
constexpr std::string_view kParameter = "<\uFF5CDSML\uFF5Cparameter name=\"";
constexpr std::string_view kParameterEnd = "</\uFF5CDSML\uFF5Cparameter>";
constexpr std::string_view kToolCall = "\n<tool_call>";
constexpr std::string_view kToolCallEnd = "</tool_call>";
constexpr std::string_view kPythonTag = "<|python_tag|>";
/// After <|python_tag|> and no more spaces than these a brace begins a call; anything else is code.
constexpr size_t kMaxSpacesBeforeJson = 16;

bool is_name(std::string_view name) {
    return !name.empty() && name.find_first_of("<\n") == std::string_view::npos;
}

}  // namespace

void ChatParser::set_up_calls() {
    switch (grammar_.calls) {
        case CallSyntax::none:
            break;
        case CallSyntax::deepseek_fenced:
            argument_tags_.push_back(kFencedEnd);
            [[fallthrough]];
        case CallSyntax::deepseek_plain:
            argument_tags_.push_back(kCallEnd);
            argument_tags_.push_back(kCallsEnd);
            content_tags_.push_back(kCallsBegin);
            break;
        case CallSyntax::dsml:
            value_tags_.push_back(kParameterEnd);
            content_tags_.push_back(grammar_.block_open);  // two newlines and the tag
            content_tags_.push_back(grammar_.block_open.substr(2));
            break;
        case CallSyntax::hermes:
            content_tags_.push_back(kToolCall);
            content_tags_.push_back(kToolCall.substr(1));
            break;
        case CallSyntax::llama:
            content_tags_.push_back(kPythonTag);
            break;
    }
}

bool ChatParser::step_call() {
    const bool is_plain = grammar_.calls == CallSyntax::deepseek_plain;
    switch (state_) {
        case State::answer_start:
            return step_answer_start();
        case State::marked_between:
            return step_between(kCallBegin, kCallsEnd, is_plain ? State::marked_name : State::marked_type);
        case State::marked_type:
            return step_name(kToolSep, State::marked_name);
        case State::marked_name:
            return step_name(is_fenced() ? "\n```json\n" : kToolSep, State::marked_arguments);
        case State::marked_arguments:
            return step_marked_arguments();
        case State::dsml_between:
            return step_between(kInvoke, grammar_.block_close, State::dsml_name);
        case State::dsml_name:
            return step_name("\">", State::dsml_parameters);
        case State::dsml_parameters:
            return step_dsml_parameters();
        case State::dsml_parameter_name:
            return step_name("\" string=\"", State::dsml_parameter_kind);
        case State::dsml_parameter_kind:
            return step_dsml_parameter_kind();
        case State::dsml_value:
            return step_dsml_value();
        case State::json_open:
            return step_json_open();
        case State::json_key:
            return step_json_key();
        case State::json_colon:
        case State::json_value:
            return step_json_value();
        case State::json_other:
            return step_json_other();
        case State::json_arguments:
            return step_json_arguments();
        case State::json_comma:
            return step_json_comma();
        case State::json_close:
            return step_json_close();
        case State::python_start:
            return step_python_start();
        case State::python_code:
            return step_python_code();
        default:
            return false;  // the rest is step's
    }
}

// ---- What all have --------------------------------------------------------------------------------------------------

void ChatParser::open_block(std::string_view tag) {
    hold(tag.size());
    has_block_ = false;
    name_.clear();
    switch (grammar_.calls) {
        case CallSyntax::dsml:
            state_ = State::dsml_between;
            break;
        case CallSyntax::hermes:
            state_ = State::json_open;
            break;
        case CallSyntax::llama:
            state_ = State::python_start;
            break;
        default:
            state_ = State::marked_between;
    }
}

void ChatParser::begin_call() {
    ++n_calls_;
    in_call_ = has_block_ = true;
    has_parameter_ = false;
    arguments_ = JsonObjectCheck();
    give_held(ChatEventKind::call_begin, name_);
    events_.back().id = text("call_", n_calls_ - 1);
}

void ChatParser::end_call() {
    give_held(ChatEventKind::call_end, {});
    events_.back().is_malformed = !arguments_.is_object();
    in_call_ = false;
}

bool ChatParser::give_up() {
    // JSON that is no call is an answer like any other.
    const bool is_flawed = in_call_ || !is_llama() || held_.starts_with(kPythonTag);
    if (in_call_) {
        give(ChatEventKind::call_end, {}, {});
        events_.back().is_malformed = true;
    }
    if (!in_call_ || !held_.empty()) {
        give_held(ChatEventKind::content, utf8_repaired(held_));
        events_.back().is_malformed = is_flawed;
    }
    in_call_ = false;
    state_ = State::content;
    return true;
}

/// The first byte of the answer decides whether Llama calls.
bool ChatParser::step_answer_start() {
    state_ = State::content;
    if (!is_llama() || start_.tools == AnswerStart::Tools::none) return true;
    state_ = State::answer_start;
    if (!hold_spaces()) return false;
    if (rest().starts_with('{')) {
        state_ = State::json_open;
        return true;
    }
    state_ = State::content;
    if (!held_.empty()) give_held(ChatEventKind::content, held_);
    return true;
}

/// Between two calls of a block: another one, or the end.
bool ChatParser::step_between(std::string_view open, std::string_view close, State next) {
    if (!hold_spaces()) return false;
    if (match(open) == Match::yes) {
        hold(open.size());
        state_ = next;
        return true;
    }
    if (match(close) == Match::yes) {
        hold(close.size());
        if (!has_block_) return give_up();
        give_held(ChatEventKind::syntax, {});
        state_ = State::content;
        return true;
    }
    bool is_stop = rest().empty();  // at the end of the answer
    bool is_open = match(open) == Match::unknown || match(close) == Match::unknown;
    for (const std::string_view stop : grammar_.stops) {
        is_stop = is_stop || match(stop) == Match::yes;
        is_open = is_open || match(stop) == Match::unknown;
    }
    if (is_open && !is_stop) return false;
    if (!is_stop || !has_block_) return give_up();
    if (!held_.empty()) give_held(ChatEventKind::syntax, {});
    state_ = State::content;
    return true;
}

/// A name up to its mark: of a type, of the function, of a parameter.
bool ChatParser::step_name(std::string_view mark, State next) {
    std::string taken;
    const Match found = take_until(mark, taken);
    if (found == Match::unknown) return false;
    if (found == Match::no || !is_name(taken)) return give_up();
    (state_ == State::dsml_parameter_name ? key_ : name_) = std::move(taken);
    if (next == State::marked_arguments || next == State::dsml_parameters) begin_call();
    state_ = next;
    return true;
}

// ---- DeepSeek's marks -----------------------------------------------------------------------------------------------

bool ChatParser::step_marked_arguments() {
    const int found = scan(ChatEventKind::call_arguments, argument_tags_);
    if (found < 0) return is_final_ && give_up();
    const std::string_view tag = argument_tags_[static_cast<size_t>(found)];
    if (tag == kCallEnd || tag == kFencedEnd) {
        hold(tag.size());
        end_call();
        state_ = State::marked_between;
        return true;
    }
    give_up();
    if (tag == kCallsEnd) consume_as(ChatEventKind::syntax, tag.size());
    return true;
}

// ---- DSML -----------------------------------------------------------------------------------------------------------

bool ChatParser::step_dsml_parameters() {
    if (!hold_spaces()) return false;
    if (match(kParameter) == Match::yes) {
        hold(kParameter.size());
        state_ = State::dsml_parameter_name;
        return true;
    }
    if (match(kInvokeEnd) == Match::yes) {
        give(ChatEventKind::call_arguments, has_parameter_ ? "}" : "{}", {});
        hold(kInvokeEnd.size());
        end_call();
        state_ = State::dsml_between;
        return true;
    }
    if (match(kParameter) == Match::unknown || match(kInvokeEnd) == Match::unknown) return false;
    return give_up();
}

bool ChatParser::step_dsml_parameter_kind() {
    constexpr std::string_view kString = "true\">", kOther = "false\">";
    if (match(kString) == Match::unknown || match(kOther) == Match::unknown) return false;
    is_string_ = match(kString) == Match::yes;
    if (!is_string_ && match(kOther) == Match::no) return give_up();
    hold(is_string_ ? kString.size() : kOther.size());
    std::string json = has_parameter_ ? ", " : "{";
    append_json_string(key_, json);
    give_held(ChatEventKind::call_arguments, json + (is_string_ ? ": \"" : ": "));
    has_parameter_ = true;
    state_ = State::dsml_value;
    return true;
}

bool ChatParser::step_dsml_value() {
    const int found = scan(ChatEventKind::call_arguments, value_tags_);
    if (found < 0) return is_final_ && give_up();
    if (value_tags_[static_cast<size_t>(found)] != kParameterEnd) return give_up();
    hold(kParameterEnd.size());
    give_held(ChatEventKind::call_arguments, is_string_ ? "\"" : "");
    state_ = State::dsml_parameters;
    return true;
}

// ---- A call as one JSON object --------------------------------------------------------------------------------------

bool ChatParser::step_json_open() {
    if (!hold_spaces()) return false;
    if (!rest().starts_with('{')) return give_up();
    hold(1);
    state_ = State::json_key;
    return true;
}

bool ChatParser::step_json_key() {
    if (!hold_spaces()) return false;
    if (rest().starts_with('}')) {
        hold(1);
        state_ = State::json_close;
        return true;
    }
    const Match found = take_json_string(key_);
    if (found == Match::unknown) return false;
    if (found == Match::no) return give_up();
    state_ = State::json_colon;
    return true;
}

bool ChatParser::step_json_value() {
    if (!hold_spaces()) return false;
    if (state_ == State::json_colon) {
        if (!rest().starts_with(':')) return give_up();
        hold(1);
        state_ = State::json_value;
        return true;
    }
    json_ = JsonEnd();
    if (key_ == "name" && !in_call_) {
        const Match found = take_json_string(name_);
        if (found == Match::unknown) return false;
        if (found == Match::no || !is_name(name_)) return give_up();
        state_ = State::json_comma;
    } else if (key_ == "arguments" || key_ == "parameters") {
        if (name_.empty() || has_block_ || !rest().starts_with('{')) return give_up();
        begin_call();
        state_ = State::json_arguments;
    } else {
        state_ = State::json_other;
    }
    return true;
}

/// A member that is neither name nor arguments.
bool ChatParser::step_json_other() {
    while (!rest().empty()) {
        const JsonEnd::Seen seen = json_.feed(rest().front());
        if (seen == JsonEnd::Seen::wrong || held_.size() >= kMaxHeldBytes) return give_up();
        if (seen != JsonEnd::Seen::outside) hold(1);
        if (seen == JsonEnd::Seen::inside) continue;
        state_ = State::json_comma;
        return true;
    }
    return is_final_ && give_up();
}

bool ChatParser::step_json_arguments() {
    const size_t n_whole = rest().size() - (is_final_ ? 0 : utf8_incomplete_tail(rest()));
    size_t n = 0;
    JsonEnd::Seen seen = JsonEnd::Seen::inside;
    while (n < n_whole && seen == JsonEnd::Seen::inside) {
        seen = json_.feed(rest()[n]);
        if (seen == JsonEnd::Seen::inside || seen == JsonEnd::Seen::last) ++n;
    }
    give_text(ChatEventKind::call_arguments, rest().substr(0, n));
    if (seen == JsonEnd::Seen::wrong) return give_up();
    if (seen == JsonEnd::Seen::inside) return is_final_ && give_up();
    state_ = State::json_comma;
    return true;
}

bool ChatParser::step_json_comma() {
    if (held_.size() > kMaxHeldBytes) return give_up();
    if (!hold_spaces()) return false;
    const bool is_comma = rest().starts_with(',');
    if (!is_comma && !rest().starts_with('}')) return give_up();
    hold(1);
    state_ = is_comma ? State::json_key : State::json_close;
    return true;
}

bool ChatParser::step_json_close() {
    if (is_llama()) {
        if (!in_call_) return give_up();
        end_call();
        state_ = State::content;
        return true;
    }
    if (name_.empty()) return give_up();
    if (!hold_spaces()) return false;
    const Match end = match(kToolCallEnd);
    if (end == Match::unknown) return false;
    if (end == Match::no) return give_up();
    if (!in_call_) {
        begin_call();
        give(ChatEventKind::call_arguments, "{}", {});
    }
    hold(kToolCallEnd.size());
    end_call();
    state_ = State::content;
    return true;
}

/// A short string with its quotes, consumed into held_.
ChatParser::Match ChatParser::take_json_string(std::string &text) {
    if (rest().empty() && !is_final_) return Match::unknown;
    if (!rest().starts_with('"')) return Match::no;
    JsonEnd end;
    for (size_t i = 0; i < rest().size() && i <= kMaxNameBytes; ++i) {
        if (end.feed(rest()[i]) != JsonEnd::Seen::last) continue;
        const std::string object = core::text("{\"v\": ", rest().substr(0, i + 1), "}");
        HeaderMemory memory("name");
        const auto parsed = JsonText::parse("name", object, memory);
        std::string_view value;
        if (!parsed || parsed->root()["v"].get(value) != simdjson::SUCCESS || utf8_error_offset(value))
            return Match::no;
        text = value;
        hold(i + 1);
        return Match::yes;
    }
    return is_final_ || rest().size() > kMaxNameBytes ? Match::no : Match::unknown;
}

// ---- Llama's code ---------------------------------------------------------------------------------------------------

bool ChatParser::step_python_start() {
    const size_t n_spaces = std::min(rest().find_first_not_of(" \t\r\n"), rest().size());
    if (n_spaces == rest().size() && n_spaces <= kMaxSpacesBeforeJson && !is_final_) return false;
    if (rest().empty()) return give_up();
    if (n_spaces <= kMaxSpacesBeforeJson && rest().substr(n_spaces).starts_with('{')) {
        state_ = State::json_open;
        return true;
    }
    name_ = "python";
    begin_call();
    give(ChatEventKind::call_arguments, "{\"code\": \"", {});
    state_ = State::python_code;
    return true;
}

bool ChatParser::step_python_code() {
    const int found = scan(ChatEventKind::call_arguments, argument_tags_);
    if (found < 0 && !is_final_) return false;
    give(ChatEventKind::call_arguments, "\"}", {});
    end_call();
    state_ = State::content;
    return true;
}

}  // namespace hadal::core
