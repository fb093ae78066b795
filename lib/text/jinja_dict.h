// Dictionaries: made once, then only looked into.
#pragma once

#include <span>

#include "text/jinja_workspace.h"

namespace hadal::core::jinja {

/// Of equal keys the first keeps its place and the last gives the value, as in Python.
/// Fails where a key is none: lists, dictionaries, tuples (which Python would take).
Result<const Dict *> make_dict(Workspace &work, std::span<const Entry> entries);

/// Whether a value can be a key.
bool is_key(const Value &value);
/// A strict order of keys in which those that are equal in Python (1, 1.0, True) are equivalent.
bool key_before(const Value &a, const Value &b);

/// What comparing a key with others costs beyond a step: a search compares it some twenty times.
Result<void> spend_key(Workspace &work, const Value &key);

/// nullptr: no such key.
const Value *find(const Dict &dict, const Value &key);
Result<const Value *> find(Workspace &work, const Dict &dict, const Value &key);

}  // namespace hadal::core::jinja
