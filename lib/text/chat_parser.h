// Reads a model's answer as it comes: bytes in any pieces, the same events out.
//
// Events are given as soon as they are certain. What could still become a tag is held back, and that is little. No byte
// is lost or given twice: the sources of all events, one after the other, are the answer. Text is whole UTF-8 code
// points, what cannot be UTF-8 is U+FFFD. How the answer is cut into pieces decides only into how many events a text is
// cut.
//
// An answer that breaks its format's rules is never refused: what was to be a call and is none becomes content,
// flagged; a call that was announced and breaks off ends, flagged. What an answer may make the parser hold is bounded:
// held_bytes() stays below 8 kB, however long the answer and its arguments are. Events wait until they are taken.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/chat_format.h"
#include "text/chat_json_check.h"
#include "text/chat_json_end.h"

namespace hadal::core {

enum class ChatEventKind {
    reasoning,
    content,
    call_begin,      ///< text: the name
    call_arguments,  ///< text: the next piece of the arguments' JSON
    call_end,
    stop,   ///< the model ended its answer; nothing but flagged content follows
    syntax  ///< marks of the format: no text
};

struct ChatEvent {
    ChatEventKind kind = ChatEventKind::content;
    std::string text;
    std::string source;  ///< the bytes of the answer it stands for
    size_t call_i = 0;   ///< of the call_ events: 0, 1, ...
    std::string id;      ///< of call_begin: "call_0", ... (models write none)
    /// Content that was to be something else; call_end: the call broke off, or its arguments, which were given out as
    /// they came, are not one JSON object.
    bool is_malformed = false;
};

/// Where an answer begins.
struct AnswerStart {
    enum class Block { none, reasoning } block = Block::none;
    enum class Tools { none, given } tools = Tools::none;  ///< a JSON answer is a call only where there are tools

    static AnswerStart of(const ChatRequest &request, const ChatPrompt &prompt);
};

class ChatParser {
public:
    /// No name of a tool or a parameter is longer; what is, is no call.
    static constexpr size_t kMaxNameBytes = 512;
    /// A call that has not told its name by then is none.
    static constexpr size_t kMaxHeldBytes = 4096;

    /// The grammar must outlive the parser.
    ChatParser(const ChatGrammar &grammar, AnswerStart start);

    /// Fails: invalid_argument (after finish).
    Result<void> push(std::string_view bytes);

    /// The end of the answer: what was held back comes out. A second call does nothing.
    void finish();

    /// The next event; nullopt: none yet.
    std::optional<ChatEvent> next();

    /// Whether nothing of an answer is awaited any more: it was finished, or its end mark was read.
    bool is_over() const { return is_final_ || state_ == State::ended; }

    /// What is held back now.
    size_t held_bytes() const { return pending_.size() + held_.size(); }

private:
    enum class State {
        start,            ///< may begin with <think>
        reasoning_start,  ///< may repeat the <think> of the prompt
        after_open,       ///< newlines that belong to <think>
        reasoning,
        after_close,  ///< newlines that belong to </think>
        answer_start,
        content,
        ended,
        marked_between,  ///< DeepSeek's marks: between two calls
        marked_type,
        marked_name,
        marked_arguments,
        dsml_between,
        dsml_name,
        dsml_parameters,
        dsml_parameter_name,
        dsml_parameter_kind,
        dsml_value,
        json_open,  ///< a call that is one JSON object
        json_key,
        json_colon,
        json_value,
        json_other,
        json_arguments,
        json_comma,
        json_close,
        python_start,
        python_code
    };
    enum class Match { yes, no, unknown };

    // chat_parser.cpp: what is not a call
    void run();
    bool step();
    bool step_start();
    bool step_newlines(State next);
    bool step_text(ChatEventKind kind);
    bool step_ended();
    std::string_view rest() const { return std::string_view(pending_).substr(at_); }
    Match match(std::string_view tag) const;
    /// The text up to this mark, which must come within kMaxNameBytes; both are consumed into held_.
    Match take_until(std::string_view mark, std::string &text);
    /// Gives out text of this kind up to the first of the tags, and says which it is; -1: none is there yet.
    int scan(ChatEventKind kind, const std::vector<std::string_view> &tags);
    void give(ChatEventKind kind, std::string text, std::string source);
    void give_text(ChatEventKind kind, std::string_view bytes);
    void give_held(ChatEventKind kind, std::string text);
    void consume_as(ChatEventKind kind, size_t n_bytes);
    void hold(size_t n_bytes);
    bool hold_spaces();

    // chat_calls.cpp: calls
    bool step_call();
    bool step_answer_start();
    bool step_between(std::string_view open, std::string_view close, State next);
    bool step_name(std::string_view mark, State next);
    bool step_marked_arguments();
    bool step_dsml_parameters();
    bool step_dsml_parameter_kind();
    bool step_dsml_value();
    bool step_json_open();
    bool step_json_key();
    bool step_json_value();
    bool step_json_other();
    bool step_json_arguments();
    bool step_json_comma();
    bool step_json_close();
    bool step_python_start();
    bool step_python_code();
    void set_up_calls();
    void open_block(std::string_view tag);
    void begin_call();
    void end_call();
    /// What was held becomes content, a call that was begun ends; both flagged. Goes on with content.
    bool give_up();
    Match take_json_string(std::string &text);
    bool is_fenced() const { return grammar_.calls == CallSyntax::deepseek_fenced; }
    bool is_llama() const { return grammar_.calls == CallSyntax::llama; }

    const ChatGrammar &grammar_;
    const AnswerStart start_;
    std::vector<std::string_view> reasoning_tags_, content_tags_, argument_tags_, value_tags_;
    State state_ = State::content;
    std::string pending_;  ///< not yet read, from at_ on
    size_t at_ = 0;
    std::string held_;  ///< read, but not given out: what will be a call's beginning, or content
    std::deque<ChatEvent> events_;
    bool is_final_ = false;
    size_t newlines_left_ = 0;

    size_t n_calls_ = 0;
    bool in_call_ = false;        ///< call_begin was given, call_end was not
    bool has_block_ = false;      ///< a call of this block was given: its marks are syntax
    bool is_string_ = false;      ///< DSML: the value is a string
    bool has_parameter_ = false;  ///< DSML: arguments were begun
    std::string name_, key_;
    JsonEnd json_;
    JsonObjectCheck arguments_;  ///< of the call that is being read
};

}  // namespace hadal::core
