// "pre_tokenizer": how a text is cut.
#include "text/bert_punctuation.h"
#include "text/byte_level.h"
#include "text/code_points.h"
#include "text/tokenizer_json_parts.h"

namespace hadal::core {
namespace {

/// Numbers of Unicode 17.
constexpr const char *kNumber = R"([\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}])";
/// What Rust's regular expressions call words, which is a little more than Oniguruma's do; and runs of the rest.
constexpr const char *kWordsAndRest = R"([\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)"
                                      R"(|[^\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\s]+)";

Result<Delimiter> read_delimiter(const JsonFields &fields, std::string_view otherwise) {
    constexpr std::pair<std::string_view, Delimiter> kNames[] = {{"Removed", Delimiter::removed},
                                                                 {"Isolated", Delimiter::isolated},
                                                                 {"MergedWithPrevious", Delimiter::with_previous},
                                                                 {"MergedWithNext", Delimiter::with_next},
                                                                 {"Contiguous", Delimiter::contiguous}};
    HADAL_TRY(const auto name, fields.string_or("behavior", otherwise));
    for (const auto &[known, delimiter] : kNames) {
        if (name == known) return delimiter;
    }
    return fields.fault(Status::unsupported, "'behavior' is ", quoted(name), ", which is not one we know");
}

struct Cut {
    Delimiter delimiter = Delimiter::isolated;
    DelimiterIs is = DelimiterIs::match;
};

Result<void> add_regex(const JsonFields &fields, std::string_view expression, Cut cut, std::vector<SplitStep> &steps) {
    auto regex = Regex::compile(expression);
    if (!regex) return fields.fault(regex.error().status, regex.error().message);
    steps.push_back(SplitAtRegex{*std::move(regex), cut.delimiter, cut.is});
    return {};
}

Result<void> read_split(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const Delimiter delimiter, read_delimiter(fields, ""));
    HADAL_TRY(const bool inverted, fields.boolean_or("invert", false));
    const DelimiterIs is = inverted ? DelimiterIs::gap : DelimiterIs::match;
    HADAL_TRY(const JsonFields pattern, fields.object("pattern"));
    if (pattern.find("String")) {
        HADAL_TRY(const auto text, pattern.string("String"));
        if (text.empty()) return pattern.fault(Status::unsupported, "'String' is empty");
        steps.push_back(SplitAtText{std::string(text), delimiter, is});
        return {};
    }
    HADAL_TRY(const auto expression, pattern.string("Regex"));
    return add_regex(pattern, expression, {.delimiter = delimiter, .is = is}, steps);
}

Result<void> read_byte_level(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const bool adds_space, fields.boolean_or("add_prefix_space", true));
    HADAL_TRY(const bool cuts, fields.boolean_or("use_regex", true));
    if (adds_space) steps.push_back(SpaceInFront{});
    if (cuts) HADAL_CHECK(add_regex(fields, kByteLevelWords, {}, steps));
    steps.push_back(BytesToLetters{});
    return {};
}

Result<void> read_metaspace(const JsonFields &fields, std::vector<SplitStep> &steps) {
    MarkSpaces marks;
    HADAL_TRY(const auto mark, fields.string_or("replacement", "\u2581"));
    if (mark.empty() || code_point_bytes(mark[0]) != mark.size()) {
        return fields.fault(Status::bad_format, "'replacement' is ", quoted(mark), ", one character is needed");
    }
    marks.mark = mark;
    HADAL_TRY(const bool adds_space, fields.boolean_or("add_prefix_space", true));
    HADAL_TRY(const auto scheme, fields.string_or("prepend_scheme", adds_space ? "always" : "never"));
    if (scheme == "never" || !adds_space) {
        marks.in_front = MarkSpaces::InFront::never;
    } else if (scheme == "first") {
        marks.in_front = MarkSpaces::InFront::of_the_text;
    } else if (scheme != "always") {
        return fields.fault(Status::unsupported, "'prepend_scheme' is ", quoted(scheme), ", which is not one we know");
    }
    steps.push_back(marks);
    HADAL_TRY(const bool cuts, fields.boolean_or("split", true));
    if (cuts) steps.push_back(SplitAtText{marks.mark, Delimiter::with_next, DelimiterIs::match});
    return {};
}

Result<void> read_digits(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const bool single, fields.boolean_or("individual_digits", false));
    return add_regex(fields, kNumber, {.delimiter = single ? Delimiter::isolated : Delimiter::contiguous}, steps);
}

Result<void> read_character(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const auto character, fields.string("delimiter"));
    if (character.empty()) return fields.fault(Status::bad_format, "'delimiter' is empty");
    steps.push_back(SplitAtText{std::string(character), Delimiter::removed, DelimiterIs::match});
    return {};
}

Result<void> read_fixed_length(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const uint64_t length, fields.uint_or("length", 5, UINT32_MAX));
    if (length == 0) return fields.fault(Status::bad_format, "'length' is 0, at least 1");
    steps.push_back(FixedLength{static_cast<size_t>(length)});
    return {};
}

}  // namespace

Result<void> read_splitter(const JsonFields &fields, std::vector<SplitStep> &steps) {
    HADAL_TRY(const auto type, fields.string("type"));
    if (type == "Sequence") {
        HADAL_TRY(const auto parts, fields.objects("pretokenizers"));
        for (const JsonFields &part : parts) HADAL_CHECK(read_splitter(part, steps));
        return {};
    }
    if (type == "Split") return read_split(fields, steps);
    if (type == "ByteLevel") return read_byte_level(fields, steps);
    if (type == "Metaspace") return read_metaspace(fields, steps);
    if (type == "Digits") return read_digits(fields, steps);
    if (type == "CharDelimiterSplit") return read_character(fields, steps);
    if (type == "FixedLength") return read_fixed_length(fields, steps);
    if (type == "WhitespaceSplit") return add_regex(fields, R"(\s)", {.delimiter = Delimiter::removed}, steps);
    if (type == "Whitespace") {
        return add_regex(fields, kWordsAndRest, {.delimiter = Delimiter::removed, .is = DelimiterIs::gap}, steps);
    }
    if (type == "Punctuation") {
        HADAL_TRY(const Delimiter delimiter, read_delimiter(fields, "Isolated"));
        return add_regex(fields, kBertPunctuation, {.delimiter = delimiter}, steps);
    }
    if (type == "BertPreTokenizer") {
        HADAL_CHECK(add_regex(fields, R"(\s)", {.delimiter = Delimiter::removed}, steps));
        return add_regex(fields, kBertPunctuation, {}, steps);
    }
    return fields.fault(Status::unsupported, "the type ", quoted(type), " is not one we know");
}

}  // namespace hadal::core
