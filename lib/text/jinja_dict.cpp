// Small dictionaries are searched from the front, large ones through a sorted index: no hash, so no collisions.
#include "text/jinja_dict.h"

#include <algorithm>
#include <vector>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace hadal::core::jinja {
namespace {

constexpr size_t kSmall = 8;
constexpr int kNotAKey = 5;

/// Keys of different ranks are never equal.
int rank(const Value &key) {
    if (key.is<std::string_view>()) return 0;
    if (is_number(key)) return 1;
    if (key.is_none()) return 2;
    return key.is<BigInteger>() ? 3 : key.is_undefined() ? 4 : kNotAKey;
}

bool is_same(const Value &a, const Value &b) {
    return !key_before(a, b) && !key_before(b, a);
}

const Entry *find_entry(const Dict &dict, const Value &key) {
    if (dict.order == nullptr) {
        const Entry *found =
            std::find_if(dict.begin(), dict.end(), [&](const Entry &entry) { return is_same(entry.key, key); });
        return found == dict.end() ? nullptr : found;
    }
    const uint32_t *end = dict.order + dict.size;
    const uint32_t *found = std::lower_bound(
        dict.order, end, key, [&](uint32_t i, const Value &wanted) { return key_before(dict.entries[i].key, wanted); });
    if (found == end || key_before(key, dict.entries[*found].key)) return nullptr;
    return &dict.entries[*found];
}

void fill_small(std::span<const Entry> entries, Entry *place, Dict &dict) {
    for (const Entry &entry : entries) {
        Entry *same = std::find_if(place, place + dict.size, [&](const Entry &e) { return is_same(e.key, entry.key); });
        if (same == place + dict.size) {
            place[dict.size++] = entry;
        } else {
            same->value = entry.value;
        }
    }
}

Result<void> fill_large(Workspace &work, std::span<const Entry> entries, Entry *place, Dict &dict) {
    HADAL_CHECK(work.spend(8 * entries.size()));
    std::vector<uint32_t> order(entries.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return key_before(entries[a].key, entries[b].key); });
    constexpr uint32_t kRepeated = ~uint32_t{0};
    std::vector<uint32_t> value_of(entries.size(), kRepeated);  // [first of equal keys]: the last of them
    for (size_t i = 0, end = 0; i < order.size(); i = end) {
        for (end = i + 1; end < order.size() && is_same(entries[order[i]].key, entries[order[end]].key);) ++end;
        value_of[order[i]] = order[end - 1];
    }
    std::vector<uint32_t> place_of(entries.size());
    for (uint32_t i = 0; i < entries.size(); ++i) {
        if (value_of[i] == kRepeated) continue;
        place_of[i] = static_cast<uint32_t>(dict.size);
        place[dict.size++] = {entries[i].key, entries[value_of[i]].value};
    }
    HADAL_TRY(uint32_t * index, work.array<uint32_t>(dict.size));
    dict.order = index;
    for (const uint32_t i : order) {
        if (value_of[i] != kRepeated) *index++ = place_of[i];
    }
    return {};
}

}  // namespace

bool is_key(const Value &value) {
    return rank(value) < kNotAKey;
}

bool key_before(const Value &a, const Value &b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    switch (rank(a)) {
        case 0:
            return *a.as<std::string_view>() < *b.as<std::string_view>();
        case 1:
            return number_before(a, b);
        case 3:
            return a.as<BigInteger>()->digits < b.as<BigInteger>()->digits;
        default:
            return false;
    }
}

Result<const Dict *> make_dict(Workspace &work, std::span<const Entry> entries) {
    HADAL_CHECK(work.spend(entries.size()));
    for (const Entry &entry : entries) {
        HADAL_CHECK(spend_key(work, entry.key));
        if (is_key(entry.key)) continue;
        return error(Status::bad_format, "a value of type ", type_name(entry.key), " cannot be a dictionary's key");
    }
    HADAL_TRY(Entry * place, work.array<Entry>(entries.size()));
    HADAL_TRY(Dict * dict, work.make(Dict{place}));
    if (entries.size() <= kSmall) {
        fill_small(entries, place, *dict);
    } else {
        HADAL_CHECK(fill_large(work, entries, place, *dict));
    }
    return static_cast<const Dict *>(dict);
}

Result<void> spend_key(Workspace &work, const Value &key) {
    const auto *text = key.as<std::string_view>();
    return text == nullptr ? Result<void>() : work.spend_bytes(16 * text->size());
}

Result<const Value *> find(Workspace &work, const Dict &dict, const Value &key) {
    HADAL_CHECK(spend_key(work, key));
    return find(dict, key);
}

const Value *find(const Dict &dict, const Value &key) {
    const Entry *found = !is_key(key) ? nullptr : find_entry(dict, key);
    return found == nullptr ? nullptr : &found->value;
}

}  // namespace hadal::core::jinja
