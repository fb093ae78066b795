// simdjson reads, a recursive visitor writes.
#include "text/jinja_json.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/utf8.h"
#include "format/limits.h"
#include "text/jinja_dict.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

// ---- Writing --------------------------------------------------------------------------------------------------------

void append_unit(unsigned unit, std::string &out) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[unit >> shift & 15];
}

void append_string(std::string_view text, const JsonStyle &style, std::string &out) {
    out += '"';
    for (size_t at = 0; at < text.size();) {
        const size_t from = at;
        const char32_t c = text_next(text, at);
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\b':
                out += "\\b";
                break;
            default:
                if (c < 0x20 || (style.ascii_only && c >= 0x7F && c < 0x10000)) {
                    append_unit(c, out);
                } else if (style.ascii_only && c >= 0x10000) {
                    append_unit(0xD800 + ((c - 0x10000) >> 10), out);
                    append_unit(0xDC00 + ((c - 0x10000) & 0x3FF), out);
                } else {
                    out += text.substr(from, at - from);
                }
        }
    }
    out += '"';
}

class Writer {
public:
    Writer(Workspace &work, const JsonStyle &style, std::string &out) : work_(work), style_(style), out_(out) {}

    Result<void> write(const Value &value) {
        HADAL_CHECK(work_.spend(1));
        const Deeper deeper(work_);
        HADAL_CHECK(deeper.check());
        if (const auto *text = value.as<std::string_view>()) {
            HADAL_CHECK(work_.spend(text->size() / 16));
            append_string(*text, style_, out_);
            return work_.check_value_bytes(out_.size());
        }
        if (const auto *list = value.as<List>()) return write_items(*list);
        if (const auto *tuple = value.as<Tuple>()) return write_items(*tuple);
        if (const auto *dict = value.as<const Dict *>()) return write_dict(**dict);
        HADAL_TRY(const std::string word, scalar(value));
        out_ += word;
        return {};
    }

private:
    /// A value that is neither a container nor a string; also as a key.
    Result<std::string> scalar(const Value &value) {
        if (value.is_none()) return std::string("null");
        if (const auto *truth = value.as<bool>()) return std::string(*truth ? "true" : "false");
        if (const auto *integer = value.as<int64_t>()) return std::to_string(*integer);
        if (const auto *big = value.as<BigInteger>()) return std::string(big->digits);
        if (const auto *real = value.as<double>()) {
            if (std::isnan(*real)) return std::string("NaN");
            if (std::isinf(*real)) return std::string(*real > 0 ? "Infinity" : "-Infinity");
            return float_text(*real);
        }
        if (value.is_undefined() && !style_.undefined_word.empty()) return std::string(style_.undefined_word);
        return error(Status::bad_format, "tojson: there is no JSON for a value of type ", type_name(value));
    }

    Result<void> break_line() {
        if (!style_.in_lines) return {};
        out_ += '\n';
        size_t n_bytes = 0;
        if (__builtin_mul_overflow(style_.indent.size(), level_, &n_bytes)) n_bytes = ~size_t{0};
        HADAL_CHECK(work_.spend_bytes(n_bytes));
        HADAL_CHECK(work_.check_value_bytes(out_.size() + std::min(n_bytes, ~size_t{0} >> 1)));
        for (size_t i = 0; i < level_; ++i) out_ += style_.indent;
        return {};
    }

    Result<void> before_item(size_t i) {
        if (i > 0) out_ += style_.item_separator;
        HADAL_CHECK(work_.check_value_bytes(out_.size()));
        return break_line();
    }

    Result<void> write_items(const Items &items) {
        if (items.size == 0) {
            out_ += "[]";
            return {};
        }
        out_ += '[';
        ++level_;
        for (size_t i = 0; i < items.size; ++i) {
            HADAL_CHECK(before_item(i));
            HADAL_CHECK(write(items[i]));
        }
        --level_;
        HADAL_CHECK(break_line());
        out_ += ']';
        return {};
    }

