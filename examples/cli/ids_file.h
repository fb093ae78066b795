// Token ids from a text file.
#pragma once

#include <hadal/hadal.hpp>
#include <string>
#include <vector>

namespace command {

/// Ids separated by spaces, commas or newlines. Throws std::runtime_error naming the file and what is wrong in it.
std::vector<hadal::Token> read_ids_file(const std::string &path);

}  // namespace command
