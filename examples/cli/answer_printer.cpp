#include "answer_printer.h"

#include <unistd.h>

#include <cstdio>

#include "output.h"

namespace command {
namespace {

constexpr const char *kDim = "\033[2m", *kPlain = "\033[0m";

}  // namespace

AnswerPrinter::AnswerPrinter() : on_terminal_(isatty(STDOUT_FILENO) == 1) {}

std::string AnswerPrinter::without_edges(std::string &held, bool &has_begun, std::string_view text) {
    constexpr std::string_view kSpaces = " \t\r\n";
    if (!has_begun) {
        const size_t first = text.find_first_not_of(kSpaces);
        if (first == std::string_view::npos) return {};
        text.remove_prefix(first);
        has_begun = true;
    }
    const size_t last = text.find_last_not_of(kSpaces);
    if (last == std::string_view::npos) {
        held += text;
        return {};
    }
    std::string ready = held + std::string(text.substr(0, last + 1));
    held = text.substr(last + 1);
    return ready;
}

void AnswerPrinter::print(const hadal::Event &event) {
    switch (event.kind) {
        case hadal::EventKind::reasoning:
            reasoning_ += event.text;
            print_reasoning(event.text);
            break;
        case hadal::EventKind::content:
            content_ += event.text;
            print_content(event.text);
            break;
        case hadal::EventKind::tool_call_begin:
            print_content("\n" + std::string(event.text) + " ");
            break;
        case hadal::EventKind::tool_call_arguments:
            print_content(event.text);
            break;
        default:
            break;
    }
}

void AnswerPrinter::print_reasoning(std::string_view text) {
    if (part_ != Part::reasoning) {
        part_ = Part::reasoning;
        has_begun_ = false;
        held_.clear();
        if (on_terminal_) output().write(kDim);
    }
    const std::string ready = without_edges(held_, has_begun_, text);
    if (on_terminal_) {
        output().write(ready);
    } else {
        std::fwrite(ready.data(), 1, ready.size(), stderr);
    }
}

void AnswerPrinter::print_content(std::string_view text) {
    if (part_ != Part::content) {
        if (part_ == Part::reasoning && on_terminal_) output().write(std::string(kPlain) + (has_begun_ ? "\n\n" : ""));
        if (part_ == Part::reasoning && !on_terminal_ && has_begun_) std::fputc('\n', stderr);
        part_ = Part::content;
        has_begun_ = false;
        held_.clear();
    }
    output().write(without_edges(held_, has_begun_, text));
}

void AnswerPrinter::end() {
    if (part_ == Part::reasoning && on_terminal_) output().write(kPlain);
    if (part_ == Part::reasoning && !on_terminal_ && has_begun_) std::fputc('\n', stderr);
    output().write("\n");
}

}  // namespace command
