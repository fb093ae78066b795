// A file as the list of its fields, so that a test can break one of them and write the file again.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/gguf_bytes.h"

namespace hadal::test {

enum class FieldKind {
    number,     ///< little-endian, 1 to 8 bytes
    layout,     ///< a number that says how what follows is read: a type, a count
    length,     ///< a number that counts the bytes of the field after it
    text,       ///< bytes of a string
    json,       ///< one token of JSON text
    data,       ///< padding and tensor data
    json_size,  ///< a number that counts the bytes of all json fields after it
};

struct Field {
    std::string label;
    FieldKind kind;
    std::string bytes;
    std::string owner = {};  ///< the key or tensor it belongs to, if a reader knows that when it comes to the field
};

using Fields = std::vector<Field>;

inline std::string joined(const Fields &fields) {
    std::string file;
    for (const Field &field : fields) file += field.bytes;
    return file;
}

/// The field of that label; throws if there is none, so that a test cannot miss.
inline Field &find_field(Fields &fields, std::string_view label) {
    for (Field &field : fields) {
        if (field.label == label) return field;
    }
    throw std::runtime_error("no field " + std::string(label));
}

/// Takes a valid GGUF file apart.
class GgufFields {
public:
    static Fields of(std::string_view file) {
        GgufFields parser(file);
        parser.parse();
        return std::move(parser.fields_);
    }

private:
    explicit GgufFields(std::string_view file) : rest_(file) {}

    uint64_t take(const std::string &label, FieldKind kind, size_t n_bytes) {
        Field field{label, kind, std::string(rest_.substr(0, n_bytes)), owner_};
        rest_.remove_prefix(n_bytes);
        uint64_t number = 0;
        if (n_bytes <= sizeof number) std::memcpy(&number, field.bytes.data(), n_bytes);
        fields_.push_back(std::move(field));
        return number;
    }

    std::string string(const std::string &label) {
        const uint64_t length = take(label + ".length", FieldKind::length, 8);
        take(label, FieldKind::text, length);
        return fields_.back().bytes;
    }

    void value(const std::string &label, uint64_t type) {
        constexpr size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        if (type == kString) {
            string(label);
        } else if (type == kArray) {
            const uint64_t element_type = take(label + ".type", FieldKind::layout, 4);
            const uint64_t n = take(label + ".n", FieldKind::layout, 8);
            for (uint64_t i = 0; i < n; ++i) value(label + "[" + std::to_string(i) + "]", element_type);
        } else {
            take(label, FieldKind::number, kBytes[type]);
        }
    }

    void parse() {
        take("magic", FieldKind::number, 4);
        take("version", FieldKind::number, 4);
        const uint64_t n_tensors = take("n_tensors", FieldKind::number, 8);
        const uint64_t n_pairs = take("n_keys", FieldKind::number, 8);
        for (uint64_t i = 0; i < n_pairs; ++i) {
            owner_.clear();
            const std::string key = string("key " + std::to_string(i));
            owner_ = key;
            const uint64_t type = take(key + " type", FieldKind::layout, 4);
            if (key == "general.alignment") owner_.clear();  // it moves every tensor, and one of them is named
            value(key, type);
        }
        for (uint64_t i = 0; i < n_tensors; ++i) {
            owner_.clear();
            const std::string name = string("tensor " + std::to_string(i));
            owner_ = name;
            const uint64_t n_dims = take(name + " n_dims", FieldKind::layout, 4);
            for (uint64_t d = 0; d < n_dims; ++d) {
                take(name + " ne[" + std::to_string(d) + "]", FieldKind::number, 8);
            }
            take(name + " type", FieldKind::number, 4);
            take(name + " offset", FieldKind::number, 8);
        }
        owner_.clear();
        take("data", FieldKind::data, rest_.size());
    }

    std::string_view rest_;
    std::string owner_;
    Fields fields_;
};

/// Splits JSON text into tokens.
inline void append_json_tokens(Fields &fields, std::string_view text) {
    int depth = 0;
    std::string key;  // of the outermost object
    while (!text.empty()) {
        size_t n = 1;
        if (text[0] == '"') {
            while (text[n] != '"') n += text[n] == '\\' ? 2 : 1;
            ++n;
        } else if (std::strchr("{}[]:,", text[0]) == nullptr) {
            while (n < text.size() && std::strchr("{}[]:,\"", text[n]) == nullptr) ++n;
        }
        const std::string token(text.substr(0, n));
        const bool is_key = depth == 1 && token[0] == '"' && text.substr(n, 1) == ":";
        if (is_key) key = token.substr(1, n - 2);
        const bool belongs = !is_key && std::strchr("{}[]:,", token[0]) == nullptr;
        fields.push_back({"json " + token, FieldKind::json, token, belongs ? key : ""});
        if (token == "{" || token == "[") ++depth;
        if (token == "}" || token == "]") --depth;
        text.remove_prefix(n);
    }
}

inline Fields json_fields(std::string_view text) {
    Fields fields;
    append_json_tokens(fields, text);
    return fields;
}

inline std::string safetensors_bytes(std::string_view json, std::string_view data) {
    return gguf_string(json) + std::string(data);
}

/// Takes a valid safetensors file apart.
inline Fields safetensors_fields(std::string_view file) {
    uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    Fields fields{{"header length", FieldKind::json_size, std::string(file.substr(0, 8))}};
    append_json_tokens(fields, file.substr(8, length));
    fields.push_back({"data", FieldKind::data, std::string(file.substr(8 + length))});
    return fields;
}

}  // namespace hadal::test
