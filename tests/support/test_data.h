// Files that are not part of the project: found through the environment variable HADAL_TEST_DATA, skipped without it.
#pragma once

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

namespace hadal::test {

/// Says on stdout that a test did not run; the run counts these lines.
inline void skipped(const std::string &why) {
    std::cout << "SKIPPED: " << why << std::endl;
}

/// Where a file of the test data lies. nullopt, with a visible skip, only if HADAL_TEST_DATA is unset: where it is set,
/// a missing file is a failure.
inline std::optional<std::string> test_data(const std::string &relative) {
    const char *root = std::getenv("HADAL_TEST_DATA");
    if (root == nullptr || *root == '\0') {
        skipped("HADAL_TEST_DATA is not set; needs " + relative);
        return std::nullopt;
    }
    return std::string(root) + "/" + relative;
}

}  // namespace hadal::test
