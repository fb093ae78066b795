// value[i] and value[a:b:c].
#include "text/jinja_dict.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text.h"

namespace hadal::core::jinja {
namespace {

/// What list, tuple, range and string share: items at positions.
struct Positions {
    Items items;
    std::string_view text;  ///< if of_text
    bool of_text = false;
};

std::optional<Positions> positions(const Value &value) {
    if (const auto *list = value.as<List>()) return Positions{*list, {}, false};
    if (const auto *tuple = value.as<Tuple>()) return Positions{*tuple, {}, false};
    if (const auto *text = value.as<std::string_view>()) return Positions{{}, *text, true};
    if (const auto *sequence = value.as<Sequence *>(); sequence && (*sequence)->kind == Sequence::Kind::range) {
        return Positions{(*sequence)->items, {}, false};
    }
    return std::nullopt;
}

/// Undefined under the name of the index, if that is a text.
Value missing(const Value &index) {
    const auto *name = index.as<std::string_view>();
    return Undefined{name == nullptr ? "item" : *name};
}

Result<int64_t> bound(const Value &value, int64_t otherwise) {
    if (value.is_none()) return otherwise;
    if (value.is_undefined()) return undefined_error(value);
    const auto integer = as_integer(value);
    if (integer) return *integer;
    return error(Status::bad_format, "a slice from or to a ", type_name(value), "; it must be an int");
}

/// Which positions a slice takes: first, first + step, ... n of them. As PySlice_AdjustIndices defines it.
struct Chosen {
    int64_t first, step, n;
};

Result<Chosen> chosen(const SliceBounds &bounds, int64_t size) {
    HADAL_TRY(const int64_t step, bound(bounds.step, 1));
    if (step == 0) return error(Status::bad_format, "a slice with a step of 0");
    const int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
    const auto clamp = [&](int64_t i) { return std::clamp(i < 0 ? i + size : i, low, high); };
    HADAL_TRY(int64_t start, bound(bounds.start, step < 0 ? high : low));
    HADAL_TRY(int64_t stop, bound(bounds.stop, step < 0 ? low : high));
    if (!bounds.start.is_none()) start = clamp(start);
    if (!bounds.stop.is_none()) stop = clamp(stop);
    const int64_t span = step < 0 ? start - stop : stop - start;
    // In unsigned numbers, where the step may be the most negative one.
    const uint64_t stride = step < 0 ? -static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
    const int64_t n = span <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride + 1);
    return Chosen{start, step, n};
}

Result<Value> slice_text(Workspace &work, std::string_view text, const SliceBounds &bounds) {
    HADAL_CHECK(work.spend(text.size() / 16));
    HADAL_TRY(const Chosen take, chosen(bounds, static_cast<int64_t>(text_length(text))));
    if (take.n == 0) return Value(std::string_view());
    if (take.step == 1) {
        const size_t from = text_offset(text, static_cast<size_t>(take.first));
        const std::string_view rest = text.substr(from);
        return Value(rest.substr(0, text_offset(rest, static_cast<size_t>(take.n))));
    }
    HADAL_TRY(const Items characters, iterate(work, Value(text)));
    std::string out;
    for (int64_t i = 0; i < take.n; ++i) {
        out += *characters[static_cast<size_t>(take.first + i * take.step)].as<std::string_view>();
    }
    return work.text(out);
}

Result<Items> slice_items(Workspace &work, const Items &items, const SliceBounds &bounds) {
    HADAL_TRY(const Chosen take, chosen(bounds, static_cast<int64_t>(items.size)));
    if (take.n == 0) return Items{};
    if (take.step == 1) return Items{items.data + take.first, static_cast<size_t>(take.n)};
    HADAL_CHECK(work.spend(static_cast<uint64_t>(take.n)));
    HADAL_TRY(Value * place, work.array<Value>(static_cast<size_t>(take.n)));
    for (int64_t i = 0; i < take.n; ++i) place[i] = items[static_cast<size_t>(take.first + i * take.step)];
    return Items{place, static_cast<size_t>(take.n)};
}

}  // namespace

const Value *group_part(const Value &value, std::string_view name) {
    const auto *tuple = value.as<Tuple>();
    if (tuple == nullptr || tuple->size != 2) return nullptr;
    return name == "grouper" ? &(*tuple)[0] : name == "list" ? &(*tuple)[1] : nullptr;
}

Result<Value> subscript(Workspace &work, const Value &value, const Value &index) {
    if (value.is_undefined()) return undefined_error(value);
    if (const auto *dict = value.as<const Dict *>()) {
        HADAL_TRY(const Value *found, find(work, **dict, index));
        return found == nullptr ? missing(index) : *found;
    }
    const auto row = positions(value);
    const auto wanted = as_integer(index);
    if (const auto *name = index.as<std::string_view>()) {
        if (const Value *part = group_part(value, *name)) return *part;
    }
    if (!row || !wanted) return missing(index);
    if (row->of_text) HADAL_CHECK(work.spend(row->text.size() / 16));
    const auto size = static_cast<int64_t>(row->of_text ? text_length(row->text) : row->items.size);
    if (*wanted >= size || *wanted < -size) return missing(index);
    const auto i = static_cast<size_t>(*wanted < 0 ? *wanted + size : *wanted);
    if (!row->of_text) return row->items[i];
    const size_t from = text_offset(row->text, i);
    size_t to = from;
    text_next(row->text, to);
    return Value(row->text.substr(from, to - from));
}

Result<Value> slice(Workspace &work, const Value &value, const SliceBounds &bounds) {
    if (value.is_undefined()) return undefined_error(value);
    const auto row = positions(value);
    if (!row) return error(Status::bad_format, "a ", type_name(value), " cannot be sliced");
    if (row->of_text) return slice_text(work, row->text, bounds);
    HADAL_TRY(const Items items, slice_items(work, row->items, bounds));
    if (value.is<Tuple>()) return Value(Tuple{items});
    return Value(List{items});
}

}  // namespace hadal::core::jinja
