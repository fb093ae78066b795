// Strict JSON out of a file: what simdjson accepts, less escaped NULs and lone surrogates, nested at most 64 deep.
// Included by .cpp files only: simdjson stays out of headers that other rooms read.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "format/limits.h"

namespace hadal::core {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;
using JsonType = simdjson::dom::element_type;

/// One parsed text, which is an object. Elements and strings live as long as this does.
class JsonText {
public:
    /// Reads size bytes of file at offset; counts them as header and, until this dies, what parsing them takes.
    static Result<JsonText> read(const File &file, uint64_t offset, uint64_t size, HeaderMemory &memory);
    JsonText(JsonText &&other) noexcept;
    ~JsonText();

    /// Equal keys are the caller's to find: they come one after the other.
    JsonObject root() const { return root_; }

    /// where, for the message: what the element, key or number is in the file.
    Result<std::string_view> string(JsonElement element, std::string_view where) const;
    Result<std::string_view> key(std::string_view key) const;
    Result<uint64_t> uint(JsonElement element, std::string_view where) const;
    Result<JsonObject> object(JsonElement element, std::string_view where) const;
    Result<JsonArray> array(JsonElement element, std::string_view where) const;

private:
    JsonText(std::string path, HeaderMemory &memory) : path_(std::move(path)), memory_(&memory) {}

    Result<void> parse(const simdjson::padded_string &bytes);
    Result<std::string_view> checked(std::string_view string, std::string_view where) const;
    Error wrong_type(std::string_view where, const char *wanted) const;

    std::string path_;
    HeaderMemory *memory_;
    uint64_t counted_ = 0;
    simdjson::dom::parser parser_;
    JsonObject root_;
};

}  // namespace hadal::core
