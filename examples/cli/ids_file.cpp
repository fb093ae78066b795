#include "ids_file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace command {

std::vector<hadal::Token> read_ids_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(path + ": " + std::strerror(errno));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) throw std::runtime_error(path + ": cannot be read");

    constexpr std::string_view kSeparators = " ,\t\r\n";
    std::vector<hadal::Token> ids;
    for (size_t at = text.find_first_not_of(kSeparators); at != std::string::npos;
         at = text.find_first_not_of(kSeparators, at)) {
        const size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
        hadal::Token id = 0;
        const auto [stopped, error] = std::from_chars(text.data() + at, text.data() + end, id);
        if (error != std::errc() || stopped != text.data() + end) {
            throw std::runtime_error(path + ": byte " + std::to_string(at) + ": '" +
                                     text.substr(at, end - at).substr(0, 40) + "' is not a token id");
        }
        ids.push_back(id);
        at = end;
    }
    if (ids.empty()) throw std::runtime_error(path + ": holds no token ids");
    return ids;
}

}  // namespace command
