// Runs the tests that are written in C, because C is what the interface is for.
#include <doctest/doctest.h>

#include "fixture.h"
#include "written_in_c.h"

TEST_CASE("tour: every function, from C") {
    const hadal::test::TinyFile file;
    REQUIRE(test_tour(file.path.c_str()) == 0);
}

TEST_CASE("NULL: every pointer of every function") {
    const hadal::test::TinyFile file;
    REQUIRE(test_null_arguments(file.path.c_str()) == 0);
}

TEST_CASE("growing structs: shorter, longer, newer") {
    const hadal::test::TinyFile file;
    REQUIRE(test_structs(file.path.c_str()) == 0);
}
