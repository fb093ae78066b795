#include "text/input_text.h"

#include "base/utf8.h"

namespace hadal::core {
namespace {

/// Offsets are 32 bits wide, and what is done to a text can make it longer.
constexpr size_t kMaxTextBytes = size_t{1} << 30;

Result<void> check_length(std::string_view text) {
    if (text.size() <= kMaxTextBytes) return {};
    return error(Status::invalid_argument, "the text has ", text.size(), " bytes, at most ", kMaxTextBytes);
}

}  // namespace

Result<std::string_view> input_text(std::string_view text, const EncodeOptions &options, std::string &repaired) {
    HADAL_CHECK(check_length(text));
    const auto offset = utf8_error_offset(text);
    if (!offset) return text;
    if (options.invalid_utf8 == InvalidUtf8::refused) {
        return error(Status::invalid_argument, "the text is not UTF-8 at byte ", *offset);
    }
    repaired = utf8_repaired(text);
    HADAL_CHECK(check_length(repaired));
    return std::string_view(repaired);
}

}  // namespace hadal::core
