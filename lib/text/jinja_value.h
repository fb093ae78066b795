// The values templates compute with: plain data, freely copied. What they point to lives in a workspace, in the context
// or in the template, and is freed with it as a whole; so no value owns another, however deep it nests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace hadal::core::jinja {

struct Value;
struct Dict;
struct Sequence;
struct Namespace;
struct Callable;
struct Loop;

/// What a name or attribute that does not exist stands for: prints as nothing, and is an error in almost any operation.
struct Undefined {
    std::string_view name;
};

struct None {};

/// An integer beyond 64 bits, as the caller's JSON wrote it. It prints; there is no arithmetic on it.
struct BigInteger {
    std::string_view digits;
};

struct Items {
    const Value *data = nullptr;
    size_t size = 0;

    const Value *begin() const { return data; }
    const Value *end() const;
    const Value &operator[](size_t i) const;
};
struct List : Items {};
struct Tuple : Items {};

using ValueVariant = std::variant<Undefined, None, bool, int64_t, double, BigInteger, std::string_view, List, Tuple,
                                  const Dict *, Sequence *, Namespace *, const Callable *, Loop *>;

struct Value : ValueVariant {
    using ValueVariant::ValueVariant;
    using ValueVariant::operator=;

    template <class T>
    bool is() const {
        return std::holds_alternative<T>(*this);
    }
    /// nullptr where it is something else.
    template <class T>
    const T *as() const {
        return std::get_if<T>(static_cast<const ValueVariant *>(this));
    }
    bool is_undefined() const { return is<Undefined>(); }
    bool is_none() const { return is<None>(); }
};

inline const Value *Items::end() const {
    return data + size;
}
inline const Value &Items::operator[](size_t i) const {
    return data[i];
}

struct Entry {
    Value key;
    Value value;
};

/// In the order of insertion. Keys are distinct; order sorts them.
struct Dict {
    const Entry *entries = nullptr;
    size_t size = 0;
    const uint32_t *order = nullptr;  ///< nullptr: few enough to look at each

    const Entry *begin() const { return entries; }
    const Entry *end() const { return entries + size; }
};

/// What can be iterated over without being a list.
struct Sequence {
    enum class Kind { iterator, range, keys, values, items };

    Kind kind;
    Items items;
    size_t next = 0;                        ///< iterators run out
    int64_t start = 0, stop = 0, step = 1;  ///< of a range, for printing
};

/// The one kind of value that a template can change.
struct Namespace {
    Entry *entries = nullptr;
    size_t size = 0;
    size_t capacity = 0;
};

struct Scope;

/// Where a for loop stands; its attributes are those of Jinja's loop variable.
struct Loop {
    Items source;              ///< what it runs over
    size_t n_seen = 0;         ///< of source
    Items items;               ///< those of them, so far, that its condition keeps; all of source where it has none
    Value *kept = nullptr;     ///< where it has one: room for as many items as source has
    size_t index = 0;          ///< of the item that is at work
    int64_t depth = 1;         ///< 1: not inside of loop(...)
    uint32_t statement = 0;    ///< node of the for statement
    Scope *scope = nullptr;    ///< around the loop
    Value *changed = nullptr;  ///< what loop.changed saw last, as a tuple; nullptr: nothing
};

struct Named {
    std::string_view name;
    Value value;
};

}  // namespace hadal::core::jinja
