#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

using namespace hadal::core;

namespace {

Result<std::unique_ptr<int>> half(int n) {
    if (n % 2 != 0) return error(Status::invalid_argument, n, " is odd");
    return std::make_unique<int>(n / 2);
}

Result<int> quarter(int n) {
    HADAL_TRY(auto once, half(n));
    HADAL_TRY(const auto twice, half(*once));
    return *twice;
}

Result<void> check_quarter(int n) {
    HADAL_CHECK(quarter(n));
    return {};
}

}  // namespace

TEST_CASE("a result is its value or the first error on the way") {
    CHECK(*quarter(12) == 3);
    const auto odd = quarter(6);
    REQUIRE_FALSE(odd);
    CHECK(odd.error().status == Status::invalid_argument);
    CHECK(odd.error().message == "3 is odd");
    CHECK(check_quarter(8));
    CHECK(check_quarter(7).error().message == "7 is odd");
}
