// What a caller is told: whole sentences, in UTF-8, that keep their end; options that are refused; the log.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "fixture.h"

using namespace hadal;
using namespace hadal::test;

TEST_CASE("versions agree") {
    CHECK(std::string(version()) == HADAL_PROJECT_VERSION);
    CHECK((hadal_abi_version() >> 16) == uint32_t{HADAL_ABI_MAJOR});
    CHECK(std::string(status_name(Status::newer_struct)) == "NEWER_STRUCT");
}

TEST_CASE("names of statuses: one for each code") {
    for (hadal_status status = HADAL_CALLBACK; status <= HADAL_DONE; ++status) {
        const bool is_internal = std::strcmp(hadal_status_name(status), "INTERNAL") == 0;
        CHECK(is_internal == (status == HADAL_INTERNAL));
    }
}

TEST_CASE("a long path loses its middle: the sentence keeps its end, whole code points, one line") {
    const Runtime runtime;
    std::string path = "/nowhere";
    while (path.size() < 3000) path += "/caf\xC3\xA9-\xE6\xB7\xB1\xE6\xB5\xB7";
    path += "/model\n.gguf";
    for (size_t shift = 0; shift < 8; ++shift) {  // so that a cut falls into every place of a code point
        const std::string shifted = std::string(shift, 'x') + path;
        hadal_error err;
        hadal_model *model = nullptr;
        REQUIRE(hadal_model_open(runtime.get(), shifted.c_str(), nullptr, &model, &err) < 0);
        const std::string message = err.message;
        CHECK(message.size() == err.message_length);
        CHECK(message.size() < sizeof err.message);
        CHECK(message.find(" ... ") != std::string::npos);
        CHECK(message.find("model?.gguf") != std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
        CHECK(message.find('?') == message.find("?.gguf"));  // no code point was broken
    }
}

TEST_CASE("a path that is not UTF-8 leaves a sentence that is") {
    const Runtime runtime;
    const auto model = runtime.try_open("no-such-\xFF\xC3.gguf");
    REQUIRE_FALSE(model);
    const std::string message = model.error().what();
    CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20; }));
}

TEST_CASE("success leaves the error alone, failure the out-parameters") {
    Place place;
    hadal_error err;
    std::memset(&err, 0x5A, sizeof err);
    size_t n = 4711;
    REQUIRE(hadal_session_length(place.session.get(), &n, &err) == HADAL_OK);
    CHECK(err.message[0] == 0x5A);
    n = 4711;
    REQUIRE(hadal_session_tokens(place.session.get(), 1, nullptr, 0, &n, &err) == HADAL_INVALID_ARGUMENT);
    CHECK(n == 4711);
    CHECK(err.status == HADAL_INVALID_ARGUMENT);
    CHECK(err.message[err.message_length] == '\0');
    CHECK(err.detail == 0);
}

TEST_CASE("options: values without a meaning are refused, with the field's name") {
    const TinyFile file;
    const auto message = [](const auto &result) { return result ? std::string() : std::string(result.error().what()); };
    RuntimeOptions many = with_threads(1025);
    CHECK(message(Runtime::try_create(many)).find("threads is 1025") != std::string::npos);
    CHECK(Runtime::try_create(with_threads(1024)));
    RuntimeOptions level;
    level.log_level = static_cast<LogLevel>(5);
    CHECK(message(Runtime::try_create(level)).find("log_level") != std::string::npos);
    hadal_allocator half = {};
    half.struct_size = sizeof half;
    half.allocate = [](void *, size_t, size_t) -> void * { return nullptr; };
    RuntimeOptions allocator;
    allocator.allocator = &half;
    CHECK(message(Runtime::try_create(allocator)).find("deallocate") != std::string::npos);

    const Runtime runtime;
    ModelOptions options;
    options.load = static_cast<Load>(2);
    CHECK(message(runtime.try_open(file.path, options)).find("load") != std::string::npos);
    options = {};
    options.kv_type = static_cast<KvType>(-1);
    CHECK(message(runtime.try_open(file.path, options)).find("kv_type") != std::string::npos);
    options = {};
    options.fallback = static_cast<Fallback>(9);
    CHECK(message(runtime.try_open(file.path, options)).find("fallback") != std::string::npos);
    options = {};
    options.backend = "no-such-chip";
    const auto missing = runtime.try_open(file.path, options);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().status() == Status::not_found);
    CHECK(message(missing).find("no-such-chip") != std::string::npos);
}

TEST_CASE("log: to the callback, or to be polled") {
    const TinyFile file;
    struct Seen {
        size_t n = 0;
    } seen;
    RuntimeOptions options = with_threads(1);
    options.log_level = LogLevel::debug;
    options.log_user = &seen;
    options.log = [](void *user, int32_t level, const char *message, size_t length) {
        const bool plausible = level >= HADAL_LOG_ERROR && level <= HADAL_LOG_DEBUG && std::strlen(message) == length;
        static_cast<Seen *>(user)->n += plausible ? 1 : 0;
    };
    { const Model model = Runtime(options).open(file.path); }

    options.log = nullptr;
    const Runtime polled(options);
    { const Model model = polled.open(file.path); }
    size_t n_polled = 0;
    for (;;) {
        int32_t level = 0;
        size_t length = 0;
        const hadal_status status = hadal_runtime_log_poll(polled.get(), &level, nullptr, 0, &length, nullptr);
        if (status == HADAL_DONE) break;
        REQUIRE(status == HADAL_BUFFER_TOO_SMALL);  // and the message stays
        const auto message = polled.poll_log();
        REQUIRE(message);
        CHECK(message->text.size() == length);
        ++n_polled;
    }
    CHECK(n_polled == seen.n);
}
