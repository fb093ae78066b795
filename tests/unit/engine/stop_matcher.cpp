// However a text is cut into pieces, the same comes out.
#include "engine/stop_matcher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace hadal::core;

namespace {

using Strings = std::vector<std::string>;

StopMatcher matcher_of(const Strings &stops) {
    auto matcher = StopMatcher::make(stops);
    REQUIRE_MESSAGE(matcher, (matcher ? "" : matcher.error().message));
    return *matcher;
}

struct Outcome {
    std::string text;
    bool found = false;
    bool operator==(const Outcome &) const = default;
};

std::ostream &operator<<(std::ostream &out, const Outcome &outcome) {
    return out << '"' << outcome.text << '"' << (outcome.found ? " found" : "");
}

/// The definition: the match that begins first, in the whole text.
Outcome by_definition(const Strings &stops, const std::string &text) {
    size_t first = std::string::npos;
    for (const std::string &stop : stops) first = std::min(first, text.find(stop));
    return {text.substr(0, first), first != std::string::npos};
}

Outcome in_pieces(StopMatcher matcher, const Strings &pieces) {
    Outcome outcome;
    for (const std::string &piece : pieces) outcome.text += matcher.push(piece);
    outcome.text += matcher.finish();
    outcome.found = matcher.found();
    CHECK(matcher.push("more").empty() == outcome.found);
    return outcome;
}

}  // namespace

TEST_CASE("text comes out at once but for what may begin a stop string") {
    StopMatcher matcher = matcher_of({"\n\nUser:", "END"});
    CHECK(matcher.push("Hello") == "Hello");
    CHECK(matcher.push("\n") == "");
    CHECK(matcher.push("\nUs") == "");
    CHECK(matcher.push("e!") == "\n\nUse!");
    CHECK(matcher.push("E") == "");
    CHECK(matcher.push("EN") == "E");
    CHECK_FALSE(matcher.found());
    CHECK(matcher.push("D and more") == "");
    CHECK(matcher.found());
    CHECK(matcher.push("never") == "");
    CHECK(matcher.finish() == "");
}

TEST_CASE("what was held back comes out at the end") {
    StopMatcher matcher = matcher_of({"END"});
    CHECK(matcher.push("the EN") == "the ");
    CHECK(matcher.finish() == "EN");
    CHECK_FALSE(matcher.found());
}

TEST_CASE("the match that begins first counts") {
    CHECK(in_pieces(matcher_of({"abcd", "bc"}), {"xabcd"}) == Outcome{"x", true});
    CHECK(in_pieces(matcher_of({"abcd", "bc"}), {"xabce"}) == Outcome{"xa", true});
    CHECK(in_pieces(matcher_of({"abcd", "bc"}), {"xabc"}) == Outcome{"xa", true});  // only the end decides
    StopMatcher same_start = matcher_of({"ab", "abc"});
    CHECK(same_start.push("xab") == "x");
    CHECK(same_start.found());  // the longer one would cut at the same place
}

TEST_CASE("without stop strings everything passes") {
    StopMatcher matcher = matcher_of({});
    CHECK(matcher.push("abc") == "abc");
    CHECK(matcher.push("") == "");
    CHECK(matcher.finish() == "");
    CHECK_FALSE(matcher.found());
}

TEST_CASE("a copy goes on where the original was") {
    StopMatcher matcher = matcher_of({"abc"});
    CHECK(matcher.push("xab") == "x");
    StopMatcher copy = matcher;
    CHECK(matcher.push("c").empty());
    CHECK(matcher.found());
    CHECK(copy.push("d") == "abd");
    CHECK_FALSE(copy.found());
}

TEST_CASE("a stop string that is empty or not UTF-8 is refused") {
    auto empty = StopMatcher::make({"a", ""});
    REQUIRE_FALSE(empty);
    CHECK(empty.error().status == Status::invalid_argument);
    CHECK(empty.error().message.find("stop_strings[1] has 0 bytes") != std::string::npos);
    auto broken = StopMatcher::make({"a\xC3"});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().message == "stop_strings[0] is not UTF-8 at byte 1");
}

TEST_CASE("pieces of whole code points give whole code points") {
    StopMatcher matcher = matcher_of({"\xC3\xA9\xC3\xA8"});
    CHECK(matcher.push("a\xC3\xA9") == "a");
    CHECK(matcher.push("\xC3\xAA") == "\xC3\xA9\xC3\xAA");
}

TEST_CASE("a transcript cut anywhere gives the same") {
    const Strings stops = {"</s>", "\nUser:", "\n\n", "<|end|>"};
    for (const std::string text : {"Hi.\nUser: you", "a\n\nb", "x<|en</s>y", "x<|end|", "\nUse\n\n", "nothing here"}) {
        const Outcome expected = by_definition(stops, text);
        for (size_t first = 0; first <= text.size(); ++first) {
            for (size_t second = first; second <= text.size(); ++second) {
                const Strings pieces = {text.substr(0, first), text.substr(first, second - first), text.substr(second)};
                REQUIRE(in_pieces(matcher_of(stops), pieces) == expected);
            }
        }
    }
}

TEST_CASE("random texts, stop strings and cuts") {
    std::mt19937 random(4);
    const auto word = [&](size_t least, size_t most) {
        std::string text;
        for (size_t n = least + random() % (most - least + 1); n > 0; --n) {
            text += static_cast<char>('a' + random() % 2);
        }
        return text;
    };
    size_t n_found = 0;
    for (int round = 0; round < 5000; ++round) {
        Strings stops;
        for (size_t n = random() % 4; n > 0; --n) stops.push_back(word(2, 9));
        const std::string text = word(0, 40);
        Strings pieces;
        for (size_t done = 0; done < text.size();) {
            pieces.push_back(text.substr(done, 1 + random() % 6));
            done += pieces.back().size();
        }
        CAPTURE(text);
        const Outcome expected = by_definition(stops, text);
        REQUIRE(in_pieces(matcher_of(stops), pieces) == expected);
        n_found += expected.found ? 1 : 0;
    }
    CHECK(n_found > 1000);
    CHECK(n_found < 4900);
}

TEST_CASE("what is given out early is never taken back, and no more is held than the longest stop string") {
    StopMatcher matcher = matcher_of({std::string(50, 'a') + "b"});
    std::string given;
    for (size_t i = 1; i <= 20000; ++i) {
        given += matcher.push("a");
        REQUIRE(given.size() + 50 >= i);
    }
    CHECK(matcher.push("b").empty());
    CHECK(matcher.found());
    CHECK(given == std::string(20000 - 50, 'a'));
}
