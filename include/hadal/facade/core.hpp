// What every noun of hadal.hpp is made of: errors, results, views, callbacks, owned handles; and the cancel object.
#ifndef HADAL_FACADE_CORE_HPP
#define HADAL_FACADE_CORE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "hadal/hadal.h"

namespace hadal {

// ---- Errors ---------------------------------------------------------------------------------------------------------

enum class Status : int32_t {
    ok = HADAL_OK,
    done = HADAL_DONE,
    internal = HADAL_INTERNAL,
    invalid_argument = HADAL_INVALID_ARGUMENT,
    out_of_memory = HADAL_OUT_OF_MEMORY,
    io = HADAL_IO,
    bad_format = HADAL_BAD_FORMAT,
    unsupported = HADAL_UNSUPPORTED,
    not_found = HADAL_NOT_FOUND,
    buffer_too_small = HADAL_BUFFER_TOO_SMALL,
    cancelled = HADAL_CANCELLED,
    abi_mismatch = HADAL_ABI_MISMATCH,
    device_lost = HADAL_DEVICE_LOST,
    context_full = HADAL_CONTEXT_FULL,
    busy = HADAL_BUSY,
    newer_struct = HADAL_NEWER_STRUCT,
    callback = HADAL_CALLBACK,
};

/// "CONTEXT_FULL"
inline const char *status_name(Status status) {
    return hadal_status_name(static_cast<hadal_status>(status));
}

/// A failed call. what() is a sentence for people.
class Error : public std::runtime_error {
public:
    Error(Status status, const std::string &message, int32_t detail = 0)
        : std::runtime_error(message), status_(status), detail_(detail) {}

    Status status() const noexcept { return status_; }
    int32_t detail() const noexcept { return detail_; }  ///< errno, a callback's value, a backend's code; or 0

private:
    Status status_;
    int32_t detail_;
};

/// A value or an Error, for those who do not want to catch.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return state_.index() == 0; }
    const Error &error() const { return std::get<1>(state_); }
    T &operator*() { return std::get<0>(state_); }
    T *operator->() { return &std::get<0>(state_); }

    /// The value, moved out. Throws the error if there is none.
    T value() && {
        if (state_.index() == 1) throw std::get<1>(std::move(state_));
        return std::get<0>(std::move(state_));
    }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const noexcept { return !error_.has_value(); }
    const Error &error() const { return *error_; }
    void value() && {
        if (error_) throw *std::move(error_);
    }

private:
    std::optional<Error> error_;
};

// ---- Views and callbacks --------------------------------------------------------------------------------------------

/// Borrowed elements of a vector, an array or a std::span.
template <class T>
class Span {
public:
    constexpr Span() = default;
    constexpr Span(T *data, size_t size) : data_(data), size_(size) {}
    template <class Container, class = decltype(std::data(std::declval<Container &>()))>
    constexpr Span(Container &&container) : data_(std::data(container)), size_(std::size(container)) {}

    constexpr T *data() const { return data_; }
    constexpr size_t size() const { return size_; }
    constexpr T *begin() const { return data_; }
    constexpr T *end() const { return data_ + size_; }

private:
    T *data_ = nullptr;
    size_t size_ = 0;
};

using Token = hadal_token;
using Tokens = Span<const Token>;

/// Called now and then by the thread that made the long call. false ends the call with Status::callback; what it throws
/// comes out of the call.
using Progress = std::function<bool(uint64_t done, uint64_t total)>;

namespace detail {

inline Error failure(hadal_status status, const hadal_error &err) {
    return Error(static_cast<Status>(status), std::string(err.message, err.message_length), err.detail);
}

/// function(args..., &err). The status is ok or done.
template <class Function, class... Args>
Result<Status> call(Function function, Args... args) {
    hadal_error err;
    const hadal_status status = function(args..., &err);
    if (status < 0) return failure(status, err);
    return static_cast<Status>(status);
}

template <class Function, class... Args>
Result<void> run(Function function, Args... args) {
    auto result = call(function, args...);
    if (!result) return result.error();
    return {};
}

/// function(args..., &handle, &err)
template <class Noun, class Function, class... Args>
Result<Noun> create(Function function, Args... args) {
    typename Noun::Handle *handle = nullptr;
    auto result = call(function, args..., &handle);
    if (!result) return result.error();
    return Noun(handle);
}

/// function(args..., data, capacity, &length, &err), with room for expected elements at first.
template <class Container, class Function, class... Args>
Result<Container> read(size_t expected, Function function, Args... args) {
    Container out(expected, {});
    for (;;) {
        size_t length = 0;
        auto result = call(function, args..., out.data(), out.size(), &length);
        if (!result && result.error().status() != Status::buffer_too_small) return result.error();
        out.resize(length);
        if (result) return out;
    }
}

/// A growing struct, all zero but its size.
template <class T>
T sized() {
    T out = {};
    out.struct_size = sizeof(T);
    return out;
}

/// Sole owner of one handle.
template <class T, void (*release)(T *)>
class Owner {
public:
    using Handle = T;
    explicit Owner(T *handle) noexcept : handle_(handle) {}
    T *get() const noexcept { return handle_.get(); }

private:
    struct Release {
        void operator()(T *handle) const noexcept { release(handle); }
    };
    std::unique_ptr<T, Release> handle_;
};

/// A Progress as a C callback: exceptions wait here until the call has returned.
class ProgressCall {
public:
    explicit ProgressCall(Progress report) : report_(std::move(report)) {
        options_.report = &ProgressCall::forward;
        options_.user = this;
    }
    ProgressCall(const ProgressCall &) = delete;
    ProgressCall &operator=(const ProgressCall &) = delete;

    const hadal_progress *get() const { return report_ ? &options_ : nullptr; }
    void rethrow() {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

private:
    static int32_t forward(void *user, uint64_t done, uint64_t total) noexcept {
        auto &self = *static_cast<ProgressCall *>(user);
        try {
            return self.report_(done, total) ? 0 : 1;
        } catch (...) {
            self.thrown_ = std::current_exception();
            return 1;
        }
    }

    Progress report_;
    hadal_progress options_ = sized<hadal_progress>();
    std::exception_ptr thrown_;
};

}  // namespace detail

// ---- Library and cancel ---------------------------------------------------------------------------------------------

/// "0.1.0"
inline const char *version() {
    return hadal_version();
}

/// The path of Plankton, the small model that is installed with the library.
inline Result<std::string> try_sample_model_path() {
    return detail::read<std::string>(256, hadal_sample_model_path);
}
inline std::string sample_model_path() {
    return try_sample_model_path().value();
}

/// Ends the calls it was given to early: they fail with Status::cancelled.
class Cancel : public detail::Owner<hadal_cancel, hadal_cancel_release> {
public:
    using Owner::Owner;
    Cancel() : Cancel(try_create().value()) {}
    static Result<Cancel> try_create() { return detail::create<Cancel>(hadal_cancel_create); }

    /// From any thread, and from a signal handler.
    void trigger() const noexcept { hadal_cancel_trigger(get()); }
};

}  // namespace hadal

#endif
