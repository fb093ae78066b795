#include "base/log.h"

#include <doctest/doctest.h>

#include <locale>
#include <string>
#include <vector>

#include "base/result.h"

using namespace hadal::core;

TEST_CASE("messages wait in order, the less important ones are not kept") {
    Log log({}, LogLevel::info);
    log.write(LogLevel::warning, "layer ", 3, " is slow");
    log.write(LogLevel::debug, "not kept");
    log.write(LogLevel::error, "lost");
    size_t needed = 0;
    const auto small = log.poll(5, &needed);
    REQUIRE_FALSE(small);
    CHECK(small.error().status == Status::buffer_too_small);
    CHECK(needed == 15);
    auto first = log.poll(15, &needed);
    REQUIRE(first);
    CHECK(first->text == "layer 3 is slow");
    CHECK(first->level == LogLevel::warning);
    CHECK(log.poll(100, &needed)->text == "lost");
    CHECK(log.poll(100, &needed).error().status == Status::not_found);
}

TEST_CASE("a full queue drops its oldest message") {
    Log log({}, LogLevel::info);
    for (int i = 0; i < 300; ++i) log.write(LogLevel::info, i);
    size_t needed = 0;
    CHECK(log.poll(100, &needed)->text == "44");
    int n_left = 0;
    while (log.poll(100, &needed)) ++n_left;
    CHECK(n_left == 255);
}

TEST_CASE("a callback gets messages at once") {
    std::vector<std::string> seen;
    Log log({[](void *user, int32_t level, const char *message, size_t length) {
                 static_cast<std::vector<std::string> *>(user)->push_back(std::to_string(level) + ":" +
                                                                          std::string(message, length));
             },
             &seen},
            LogLevel::debug);
    log.write(LogLevel::debug, "a", 1.5);
    CHECK(seen == std::vector<std::string>{"4:a1.5"});
    size_t needed = 0;
    CHECK_FALSE(log.poll(100, &needed));
}

TEST_CASE("numbers in messages do not depend on the application's locale") {
    struct Grouping : std::numpunct<char> {
        char do_thousands_sep() const override { return '.'; }
        char do_decimal_point() const override { return ','; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Grouping));
    const std::string message = text(1234567, " ", 0.5);
    std::locale::global(before);
    CHECK(message == "1234567 0.5");
}