    Result<void> write_dict(const Dict &dict) {
        if (dict.size == 0) {
            out_ += "{}";
            return {};
        }
        std::vector<const Entry *> entries;
        for (const Entry &entry : dict) entries.push_back(&entry);
        if (style_.sort_keys) {
            HADAL_CHECK(work_.spend(4 * dict.size));
            HADAL_CHECK(sort_by(work_, entries, [](const Entry *entry) { return entry->key; }));
        }
        out_ += '{';
        ++level_;
        for (size_t i = 0; i < entries.size(); ++i) {
            HADAL_CHECK(before_item(i));
            HADAL_CHECK(write_key(entries[i]->key));
            out_ += style_.key_separator;
            HADAL_CHECK(write(entries[i]->value));
        }
        --level_;
        HADAL_CHECK(break_line());
        out_ += '}';
        return {};
    }

    Result<void> write_key(const Value &key) {
        if (key.is<std::string_view>()) return write(key);
        HADAL_TRY(const std::string word, scalar(key));
        out_ += '"' + word + '"';
        return {};
    }

    Workspace &work_;
    const JsonStyle &style_;
    std::string &out_;
    size_t level_ = 0;
};

// ---- Reading --------------------------------------------------------------------------------------------------------

class Reader {
public:
    explicit Reader(Workspace &work) : work_(work) {}

    Result<Value> read(simdjson::dom::element element) {
        HADAL_CHECK(work_.spend(1));
        using Type = simdjson::dom::element_type;
        switch (element.type()) {
            case Type::NULL_VALUE:
                return Value(None{});
            case Type::BOOL:
                return Value(bool(element));
            case Type::INT64:
                return Value(int64_t(element));
            case Type::DOUBLE:
                return Value(double(element));
            case Type::UINT64:
                return big(uint64_t(element));
            case Type::STRING:
                return text(std::string_view(element));
            case Type::ARRAY:
                return array(simdjson::dom::array(element));
            case Type::OBJECT:
                return object(simdjson::dom::object(element));
        }
        return error(Status::internal, "JSON: a value of no type");
    }

private:
    Result<Value> big(uint64_t number) {
        if (number <= static_cast<uint64_t>(INT64_MAX)) return Value(static_cast<int64_t>(number));
        HADAL_TRY(const Value digits, work_.text(std::to_string(number)));
        return Value(BigInteger{*digits.as<std::string_view>()});
    }

    Result<Value> text(std::string_view text) {
        if (utf8_error_offset(text)) {
            return error(Status::bad_format, "JSON: the string ", quoted(text), " escapes half of a surrogate pair");
        }
        return work_.text(text);
    }

    Result<Value> array(simdjson::dom::array array) {
        std::vector<Value> values;
        for (const simdjson::dom::element element : array) {
            HADAL_TRY(const Value value, read(element));
            values.push_back(value);
        }
        HADAL_TRY(const Items items, work_.items(values));
        return Value(List{items});
    }

    Result<Value> object(simdjson::dom::object object) {
        std::vector<Entry> entries;
        for (const auto field : object) {
            HADAL_TRY(const Value key, text(field.key));
            HADAL_TRY(const Value value, read(field.value));
            entries.push_back({key, value});
        }
        HADAL_TRY(const Dict *dict, make_dict(work_, entries));
        return Value(dict);
    }

    Workspace &work_;
};

}  // namespace

Result<void> append_json(Workspace &work, const Value &value, const JsonStyle &style, std::string &out) {
    return Writer(work, style, out).write(value);
}

Result<Value> parse_json(Workspace &work, std::string_view json) {
    HADAL_CHECK(work.spend_bytes(json.size()));
    HADAL_CHECK(work.check_value_bytes(json.size()));
    simdjson::dom::parser parser;
    const auto fault = [](simdjson::error_code code) {
        const bool no_memory = code == simdjson::MEMALLOC;
        return error(no_memory ? Status::out_of_memory : Status::bad_format, "JSON: ", simdjson::error_message(code));
    };
    if (const auto code = parser.allocate(std::max<size_t>(json.size(), 1), kMaxJsonDepth)) return fault(code);
    simdjson::dom::element root;
    if (const auto code = parser.parse(json.data(), json.size(), true).get(root)) return fault(code);
    return Reader(work).read(root);
}

}  // namespace hadal::core::jinja
