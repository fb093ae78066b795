// Search against plain loops.
#include "text/piece_index.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace hadal::core;

TEST_CASE("find and longest_prefix equal a plain search") {
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        const auto word = [&](size_t most) {
            std::string text;
            for (size_t n = random() % (most + 1); n > 0; --n) text += static_cast<char>('a' + random() % 2);
            return text;
        };
        std::set<std::string> distinct;
        for (size_t n = random() % 30; n > 0; --n) distinct.insert(word(6));
        StringTable texts;
        std::vector<Token> members;
        for (const std::string &text : distinct) {
            members.insert(members.begin(), static_cast<Token>(texts.size()));
            texts.add(text);
        }
        const PieceIndex index(texts, members);
        CHECK(index.size() == distinct.size() - distinct.count(""));
        for (int i = 0; i < 40; ++i) {
            const std::string text = word(8);
            std::string longest;
            for (size_t n = 1; n <= text.size(); ++n) {
                if (distinct.contains(text.substr(0, n))) longest = text.substr(0, n);
            }
            CAPTURE(text);
            const uint32_t prefix_i = index.longest_prefix(text);
            REQUIRE((prefix_i == PieceIndex::kNone) == longest.empty());
            if (prefix_i != PieceIndex::kNone) CHECK(index.text(prefix_i) == longest);
            const bool exists = !text.empty() && distinct.contains(text);
            for (const uint32_t hint : {PieceIndex::kNone, prefix_i}) {
                const uint32_t piece_i = index.find(text, hint);
                REQUIRE((piece_i != PieceIndex::kNone) == exists);
                if (exists) CHECK(index.text(piece_i) == text);
            }
        }
    }
}
