// Whether a chat parser keeps its word about one answer, however it is cut. Shared by the unit test and the fuzzer.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "text/chat_parser.h"

namespace hadal::test {

/// What events say, neighbours of one kind joined: the same for every way of cutting an answer.
struct Said {
    core::ChatEventKind kind;
    std::string text;
    size_t call_i;
    bool is_malformed;
    bool operator==(const Said &) const = default;
};

struct Reading {
    std::vector<Said> said;
    std::string sources;
    std::string complaint;  ///< empty: all is well
};

/// Adds what an event says.
inline void say(std::vector<Said> &said, Said one) {
    using core::ChatEventKind;
    const bool joins = one.kind == ChatEventKind::reasoning || one.kind == ChatEventKind::content ||
                       one.kind == ChatEventKind::call_arguments;
    if (joins && !said.empty() && said.back().kind == one.kind && said.back().call_i == one.call_i &&
        said.back().is_malformed == one.is_malformed) {
        said.back().text += one.text;
    } else {
        said.push_back(std::move(one));
    }
}

template <class Parser>
void take_events(Parser &parser, Reading &reading) {
    while (auto event = parser.next()) {
        reading.sources += event->source;
        if (core::utf8_error_offset(event->text)) reading.complaint = "a text is not UTF-8";
        if (event->kind == core::ChatEventKind::syntax) continue;
        say(reading.said, {event->kind, event->text, event->call_i, event->is_malformed});
    }
    if (parser.held_bytes() > core::ChatParser::kMaxHeldBytes + 4 * core::ChatParser::kMaxNameBytes) {
        reading.complaint = "too much is held back";
    }
}

inline bool is_json_object(const std::string &text) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const auto fault = parser.parse(text).get(root);
    if (fault == simdjson::NUMBER_ERROR) return true;  // too large a number for it
    return fault == simdjson::SUCCESS && root.is_object();
}

/// Calls begin, have arguments and end, one after the other; a stop is the end but for flagged content.
inline std::string order_complaint(const std::vector<Said> &said) {
    using core::ChatEventKind;
    size_t n_calls = 0;
    bool in_call = false, is_stopped = false;
    std::string arguments;
    for (const Said &one : said) {
        const bool is_begin = one.kind == ChatEventKind::call_begin, is_end = one.kind == ChatEventKind::call_end;
        const bool is_of_call = is_begin || is_end || one.kind == ChatEventKind::call_arguments;
        if (is_of_call && one.call_i + 1 != n_calls + (is_begin ? 1 : 0)) return "a call has the wrong number";
        if (is_begin ? in_call : in_call != is_of_call) return "events of a call are out of order";
        if (is_stopped && !(one.kind == ChatEventKind::content && one.is_malformed))
            return "something follows the stop";
        if (is_begin) arguments.clear();
        if (one.kind == ChatEventKind::call_arguments) arguments += one.text;
        if (is_end && !one.is_malformed && !is_json_object(arguments)) return "arguments are no JSON object, unflagged";
        n_calls += is_begin ? 1 : 0;
        in_call = is_begin || (in_call && !is_end);
        is_stopped = is_stopped || one.kind == ChatEventKind::stop;
    }
    return in_call ? "a call does not end" : "";
}

/// cuts: offsets in the answer, in order. Parser: ChatParser, or one that is to be found out.
template <class Parser = core::ChatParser>
Reading read_answer(const core::ChatGrammar &grammar, core::AnswerStart start, std::string_view answer,
                    const std::vector<size_t> &cuts) {
    Parser parser(grammar, start);
    Reading reading;
    size_t at = 0;
    const auto push = [&](size_t end) {
        if (!parser.push(answer.substr(at, end - at))) reading.complaint = "push is refused";
        at = end;
        take_events(parser, reading);
    };
    for (const size_t cut : cuts) push(cut);
    push(answer.size());
    parser.finish();
    take_events(parser, reading);
    if (parser.held_bytes() != 0) reading.complaint = "something is held back for ever";
    if (reading.sources != answer) reading.complaint = "the sources are not the answer";
    if (reading.complaint.empty()) reading.complaint = order_complaint(reading.said);
    return reading;
}

inline std::vector<size_t> everywhere_in(std::string_view answer) {
    std::vector<size_t> everywhere;
    for (size_t i = 1; i < answer.size(); ++i) everywhere.push_back(i);
    return everywhere;
}

/// Empty: cut there, the answer says what it says whole.
template <class Parser = core::ChatParser>
std::string cut_complaint(const core::ChatGrammar &grammar, core::AnswerStart start, std::string_view answer,
                          const Reading &whole, const std::vector<size_t> &cuts) {
    const Reading cut = read_answer<Parser>(grammar, start, answer, cuts);
    if (!cut.complaint.empty()) return cut.complaint + ", when cut";
    return cut.said == whole.said ? "" : "cut, it says something else";
}

/// Empty: the same whole, cut at these places and cut everywhere.
template <class Parser = core::ChatParser>
std::string answer_complaint(const core::ChatGrammar &grammar, core::AnswerStart start, std::string_view answer,
                             const std::vector<size_t> &cuts) {
    const Reading whole = read_answer<Parser>(grammar, start, answer, {});
    if (!whole.complaint.empty()) return whole.complaint;
    const std::string complaint = cut_complaint<Parser>(grammar, start, answer, whole, cuts);
    return complaint.empty() ? cut_complaint<Parser>(grammar, start, answer, whole, everywhere_in(answer)) : complaint;
}

}  // namespace hadal::test
