// The two languages differ in a few escapes: those are rewritten, the rest is PCRE2's.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/newer_unicode.h"

namespace hadal::core {
namespace {

constexpr size_t kMaxPatternBytes = 65536;  // the longest in use has some 2000
constexpr uint32_t kMaxSteps = 10000000;    // of backtracking in one match: a second or so
constexpr uint32_t kMaxHeapKib = 65536;     // without a just-in-time compiler
constexpr size_t kMaxStackBytes = size_t{16} << 20;

constexpr std::string_view kWhiteSpace =
    R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
/// Letters, marks, digits, connectors; numbers of Latin-1 and those that are letters; letters in circles and squares.
constexpr std::string_view kWordLetters =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\xB2\xB3\xB9\xBC-\xBE)"
    R"(\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
constexpr std::string_view kHexDigit = "0-9A-Fa-f";

/// The class of characters an escape stands for; empty: PCRE2 means the same by it.
std::string class_of(char escape) {
    switch (escape) {
        case 's':
        case 'S':
            return std::string(kWhiteSpace);
        case 'w':
        case 'W':
            return std::string(kWordLetters) + newer_members("L") + newer_members("M") + newer_members("Nd");
        case 'd':
        case 'D':
            return R"(\p{Nd})" + newer_members("Nd");
        case 'h':
        case 'H':
            return std::string(kHexDigit);
        default:
            return {};
    }
}

/// The name of a script that regular expressions of tokenizers know: PCRE2 takes it for more than the script.
bool is_script(std::string_view name) {
    constexpr std::string_view kScripts[] = {"Han",      "Hiragana", "Katakana", "Hangul", "Latin",     "Greek",
                                             "Cyrillic", "Arabic",   "Hebrew",   "Thai",   "Devanagari"};
    return std::find(std::begin(kScripts), std::end(kScripts), name) != std::end(kScripts);
}

/// The category of "{L}"; empty: another kind of property.
std::string_view category_at(std::string_view rest) {
    const size_t end = rest.starts_with('{') ? rest.find('}') : 0;
    return end == 2 || end == 3 ? rest.substr(1, end - 1) : std::string_view();
}

/// Rewrites a pattern in PCRE2's words, piece by piece. A capital inside a class is left alone: a class cannot hold the
/// complement of another.
class Translator {
public:
    explicit Translator(std::string_view pattern) : pattern_(pattern) {}

    std::string run() {
        while (at_ < pattern_.size()) {
            if (pattern_[at_] == '\\' && at_ + 1 < pattern_.size()) {
                escape();
            } else if (in_class_) {
                inside_class();
            } else {
                outside_class();
            }
        }
        return std::move(out_);
    }

private:
    std::string_view rest(size_t skip) const { return pattern_.substr(std::min(at_ + skip, pattern_.size())); }
    void copy(size_t n_bytes) {
        out_ += pattern_.substr(at_, n_bytes);
        at_ += n_bytes;
    }

    void escape() {
        const char letter = pattern_[at_ + 1];
        const bool is_complement = letter >= 'A' && letter <= 'Z';
        if (!in_class_ && (letter == 'b' || letter == 'B')) return boundary(letter);
        std::string members = class_of(letter);
        size_t n_bytes = 2;
        const bool is_property = letter == 'p' || letter == 'P';
        const std::string_view category = is_property ? category_at(rest(2)) : std::string_view();
        if (!category.empty()) {
            n_bytes += category.size() + 2;
            const std::string newer = newer_members(category);
            if (!newer.empty()) members = text("\\p{", category, "}", newer);
        }
        const std::string_view rest_of_it = rest(2);
        const size_t end = rest_of_it.starts_with('{') ? rest_of_it.find('}') : std::string_view::npos;
        if (is_property && end != std::string_view::npos && is_script(rest_of_it.substr(1, end - 1))) {
            const std::string_view name = rest_of_it.substr(1, end - 1);
            members = text("\\p{sc:", name, "}", newer_members(name));
            n_bytes += end + 1;
        }
        if (members.empty() || (in_class_ && is_complement)) return copy(n_bytes);
        if (!in_class_) out_ += is_complement ? "[^" : "[";
        out_ += members;
        if (!in_class_) out_ += ']';
        at_ += n_bytes;
    }

    /// PCRE2's own knows other words.
    void boundary(char letter) {
        const std::string word = "[" + class_of('w') + "]";
        const std::string here = "(?=" + word + ")", no = "(?!" + word + ")", behind = "(?<=" + word + ")";
        const std::string none_behind = "(?<!" + word + ")";
        out_ += letter == 'b' ? "(?:" + behind + no + "|" + none_behind + here + ")"
                              : "(?:" + behind + here + "|" + none_behind + no + ")";
        at_ += 2;
    }

