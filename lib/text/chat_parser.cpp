// Reasoning, content and stops; calls are in chat_calls.cpp.
#include "text/chat_parser.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/chat_families.h"
#include "text/chat_json.h"

namespace hadal::core {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
/// What may stand before <think>: models write a newline or two there.
constexpr size_t kMaxSpacesBeforeOpen = 16;
/// An answer is read in pieces of this size, so that a piece with many tags is not searched from each to its end.
constexpr size_t kPieceBytes = 4096;

/// Bytes at the end that begin one of the tags.
size_t begun_tag_bytes(std::string_view bytes, const std::vector<std::string_view> &tags) {
    size_t longest = 0;
    for (const std::string_view tag : tags) {
        for (size_t n = std::min(bytes.size(), tag.size() - 1); n > longest; --n) {
            if (bytes.ends_with(tag.substr(0, n))) longest = n;
        }
    }
    return longest;
}

}  // namespace

AnswerStart AnswerStart::of(const ChatRequest &request, const ChatPrompt &prompt) {
    return {prompt.ends_in_reasoning() ? Block::reasoning : Block::none,
            request.tools.empty() ? Tools::none : Tools::given};
}

ChatParser::ChatParser(const ChatGrammar &grammar, AnswerStart start) : grammar_(grammar), start_(start) {
    static constexpr std::string_view kCloseLine = "\n</think>";
    for (const std::string_view stop : grammar.stops) {
        for (auto *tags : {&reasoning_tags_, &content_tags_, &argument_tags_, &value_tags_}) tags->push_back(stop);
    }
    if (grammar.reasoning.before_close > 0) reasoning_tags_.push_back(kCloseLine);
    reasoning_tags_.push_back(kThinkClose);
    set_up_calls();
    if (grammar.reasoning.is_used) {
        state_ = start.block == AnswerStart::Block::reasoning ? State::reasoning_start : State::start;
    } else {
        state_ = State::answer_start;
    }
}

Result<void> ChatParser::push(std::string_view bytes) {
    if (is_final_) return error(Status::invalid_argument, "the answer was finished, ", bytes.size(), " bytes follow");
    while (!bytes.empty()) {
        const size_t n = std::min(bytes.size(), kPieceBytes);
        pending_ += bytes.substr(0, n);
        bytes.remove_prefix(n);
        run();
    }
    return {};
}

void ChatParser::finish() {
    if (is_final_) return;
    is_final_ = true;
    run();
}

