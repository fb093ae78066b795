#include "format/config_json.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/temp_folder.h"

using namespace hadal::core;
using namespace hadal::test;

namespace {

Result<Metadata> read(std::string_view json) {
    const TempFolder folder;
    HADAL_TRY(const auto file, File::open(folder.write("config.json", json)));
    HeaderMemory memory(file.path());
    return read_config_json(file, memory);
}

std::string refusal(std::string_view json) {
    const auto metadata = read(json);
    if (metadata) return "accepted";
    if (metadata.error().status != Status::bad_format) return "another status";
    if (metadata.error().message.find("config.json: ") == std::string::npos) return "does not name the file";
    return metadata.error().message;
}

bool refused_with(std::string_view json, std::string_view part) {
    const std::string said = refusal(json);
    INFO("message: ", said);
    return said.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a config is flattened with dots") {
    const auto metadata = read(R"( {"hidden_size": 4096, "rms_norm_eps": 1e-05, "tie": true, "model_type": "llama",
        "rope_scaling": {"factor": 8.0, "rope_type": "llama3", "deep": {"er": -1}}, "nothing": null,
        "big": 18446744073709551615, "exact": 9007199254740993,
        "architectures": ["LlamaForCausalLM"], "eos_token_id": [1, 2], "mixed_numbers": [1, 2.5],
        "flags": [true, false], "empty": [], "none": {}, "rows": [[1, 2], [3]], "mixed": [1, "a", null, {"b": 2}],
        "\u00e9": "\ud83d\ude00"} )");
    REQUIRE(metadata);
    CHECK(*metadata->uint("hidden_size", 0, 5000) == 4096);
    CHECK(*metadata->real("rms_norm_eps", 0, 1) == 1e-5);
    CHECK(*metadata->boolean_or("tie", false));
    CHECK(*metadata->real("rope_scaling.factor", 0, 10) == 8);
    CHECK(*metadata->string("rope_scaling.rope_type") == "llama3");
    CHECK(*metadata->real("rope_scaling.deep.er", -1, 0) == -1);
    CHECK_FALSE(metadata->has("nothing"));
    CHECK(metadata->values().count("nothing") == 1);
    CHECK(*metadata->uint("big", 0, UINT64_MAX) == UINT64_MAX);
    CHECK(*metadata->uint("exact", 0, UINT64_MAX) == 9007199254740993);
    CHECK(**metadata->strings("architectures") == std::vector<std::string>{"LlamaForCausalLM"});
    CHECK(**metadata->integers("eos_token_id") == std::vector<int64_t>{1, 2});
    CHECK(**metadata->reals("mixed_numbers") == std::vector<double>{1, 2.5});
    CHECK(**metadata->integers("flags") == std::vector<int64_t>{1, 0});
    CHECK((*metadata->integers("empty"))->empty());
    CHECK(**metadata->integers("rows.0") == std::vector<int64_t>{1, 2});
    CHECK(*metadata->string("mixed.1") == "a");
    CHECK(*metadata->uint("mixed.3.b", 0, 5) == 2);
    CHECK(*metadata->string("\xC3\xA9") == "\xF0\x9F\x98\x80");
}

TEST_CASE("what is not JSON, and what JSON may not hold") {
    for (const std::string json : {"",
                                   " ",
                                   "x",
                                   "{",
                                   "}",
                                   "{]",
                                   "[",
                                   "{\"a\"}",
                                   "{\"a\":}",
                                   "{\"a\":1,}",
                                   "{,}",
                                   "{\"a\":1 \"b\":2}",
                                   "{\"a\":01}",
                                   "{\"a\":1.}",
                                   "{\"a\":.5}",
                                   "{\"a\":+1}",
                                   "{\"a\":-}",
                                   "{\"a\":0x1}",
                                   "{\"a\":NaN}",
                                   "{\"a\":Infinity}",
                                   "{\"a\":tru}",
                                   "{\"a\":nul}",
                                   "{\"a\":nullx}",
                                   "{\"a\":truefalse}",
                                   "{\"a\":'b'}",
                                   "{\"a\":\"b}",
                                   "{\"a\":\"\\x\"}",
                                   "{\"a\":\"\\u12\"}",
                                   "{\"a\":\"\n\"}",
                                   "{\"a\":1}{}",
                                   "{\"a\":1} x",
                                   "{\"a\":1e999}",
                                   "{\"a\":-1e999}",
                                   "{\"a\":18446744073709551616}",
                                   "{a:1}",
                                   "// c\n{}"}) {
        CAPTURE(json);
        CHECK(refused_with(json, "JSON"));
    }
    CHECK(refused_with("[1]", "not an object"));
    CHECK(refused_with("7", "not an object"));
    CHECK(refused_with("\"a\"", "not an object"));
    CHECK(refused_with("{\"a\":\"\xFF\"}", "not UTF-8 at byte 6"));
    CHECK(refused_with("{\"\xED\xA0\x80\":1}", "not UTF-8 at byte 2"));
    CHECK(refused_with(std::string("{\"a\":1}\0", 8), "JSON"));
    CHECK(refused_with(std::string("{\"a\":\"\0\"}", 9), "JSON"));
    for (const char *surrogate : {"\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud800x", "\\udbff\\u0041"}) {
        CAPTURE(surrogate);
        CHECK(refused_with(std::string("{\"a\":\"") + surrogate + "\"}", "JSON"));
        CHECK(refused_with(std::string("{\"") + surrogate + "\":1}", "JSON"));
    }
    CHECK(refused_with("{\"a\":\"\\u0000\"}", "NUL"));
    CHECK(refused_with("{\"a\\u0000\":1}", "NUL"));
    CHECK(read("{\"a\":1e308}"));
}

TEST_CASE("equal keys") {
    CHECK(refused_with(R"({"a":1,"a":2})", "'a' is there twice"));
    CHECK(refused_with(R"({"a":{"b":1,"b":1}})", "'a.b' is there twice"));
    CHECK(refused_with(R"({"a":{"b":1},"a.b":1})", "'a.b' is there twice"));
}

TEST_CASE("depth, size and number of what is in a config") {
    const auto nested = [](size_t depth) {
        return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    CHECK(read(nested(60)));
    CHECK(refused_with(nested(64), "JSON"));
    CHECK(refused_with(nested(1000000), "JSON"));
    CHECK(refused_with(std::string(1000000, '['), "JSON"));
    CHECK(refused_with("{\"a\":" + std::string(1000000, '['), "JSON"));
    CHECK(refused_with("{\"a\":\"" + std::string(17 << 20, 'x') + "\"}", "at most 16777216"));
    CHECK(refused_with("{\"" + std::string(1025, 'k') + "\":1}", "1025 bytes"));
    CHECK(refused_with("{\"" + std::string(1000, 'k') + "\":{\"" + std::string(100, 'k') + "\":{}}}", "1101 bytes"));

    std::string many = "{\"k\":0";
    for (size_t i = 0; i < kMaxKeys; ++i) many += text(",\"k", i, "\":0");
    CHECK(refused_with(many + "}", "more than 65536 keys"));
    std::string dense = "{\"a\":[0";
    for (size_t i = 0; i < 6000000; ++i) dense += ",0";
    CHECK(refused_with(dense + "]}", "bytes of memory"));
}
