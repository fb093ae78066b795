// Many short strings in one block of memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hadal::core {

class StringTable {
public:
    void add(std::string_view item) {
        bytes_ += item;
        ends_.push_back(bytes_.size());
    }

    size_t size() const { return ends_.size(); }

    /// Lives until the next add.
    std::string_view operator[](size_t i) const {
        const size_t begin = i == 0 ? 0 : ends_[i - 1];
        return std::string_view(bytes_).substr(begin, ends_[i] - begin);
    }

private:
    std::string bytes_;
    std::vector<size_t> ends_;
};

}  // namespace hadal::core
