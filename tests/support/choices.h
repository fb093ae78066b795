// Small choices taken from a fuzzer's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hadal::test {

/// Takes from the front of the input; zeros once it is used up.
class Choices {
public:
    explicit Choices(std::string_view bytes) : rest_(bytes) {}

    uint8_t byte() {
        if (rest_.empty()) return 0;
        const char first = rest_.front();
        rest_.remove_prefix(1);
        return static_cast<uint8_t>(first);
    }

    bool one_in(unsigned n) { return byte() % n == n - 1; }
    template <size_t n>
    std::string pick(const char *const (&from)[n]) {
        return from[byte() % n];
    }
    bool empty() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace hadal::test
