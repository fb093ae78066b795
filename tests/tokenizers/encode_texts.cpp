// Encodes texts from standard input and decodes them again, for compare.py.   usage: encode_texts TOKENIZER
//
// In: records of two uint32, flags and the bytes of the text, and the text. Flags: 1 special tokens are recognised, 2
// they are added, 4 the text is ids as int32, which are only decoded, 8 decoding leaves control tokens out. Out: for
// each the number of ids and the ids as int32, the bytes of the decoded text and that text. The machine's byte order.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace {

using namespace hadal::core;

bool read_number(uint32_t &number) {
    return std::fread(&number, sizeof number, 1, stdin) == 1;
}

void write(const void *bytes, size_t n_bytes, uint32_t count) {
    std::fwrite(&count, sizeof count, 1, stdout);
    std::fwrite(bytes, 1, n_bytes, stdout);
}

int failed(const std::string &message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return 1;
}

}  // namespace

int main(int n_arguments, char **arguments) {
    if (n_arguments != 2) return 2;
    const auto tokenizer = Tokenizer::open(std::string(arguments[1]));
    if (!tokenizer) return failed(tokenizer.error().message);
    uint32_t flags = 0, n_bytes = 0;
    while (read_number(flags) && read_number(n_bytes)) {
        std::string text(n_bytes, '\0');
        if (std::fread(text.data(), 1, text.size(), stdin) != text.size()) return failed("a text is cut off");
        std::vector<Token> ids(text.size() / sizeof(Token));
        if ((flags & 4) != 0) {
            std::memcpy(ids.data(), text.data(), ids.size() * sizeof(Token));
        } else {
            const EncodeOptions options = {.add_special = (flags & 2) != 0, .parse_special = (flags & 1) != 0};
            auto encoded = (*tokenizer)->encode(text, options);
            if (!encoded) return failed(encoded.error().message);
            ids = *std::move(encoded);
        }
        const auto control = (flags & 8) != 0 ? ControlText::left_out : ControlText::written;
        const auto decoded = (*tokenizer)->decode(ids, control);
        if (!decoded) return failed(decoded.error().message);
        write(ids.data(), ids.size() * sizeof(Token), static_cast<uint32_t>(ids.size()));
        write(decoded->data(), decoded->size(), static_cast<uint32_t>(decoded->size()));
    }
}
