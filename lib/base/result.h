// How our code fails: Result<T>, never an exception. The statuses are those of hadal.h, number for number.
#pragma once

#include <cstdint>
#include <locale>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace hadal::core {

enum class Status : int32_t {
    ok = 0,
    done = 1,
    internal = -1,
    invalid_argument = -2,
    out_of_memory = -3,
    io = -4,
    bad_format = -5,
    unsupported = -6,
    not_found = -7,
    buffer_too_small = -8,
    cancelled = -9,
    abi_mismatch = -10,
    device_lost = -11,
    context_full = -12,
    busy = -13,
    newer_struct = -14,
    callback = -15,
};

/// What went wrong: the status, and a sentence that names file, field and both values.
struct Error {
    Status status = Status::internal;
    std::string message;
    int32_t detail = 0;  ///< errno, a callback's value or a backend's code
};

/// The parts of a message, one after the other, as operator<< writes them whatever locale the application set.
template <class... Parts>
std::string text(const Parts &...parts) {
    std::ostringstream out;
    out.exceptions(std::ios_base::badbit);  // else a stream that finds no memory cuts the message short, silently
    out.imbue(std::locale::classic());
    (out << ... << parts);
    return std::move(out).str();
}

/// error(Status::bad_format, path, ": block_count is ", n, ", at most ", limit)
template <class... Parts>
Error error(Status status, const Parts &...parts) {
    return Error{status, text(parts...), 0};
}

/// A value or an Error. Test it with if (result); then *result, result->, or result.error().
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T &operator*() & { return *std::get_if<0>(&state_); }
    const T &operator*() const & { return *std::get_if<0>(&state_); }
    T &&operator*() && { return std::move(*std::get_if<0>(&state_)); }
    T *operator->() { return std::get_if<0>(&state_); }
    const T *operator->() const { return std::get_if<0>(&state_); }
    Error &error() { return *std::get_if<1>(&state_); }
    const Error &error() const { return *std::get_if<1>(&state_); }

private:
    std::variant<T, Error> state_;
};

/// Success without a value (default-constructed), or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return error_.index() == 0; }
    Error &error() { return *std::get_if<1>(&error_); }
    const Error &error() const { return *std::get_if<1>(&error_); }

private:
    std::variant<std::monostate, Error> error_;
};

}  // namespace hadal::core

#define HADAL_JOIN_(a, b) a##b
#define HADAL_JOIN(a, b) HADAL_JOIN_(a, b)
#define HADAL_TRY_IN_(result, declaration, ...)    \
    auto result = (__VA_ARGS__);                   \
    if (!result) return std::move(result.error()); \
    declaration = *std::move(result)
#define HADAL_CHECK_IN_(result, ...)                                                \
    do {                                                                            \
        if (auto result = (__VA_ARGS__); !result) return std::move(result.error()); \
    } while (false)

/// HADAL_TRY(auto file, File::open(path)); declares file, or returns the error from the calling function.
#define HADAL_TRY(declaration, ...) HADAL_TRY_IN_(HADAL_JOIN(result_, __COUNTER__), declaration, __VA_ARGS__)

/// HADAL_CHECK(validate(header)); goes on, or returns the error.
#define HADAL_CHECK(...) HADAL_CHECK_IN_(HADAL_JOIN(result_, __COUNTER__), __VA_ARGS__)