std::optional<ChatEvent> ChatParser::next() {
    if (events_.empty()) return std::nullopt;
    ChatEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void ChatParser::run() {
    while (step()) {
    }
    pending_.erase(0, at_);
    at_ = 0;
}

bool ChatParser::step() {
    switch (state_) {
        case State::start:
        case State::reasoning_start:
            return step_start();
        case State::after_open:
            return step_newlines(State::reasoning);
        case State::after_close:
            return step_newlines(State::answer_start);
        case State::reasoning:
            return step_text(ChatEventKind::reasoning);
        case State::content:
            return step_text(ChatEventKind::content);
        case State::ended:
            return step_ended();
        default:
            return step_call();
    }
}

/// <think> at the beginning, where the model writes it or repeats it.
bool ChatParser::step_start() {
    const bool is_open = state_ == State::reasoning_start;
    size_t n_spaces = std::min(rest().find_first_not_of(kSpaces), rest().size());
    if (is_open || n_spaces > kMaxSpacesBeforeOpen) n_spaces = 0;
    const std::string_view after = rest().substr(n_spaces);
    if (after.starts_with(kThinkOpen)) {
        consume_as(ChatEventKind::syntax, n_spaces + kThinkOpen.size());
        newlines_left_ = grammar_.reasoning.after_open;
        state_ = State::after_open;
        return true;
    }
    if (!is_final_ && kThinkOpen.starts_with(after)) return false;
    state_ = is_open ? State::reasoning : State::answer_start;
    return true;
}

bool ChatParser::step_newlines(State next) {
    if (newlines_left_ > 0 && rest().empty() && !is_final_) return false;
    if (newlines_left_ > 0 && rest().starts_with('\n')) {
        consume_as(ChatEventKind::syntax, 1);
        --newlines_left_;
    } else {
        state_ = next;
    }
    return true;
}

bool ChatParser::step_text(ChatEventKind kind) {
    const bool is_reasoning = kind == ChatEventKind::reasoning;
    const auto &tags = is_reasoning ? reasoning_tags_ : content_tags_;
    const int found = scan(kind, tags);
    if (found < 0) return false;
    const std::string_view tag = tags[static_cast<size_t>(found)];
    if (static_cast<size_t>(found) < grammar_.stops.size()) {
        consume_as(ChatEventKind::stop, tag.size());
        state_ = State::ended;
    } else if (is_reasoning) {
        consume_as(ChatEventKind::syntax, tag.size());
        newlines_left_ = grammar_.reasoning.after_close;
        state_ = State::after_close;
    } else {
        open_block(tag);
    }
    return true;
}

bool ChatParser::step_ended() {
    scan(ChatEventKind::content, {});
    return false;
}

ChatParser::Match ChatParser::match(std::string_view tag) const {
    if (rest().starts_with(tag)) return Match::yes;
    return !is_final_ && tag.starts_with(rest()) ? Match::unknown : Match::no;
}

ChatParser::Match ChatParser::take_until(std::string_view mark, std::string &text) {
    const size_t end = rest().find(mark);
    if (end == std::string_view::npos) {
        return is_final_ || rest().size() >= kMaxNameBytes + mark.size() ? Match::no : Match::unknown;
    }
    if (end > kMaxNameBytes || utf8_error_offset(rest().substr(0, end))) return Match::no;
    text = rest().substr(0, end);
    hold(end + mark.size());
    return Match::yes;
}

int ChatParser::scan(ChatEventKind kind, const std::vector<std::string_view> &tags) {
    size_t first = std::string_view::npos;
    int found = -1;
    for (size_t i = 0; i < tags.size(); ++i) {
        const size_t here = rest().find(tags[i]);
        if (here < first) first = here, found = static_cast<int>(i);
    }
    if (found >= 0) {
        give_text(kind, rest().substr(0, first));
        return found;
    }
    size_t n_kept = 0;
    if (!is_final_) {
        // A tag begins with ASCII: a code point before it is as whole as it will be.
        n_kept = begun_tag_bytes(rest(), tags);
        if (n_kept == 0) n_kept = utf8_incomplete_tail(rest());
    }
    give_text(kind, rest().substr(0, rest().size() - n_kept));
    return -1;
}

void ChatParser::give(ChatEventKind kind, std::string text, std::string source) {
    ChatEvent event{kind, std::move(text), std::move(source), 0, {}, false};
    if (kind == ChatEventKind::call_arguments) arguments_.feed(event.text);
    if (kind == ChatEventKind::call_begin || kind == ChatEventKind::call_arguments || kind == ChatEventKind::call_end) {
        event.call_i = n_calls_ - 1;
    }
    event.is_malformed = kind == ChatEventKind::content && state_ == State::ended;
    events_.push_back(std::move(event));
}

void ChatParser::give_text(ChatEventKind kind, std::string_view bytes) {
    if (bytes.empty()) return;
    std::string text = utf8_repaired(bytes);
    if (state_ == State::python_code || (state_ == State::dsml_value && is_string_)) {
        std::string escaped;
        append_json_characters(text, escaped);
        text = std::move(escaped);
    }
    give(kind, std::move(text), std::string(bytes));
    at_ += bytes.size();
}

void ChatParser::give_held(ChatEventKind kind, std::string text) {
    give(kind, std::move(text), std::exchange(held_, {}));
}

void ChatParser::consume_as(ChatEventKind kind, size_t n_bytes) {
    give(kind, {}, std::string(rest().substr(0, n_bytes)));
    at_ += n_bytes;
}

void ChatParser::hold(size_t n_bytes) {
    held_ += rest().substr(0, n_bytes);
    at_ += n_bytes;
}

/// Spaces between the parts of a call. false: more may come.
bool ChatParser::hold_spaces() {
    while (!rest().empty() && kSpaces.find(rest().front()) != std::string_view::npos) {
        if (held_.size() >= kMaxHeldBytes) return true;
        hold(1);
    }
    return !rest().empty() || is_final_;
}

}  // namespace hadal::core
