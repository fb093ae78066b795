// Looking for a text in a text, in time that grows with both and not with their product.
#pragma once

#include "text/jinja_workspace.h"

namespace hadal::core::jinja {

/// The first place from `from` on; npos: none.
Result<size_t> text_find(Workspace &work, std::string_view text, std::string_view part, size_t from = 0);

/// The last place; npos: none.
Result<size_t> text_rfind(Workspace &work, std::string_view text, std::string_view part);

}  // namespace hadal::core::jinja
