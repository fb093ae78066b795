// A text in a text: what std::string_view finds, and in a number of steps that grows with the sum of both.
#include "text/jinja_search.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace hadal::core::jinja;

TEST_CASE("random texts are found where std::string_view finds them") {
    std::mt19937 random(5);
    Workspace work{RenderOptions{.steps = ~uint64_t{0}}};
    const auto text_of = [&random](size_t most, unsigned letters) {
        std::string text;
        for (size_t n = random() % (most + 1); n > 0; --n) text += static_cast<char>('a' + random() % letters);
        return text;
    };
    size_t n_found = 0;
    for (int round = 0; round < 20000; ++round) {
        const unsigned letters = random() % 3 + 1;
        std::string text = text_of(300, letters), part = text_of(round % 2 == 0 ? 8 : 80, letters);
        if (random() % 4 == 0) part = text.substr(random() % (text.size() + 1), random() % 100);
        const size_t from = random() % (text.size() + 3);
        CAPTURE(text);
        CAPTURE(part);
        CAPTURE(from);
        const auto found = text_find(work, text, part, from), last = text_rfind(work, text, part);
        REQUIRE(found);
        REQUIRE(last);
        REQUIRE(*found == text.find(part, from));
        REQUIRE(*last == text.rfind(part));
        n_found += *found != std::string::npos ? 1 : 0;
    }
    CHECK(n_found > 3000);
}

TEST_CASE("what is almost found everywhere costs no more than its length") {
    const std::string text(1000000, 'a'), half(500000, 'a');
    for (const std::string &part : {half + "b", "b" + half, half + "b" + half, std::string(40, 'a') + "b"}) {
        Workspace work{RenderOptions{.steps = 300000}};
        CHECK(text_find(work, text, part));
        Workspace back{RenderOptions{.steps = 300000}};
        CHECK(text_rfind(back, text, part));
    }
    Workspace poor{RenderOptions{.steps = 1000}};
    CHECK(!text_find(poor, text, half + "b"));
}
