// Answers of any bytes, of every format, cut anywhere: the parser says the same and loses nothing. The first bytes
// choose format, beginning and cuts, and whether bytes above 127 stand for themselves or for pieces of the format. A
// libFuzzer target: compile this file, lib/text/chat_*.cpp but for chat_tokenizer.cpp, lib/format/json.cpp and lib/base
// with clang++ -DHADAL_FUZZ_CHAT_PARSER -fsanitize=fuzzer,address,undefined. tests/unit/text runs the same check over
// answers put together at random.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "support/chat_answers.h"

#ifdef HADAL_FUZZ_CHAT_PARSER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    using namespace hadal;
    if (size < 4) return 0;
    const core::ChatFormat &format = *core::chat_formats()[data[0] % core::chat_formats().size()];
    const core::AnswerStart start = {
        data[1] % 2 == 0 ? core::AnswerStart::Block::none : core::AnswerStart::Block::reasoning,
        data[1] % 4 < 2 ? core::AnswerStart::Tools::none : core::AnswerStart::Tools::given};
    std::string answer;
    const auto &pieces = test::pieces_of(format.grammar.calls);
    for (size_t i = 4; i < size; ++i) {
        if (data[1] % 8 < 4 || data[i] < 128) {
            answer += static_cast<char>(data[i]);
        } else if (data[i] == 128) {
            answer += "</think>";
        } else {
            answer += test::marks(pieces[data[i] % pieces.size()]);
        }
    }
    std::vector<size_t> cuts = {data[2] % (answer.size() + 1), (data[2] * 256 + data[3]) % (answer.size() + 1)};
    std::sort(cuts.begin(), cuts.end());
    if (!test::answer_complaint(format.grammar, start, answer, cuts).empty()) std::abort();
    return 0;
}
#endif
