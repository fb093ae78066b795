// One function a step.
#include "text/normalizer.h"

#include <cstdint>
#include <utility>

#include "text/byte_level.h"
#include "text/code_points.h"

namespace hadal::core {
namespace {

constexpr size_t kMaxNormalBytes = UINT32_MAX;  // offsets are 32 bits wide

Error too_large() {
    return error(Status::invalid_argument, "the text grows past ", kMaxNormalBytes, " bytes while it is normalised");
}

/// each(code_point, out) appends what a code point becomes.
template <class Each>
void rewrite(std::string &text, Each &&each) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) each(take_code_point(text, at), out);
    text = std::move(out);
}

void lowercase(std::string &text) {
    rewrite(text, [](char32_t c, std::string &out) { append_lower(c, out); });
}

bool is_nmt_space(char32_t c) {
    return c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
           c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

bool is_nmt_control(char32_t c) {
    return (c >= 1 && c <= 8) || c == 11 || (c >= 14 && c <= 31) || c == 0x7F || c == 0x8F || c == 0x9F;
}

/// The blocks of CJK ideographs that BERT's authors listed.
bool is_bert_ideograph(char32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

Result<void> apply(const ToForm &step, std::string &text, RegexWork &) {
    HADAL_TRY(text, normal_form(text, step.form));
    return {};
}

Result<void> apply(const Lowercase &, std::string &text, RegexWork &) {
    lowercase(text);
    return {};
}

Result<void> apply(const StripAccents &, std::string &text, RegexWork &) {
    rewrite(text, [](char32_t c, std::string &out) {
        if (!is_mark(c)) append_code_point(c, out);
    });
    return {};
}

Result<void> apply(const CleanAsNmt &, std::string &text, RegexWork &) {
    rewrite(text, [](char32_t c, std::string &out) {
        if (!is_nmt_control(c)) append_code_point(is_nmt_space(c) ? U' ' : c, out);
    });
    return {};
}

Result<void> apply(const Prepend &step, std::string &text, RegexWork &) {
    if (!text.empty()) text.insert(0, step.text);
    return {};
}

Result<void> apply(const Strip &step, std::string &text, RegexWork &) {
    size_t begin = 0, end = 0;
    bool inside = !step.left;
    for (size_t at = 0; at < text.size();) {
        const size_t here = at;
        if (is_white_space(take_code_point(text, at))) continue;
        if (!std::exchange(inside, true)) begin = here;
        end = at;
    }
    if (!inside) begin = text.size();
    if (!step.right) end = text.size();
    text = begin < end ? text.substr(begin, end - begin) : std::string();
    return {};
}

Result<void> apply(const ReplaceText &step, std::string &text, RegexWork &) {
    std::string out;
    size_t done = 0;
    for (size_t at = text.find(step.text); at != std::string::npos; at = text.find(step.text, done)) {
        out.append(text, done, at - done);
        out += step.with;
        done = at + step.text.size();
        if (out.size() > kMaxNormalBytes) return too_large();
    }
    if (done == 0) return {};
    out.append(text, done);
    text = std::move(out);
    return {};
}

Result<void> apply(const ReplaceMatches &step, std::string &text, RegexWork &work) {
    std::string out;
    size_t done = 0, from = 0;
    bool after_match = false;
    while (from <= text.size()) {
        HADAL_TRY(const auto match, step.regex.find(text, from, work));
        if (!match) break;
        const bool is_empty = match->begin == match->end;
        if (!is_empty || !after_match || match->begin != done) {
            out.append(text, done, match->begin - done);
            out += step.with;
            done = match->end;
            after_match = true;
            if (out.size() > kMaxNormalBytes) return too_large();
        }
        from = match->end;
        if (is_empty) from += from < text.size() ? code_point_bytes(text[from]) : 1;
    }
    out.append(text, done);
    text = std::move(out);
    return {};
}

Result<void> apply(const Bert &step, std::string &text, RegexWork &) {
    if (step.clean) {
        rewrite(text, [](char32_t c, std::string &out) {
            const bool is_space = is_white_space(c) && c != 11 && c != 12 && c != 0x85;  // those are controls
            if (is_space) {
                out += ' ';
            } else if (c != 0 && c != 0xFFFD && !is_control_or_format(c)) {
                append_code_point(c, out);
            }
        });
    }
    if (step.space_ideographs) {
        rewrite(text, [](char32_t c, std::string &out) {
            const bool apart = is_bert_ideograph(c);
            if (apart) out += ' ';
            append_code_point(c, out);
            if (apart) out += ' ';
        });
    }
    if (step.strip_accents) {
        HADAL_TRY(text, normal_form(text, NormalForm::nfd));
        rewrite(text, [](char32_t c, std::string &out) {
            if (!is_nonspacing_mark(c)) append_code_point(c, out);
        });
    }
    if (step.lowercase) lowercase(text);
    return {};
}

Result<void> apply(const MapBytesToLetters &, std::string &text, RegexWork &) {
    std::string out;
    append_letters(text, out);
    text = std::move(out);
    return {};
}

Result<void> apply(const SpacesToMarks &step, std::string &text, RegexWork &) {
    std::string out;
    bool in_word = false, has_front = step.added != SpacesToMarks::Added::in_front;
    for (const char c : text) {
        if (c == ' ') {
            in_word = false;
            if (!step.joins) out += step.mark;
            continue;
        }
        if (!std::exchange(in_word, true) && (!std::exchange(has_front, true) || step.joins)) out += step.mark;
        out += c;
    }
    if (step.added == SpacesToMarks::Added::behind) out += step.mark;
    text = std::move(out);
    return {};
}

Result<void> apply(const CharMap &step, std::string &text, RegexWork &) {
    return step.apply(text);
}

}  // namespace

Result<void> normalize(const std::vector<NormalStep> &steps, std::string &text, RegexWork &work) {
    for (const NormalStep &step : steps) {
        HADAL_CHECK(std::visit([&](const auto &one) { return apply(one, text, work); }, step));
        if (text.size() > kMaxNormalBytes) return too_large();
    }
    return {};
}

}  // namespace hadal::core