    void inside_class() {
        const size_t end = rest(0).starts_with("[:") ? rest(2).find(":]") : std::string_view::npos;  // [:alpha:]
        if (end != std::string_view::npos) return copy(end + 4);
        if (pattern_[at_] == ']') in_class_ = false;
        copy(1);
    }

    /// (?m) is PCRE2's (?s).
    void options() {
        copy(2);
        while (at_ < pattern_.size() && std::string_view("imx-").find(pattern_[at_]) != std::string_view::npos) {
            out_ += pattern_[at_] == 'm' ? 's' : pattern_[at_];
            ++at_;
        }
    }

    void outside_class() {
        if (rest(0).starts_with("(?")) return options();
        const bool opens = pattern_[at_] == '[';
        copy(1);
        if (!opens) return;
        in_class_ = true;
        if (rest(0).starts_with('^')) copy(1);
        if (rest(0).starts_with(']')) copy(1);  // first in a class it is itself
    }

    std::string_view pattern_;
    std::string out_;
    size_t at_ = 0;
    bool in_class_ = false;
};

std::string translated(std::string_view pattern) {
    // The same matches, without trying every space of a run that no end follows.
    if (pattern == R"(\s+$)") pattern = R"((?<!\s)\s+$)";
    return Translator(pattern).run();
}

std::string pcre_message(int code) {
    std::array<PCRE2_UCHAR, 256> buffer{};
    pcre2_get_error_message(code, buffer.data(), buffer.size());
    return reinterpret_cast<const char *>(buffer.data());
}

}  // namespace

void PcreFree::operator()(pcre2_real_code_8 *code) const {
    pcre2_code_free(code);
}
void PcreFree::operator()(pcre2_real_match_context_8 *context) const {
    pcre2_match_context_free(context);
}
void PcreFree::operator()(pcre2_real_match_data_8 *data) const {
    pcre2_match_data_free(data);
}
void PcreFree::operator()(pcre2_real_jit_stack_8 *stack) const {
    pcre2_jit_stack_free(stack);
}

Result<void> RegexWork::prepare() {
    if (data_) return {};
    context_.reset(pcre2_match_context_create(nullptr));
    stack_.reset(pcre2_jit_stack_create(32768, kMaxStackBytes, nullptr));
    PcrePointer<pcre2_real_match_data_8> data(pcre2_match_data_create(1, nullptr));
    if (!context_ || !stack_ || !data) return error(Status::out_of_memory, "no memory to match regular expressions");
    pcre2_set_match_limit(context_.get(), kMaxSteps);
    pcre2_set_heap_limit(context_.get(), kMaxHeapKib);
    pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
    data_ = std::move(data);
    return {};
}

Result<Regex> Regex::compile(std::string_view pattern) {
    if (pattern.size() > kMaxPatternBytes) {
        return error(Status::unsupported, "the expression has ", pattern.size(), " bytes, at most ", kMaxPatternBytes);
    }
    if (const auto offset = utf8_error_offset(pattern)) {
        return error(Status::unsupported, "the expression ", quoted(pattern), " is not UTF-8 at byte ", *offset);
    }
    const std::string ours = translated(pattern);
    std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
        pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
    if (!context) return error(Status::out_of_memory, "no memory to compile a regular expression");
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    int code = 0;
    PCRE2_SIZE offset = 0;
    constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    PcrePointer<pcre2_real_code_8> compiled(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(ours.data()), ours.size(), kOptions, &code, &offset, context.get()));
    if (!compiled) {
        return error(Status::unsupported, "the expression ", quoted(pattern),
                     " is not one we read: ", pcre_message(code), " before ",
                     quoted(std::string_view(ours).substr(offset)));
    }
    // Where the system allows no code to be made, PCRE2 interprets.
    static_cast<void>(pcre2_jit_compile(compiled.get(), PCRE2_JIT_COMPLETE));
    return Regex(std::string(pattern), std::move(compiled));
}

Result<std::optional<Regex::Match>> Regex::find(std::string_view subject, size_t from, RegexWork &work) const {
    const int code = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from,
                                 PCRE2_NO_UTF_CHECK, work.data_.get(), work.context_.get());
    if (code == PCRE2_ERROR_NOMATCH) return std::optional<Match>();
    if (code < 0) {
        return error(Status::invalid_argument, "the expression ", quoted(pattern_), " gives up on this text at byte ",
                     from, " of a piece of ", subject.size(), ": ", pcre_message(code));
    }
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(work.data_.get());
    // \K can make a match end before it begins, or begin before from.
    if (found[1] < found[0] || found[0] < from) {
        return error(Status::invalid_argument, "the expression ", quoted(pattern_), " moves backwards");
    }
    return std::optional<Match>({found[0], found[1]});
}

}  // namespace hadal::core
