#include "text/token_decoder.h"

#include <utility>

#include "text/byte_level.h"

namespace hadal::core {
namespace {

void apply(const LettersToBytes &, std::string &token, TokenPlace) {
    if (auto bytes = bytes_of_letters(token)) token = std::move(*bytes);
}

void apply(const ByteTokens &, std::string &token, TokenPlace) {
    std::string written = token;
    for (size_t i = 3; i < written.size(); ++i) {  // small digits are read too, though no vocabulary has them
        if (written[i] >= 'a' && written[i] <= 'f') written[i] = static_cast<char>(written[i] - 'a' + 'A');
    }
    if (const int value = byte_token_value(written); value >= 0) token.assign(1, static_cast<char>(value));
}

void apply(const MarksToSpaces &step, std::string &token, TokenPlace place) {
    token = replace_all(token, step.mark, step.drop_first && place == TokenPlace::first ? "" : " ");
}

void apply(const StripCharacter &step, std::string &token, TokenPlace place) {
    if (step.of_whole_text && place == TokenPlace::later) return;
    std::string_view rest = token;
    for (size_t i = 0; i < step.n_left && rest.starts_with(step.character); ++i) {
        rest.remove_prefix(step.character.size());
    }
    for (size_t i = 0; i < step.n_right && rest.ends_with(step.character); ++i) {
        rest.remove_suffix(step.character.size());
    }
    token = std::string(rest);
}

void apply(const ReplaceInToken &step, std::string &token, TokenPlace) {
    token = replace_all(token, step.text, step.with);
}

void apply(const JoinWords &step, std::string &token, TokenPlace place) {
    if (place == TokenPlace::later) {
        if (!step.prefix.empty() && token.starts_with(step.prefix)) {
            token.erase(0, step.prefix.size());
        } else {
            token.insert(token.begin(), ' ');
        }
    }
    if (!step.tidy) return;
    constexpr std::pair<std::string_view, std::string_view> kTidier[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto &[from, to] : kTidier) token = replace_all(token, from, to);
}

}  // namespace

std::string decode_token(const std::vector<DecodeStep> &steps, std::string_view token, TokenPlace place) {
    std::string decoded(token);
    for (const DecodeStep &step : steps) {
        std::visit([&](const auto &one) { apply(one, decoded, place); }, step);
    }
    return decoded;
}

int byte_token_value(std::string_view token) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
    const int high = digit(token[3]);
    const int low = digit(token[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    std::string replaced;
    size_t done = 0;
    for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
        replaced += text.substr(done, at - done);
        replaced += to;
        done = at + from.size();
    }
    replaced += text.substr(done);
    return replaced;
}

}  // namespace hadal::core
