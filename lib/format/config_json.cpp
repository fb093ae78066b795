#include "format/config_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "format/json.h"

namespace hadal::core {
namespace {

/// A map node and its value.
constexpr uint64_t kKeyMemory = sizeof(MetaValue) + 64;

template <class Element>
bool all(const std::vector<MetaValue> &elements) {
    return std::all_of(elements.begin(), elements.end(),
                       [](const MetaValue &element) { return std::holds_alternative<Element>(element); });
}

template <class Held, class Kept>
MetaValue as_array(std::vector<MetaValue> elements) {
    std::vector<Kept> kept;
    kept.reserve(elements.size());
    for (MetaValue &element : elements) kept.push_back(std::get<Held>(std::move(element)));
    return kept;
}

bool all_numbers(const std::vector<MetaValue> &elements) {
    return std::all_of(elements.begin(), elements.end(), [](const MetaValue &element) {
        return std::holds_alternative<int64_t>(element) || std::holds_alternative<double>(element);
    });
}

/// Numbers of which at least one is not an int64: all as double.
MetaValue as_reals(const std::vector<MetaValue> &elements) {
    std::vector<double> reals;
    reals.reserve(elements.size());
    for (const MetaValue &element : elements) {
        const auto *integer = std::get_if<int64_t>(&element);
        reals.push_back(integer != nullptr ? static_cast<double>(*integer) : std::get<double>(element));
    }
    return reals;
}

class Flattener {
public:
    Flattener(const JsonText &json, Metadata &metadata, HeaderMemory &memory)
        : json_(json), metadata_(metadata), memory_(memory) {}

    Result<void> object(const std::string &prefix, JsonObject object) {
        for (const auto [name, element] : object) {
            HADAL_TRY(const auto key, json_.key(name));
            HADAL_CHECK(value(prefix + std::string(key), element));
        }
        return {};
    }

private:
    Result<void> value(const std::string &key, JsonElement element) {
        if (key.size() > kMaxConfigKeyBytes) {
            return error(Status::bad_format, metadata_.file(), ": the key ", quoted(key), " has ", key.size(),
                         " bytes with those it lies in, at most ", kMaxConfigKeyBytes);
        }
        if (element.is_object()) {
            HADAL_TRY(const auto fields, json_.object(element, key));
            return object(key + ".", fields);
        }
        if (element.is_array()) {
            HADAL_TRY(const auto elements, json_.array(element, key));
            return array(key, elements);
        }
        HADAL_TRY(auto held, scalar(key, element));
        return add(key, std::move(held));
    }

    Result<void> add(std::string key, MetaValue value) {
        if (metadata_.values().size() == kMaxKeys) {
            return error(Status::bad_format, metadata_.file(), ": more than ", kMaxKeys, " keys");
        }
        HADAL_CHECK(memory_.add(kKeyMemory + string_memory(key.size())));
        return metadata_.add(std::move(key), std::move(value));
    }

    Result<MetaValue> scalar(const std::string &key, JsonElement element) {
        switch (element.type()) {
            case JsonType::STRING: {
                HADAL_TRY(const auto string, json_.string(element, key));
                HADAL_CHECK(memory_.add(string_memory(string.size())));
                return MetaValue(std::string(string));
            }
            case JsonType::INT64:
                return MetaValue(int64_t{element.get_int64().value_unsafe()});
            case JsonType::UINT64:
                return MetaValue(uint64_t{element.get_uint64().value_unsafe()});
            case JsonType::DOUBLE:
                return MetaValue(element.get_double().value_unsafe());
            case JsonType::BOOL:
                return MetaValue(element.get_bool().value_unsafe());
            default:
                return MetaValue();
        }
    }

    Result<void> array(const std::string &key, JsonArray elements) {
        if (all_scalar(elements)) {
            std::vector<MetaValue> scalars;
            for (const JsonElement element : elements) {
                HADAL_CHECK(memory_.add(4 * sizeof(MetaValue)));  // a growing vector, and the array that comes of it
                HADAL_TRY(auto held, scalar(key, element));
                scalars.push_back(std::move(held));
            }
            if (all<std::string>(scalars)) return add(key, as_array<std::string, std::string>(std::move(scalars)));
            if (all<int64_t>(scalars)) return add(key, as_array<int64_t, int64_t>(std::move(scalars)));
            if (all<bool>(scalars)) return add(key, as_array<bool, int64_t>(std::move(scalars)));
            if (all_numbers(scalars)) return add(key, as_reals(scalars));
        }
        uint64_t element_i = 0;
        for (const JsonElement element : elements) {
            HADAL_CHECK(value(key + "." + std::to_string(element_i++), element));
        }
        return {};
    }

    static bool all_scalar(JsonArray elements) {
        return std::none_of(elements.begin(), elements.end(),
                            [](JsonElement element) { return element.is_object() || element.is_array(); });
    }

    const JsonText &json_;
    Metadata &metadata_;
    HeaderMemory &memory_;
};

}  // namespace

Result<Metadata> read_config_json(const File &file, HeaderMemory &memory) {
    if (file.size() > kMaxConfigBytes) {
        return error(Status::bad_format, file.path(), ": has ", file.size(), " bytes, at most ", kMaxConfigBytes);
    }
    HADAL_TRY(const auto json, JsonText::read(file, 0, file.size(), memory));
    Metadata metadata(file.path());
    HADAL_CHECK(Flattener(json, metadata, memory).object("", json.root()));
    return metadata;
}

}  // namespace hadal::core
