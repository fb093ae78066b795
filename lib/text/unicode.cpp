#include "text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "text/code_points.h"
#include "text/newer_unicode.h"

namespace hadal::core {
namespace {

utf8proc_category_t category(char32_t c) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

/// true: text is in that form, as can be told without a table: ASCII is in all, and below U+0300 all is composed.
bool is_in_form(std::string_view text, NormalForm form) {
    const unsigned char first_that_may_not = form == NormalForm::nfc ? 0xCC : 0x80;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= first_that_may_not) return false;
    }
    return true;
}

Result<void> append_form(std::string_view text, NormalForm form, std::string &out) {
    if (is_in_form(text, form)) {
        out += text;
        return {};
    }
    int options = UTF8PROC_STABLE;
    options |= form == NormalForm::nfc || form == NormalForm::nfkc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
    if (form == NormalForm::nfkc || form == NormalForm::nfkd) options |= UTF8PROC_COMPAT;
    utf8proc_uint8_t *mapped = nullptr;
    const utf8proc_ssize_t n_bytes =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &mapped, static_cast<utf8proc_option_t>(options));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, std::free);
    if (n_bytes == UTF8PROC_ERROR_NOMEM) return error(Status::out_of_memory, "no memory to normalise a text");
    if (n_bytes < 0) {
        return error(Status::invalid_argument, "a text of ", text.size(),
                     " bytes cannot be normalised: ", utf8proc_errmsg(n_bytes));
    }
    out.append(reinterpret_cast<const char *>(mapped), static_cast<size_t>(n_bytes));
    return {};
}

}  // namespace

Result<std::string> normal_form(std::string_view text, NormalForm form) {
    if (is_in_form(text, form)) return std::string(text);
    std::string out;
    // What is too new for a form stands between texts that have nothing to do with each other. So does U+11A7, which
    // utf8proc 2.8 takes for the last part of a Hangul syllable, and loses.
    size_t done = 0;
    for (size_t at = 0; at < text.size();) {
        const size_t begin = at;
        const char32_t c = take_code_point(text, at);
        if (!is_newer_than_forms(c) && c != 0x11A7) continue;
        HADAL_CHECK(append_form(text.substr(done, begin - done), form, out));
        out += text.substr(begin, at - begin);
        done = at;
    }
    HADAL_CHECK(append_form(text.substr(done), form, out));
    return out;
}

void append_lower(char32_t c, std::string &out) {
    if (c == 0x130) {  // the one whose lower case is longer, whatever the language
        out += "i\u0307";
        return;
    }
    if (const auto lower = newer_lower(c)) return append_code_point(*lower, out);
    append_code_point(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), out);
}

bool is_mark(char32_t c) {
    const auto of = category(c);
    const bool was_mark = c == 0x1CF2 || c == 0x1CF3;  // up to Unicode 11
    return was_mark || ((of == UTF8PROC_CATEGORY_MN || of == UTF8PROC_CATEGORY_MC || of == UTF8PROC_CATEGORY_ME) &&
                        !is_newer_mark(c));
}

bool is_nonspacing_mark(char32_t c) {
    const bool was_nonspacing = c == 0x1734;  // up to Unicode 13
    return was_nonspacing || (category(c) == UTF8PROC_CATEGORY_MN && !is_newer_nonspacing_mark(c));
}

bool is_control_or_format(char32_t c) {
    const auto of = category(c);
    return (of == UTF8PROC_CATEGORY_CC || of == UTF8PROC_CATEGORY_CF || of == UTF8PROC_CATEGORY_CO ||
            of == UTF8PROC_CATEGORY_CS) &&
           !is_newer_format(c);
}

bool is_word_letter(char32_t c) {
    const auto of = category(c);
    return (of >= UTF8PROC_CATEGORY_LU && of <= UTF8PROC_CATEGORY_NL) || of == UTF8PROC_CATEGORY_PC || c == 0x200C ||
           c == 0x200D || is_newer_word_letter(c);
}

size_t grapheme_bytes(std::string_view text) {
    utf8proc_int32_t state = 0;
    size_t at = 0;
    char32_t before = take_code_point(text, at);
    while (at < text.size()) {
        size_t next = at;
        const char32_t c = take_code_point(text, next);
        if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before), static_cast<utf8proc_int32_t>(c),
                                             &state)) {
            break;
        }
        before = c;
        at = next;
    }
    return at;
}

}  // namespace hadal::core
