// The hadal command: what goes to which stream, exit codes, Ctrl-C, a reader that goes away.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "programs/child.h"
#include "support/tiny_model.h"

using namespace hadal::test;
using nlohmann::json;

namespace {

const std::string kHadal = PROGRAM_HADAL_CLI;

struct Tiny {
    TempFolder folder;
    std::string path = folder.write("tiny.gguf", tiny_model_gguf({.d_model = 64, .d_ff = 128, .context = 192}));
};

size_t n_lines(const std::string &text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::vector<float> read_floats(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
    return floats;
}

}  // namespace

TEST_CASE("usage: --help succeeds, a wrong command line is 2 and one line") {
    const Tiny tiny;
    CHECK(run({kHadal, "--help"}).exit_code == 0);
    CHECK(run({kHadal, "run", "--help"}).out.find("--temp") != std::string::npos);
    CHECK(run({kHadal, "--version"}).out == "0.1.0\n");
    const std::vector<std::vector<std::string>> wrong = {
        {kHadal},
        {kHadal, "walk"},
        {kHadal, "logits"},
        {kHadal, "run", tiny.path, "--no-such-option"},
        {kHadal, "run", tiny.path, "--threads", "-1"},
        {kHadal, "run", tiny.path, "-n", "many"},
        {kHadal, "run", tiny.path, "--kv-type", "f64"},
        {kHadal, "run", tiny.path, "-p", "a", "--ids", "b"},
        {kHadal, "logits", tiny.path},
        {kHadal, "bench", tiny.path, "--repeat", "0"},
    };
    for (const auto &words : wrong) {
        const Finished finished = run(words);
        CAPTURE(words.back());
        CHECK(finished.exit_code == 2);
        CHECK(finished.out.empty());
        CHECK(n_lines(finished.err) == 1);
        CHECK(finished.err.rfind("hadal: ", 0) == 0);
    }
}

TEST_CASE("errors: exit code 1 and one line that names what was wrong") {
    const Tiny tiny;
    const std::string broken = tiny.folder.write("broken.gguf", "GGUF is not all");
    const std::string words = tiny.folder.write("words", "1 2 three");
    const std::string big = tiny.folder.write("big", "1 99999999999");
    const std::string empty = tiny.folder.write("empty", " \n");
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{kHadal, "run", "no-such.gguf"}, "no-such.gguf"},
        {{kHadal, "run", broken}, "broken.gguf"},
        {{kHadal, "inspect", broken}, "broken.gguf"},
        {{kHadal, "run", tiny.path, "--temp", "-1"}, "temperature"},
        {{kHadal, "run", tiny.path, "--backend", "no-such-chip"}, "no-such-chip"},
        {{kHadal, "run", tiny.path, "--context", "500"}, "500"},
        {{kHadal, "run", tiny.path, "--memory-budget", "10KB"}, "10240"},
        {{kHadal, "run", tiny.path, "--ids", words}, "three"},
        {{kHadal, "run", tiny.path, "--ids", big}, "99999999999"},
        {{kHadal, "run", tiny.path, "--ids", empty}, "empty"},
        {{kHadal, "logits", tiny.path, "--ids", "no-such-ids", "--out", tiny.folder / "out"}, "no-such-ids"},
    };
    for (const auto &[line, name] : cases) {
        const Finished finished = run(line);
        CAPTURE(finished.err);
        CHECK(finished.exit_code == 1);
        CHECK(finished.out.empty());
        CHECK(n_lines(finished.err) == 1);
        CHECK(finished.err.rfind("hadal: ", 0) == 0);
        CHECK(finished.err.find(name) != std::string::npos);
    }
}

TEST_CASE("run: text to standard output, timings to standard error") {
    const Tiny tiny;
    const std::vector<std::string> line = {kHadal, "run", tiny.path, "-p", "abc", "-n", "5", "--ignore-eos"};
    const Finished text = run(line);
    CHECK(text.exit_code == 0);
    CHECK(text.out.back() == '\n');
    CHECK(text.err.find("prompt 5 tokens") != std::string::npos);  // BOS, the space in front, three letters
    CHECK(text.err.find("-n reached") != std::string::npos);
    CHECK(run(line).out == text.out);

    const Finished ids = run({kHadal, "run", tiny.path, "-n", "5", "--ignore-eos", "--print-ids"});
    CHECK(std::count(ids.out.begin(), ids.out.end(), ' ') == 4);
    const std::string bos = tiny.folder.write("bos", "1");
    CHECK(run({kHadal, "run", tiny.path, "--ids", bos, "-n", "5", "--ignore-eos", "--print-ids"}).out == ids.out);
    // Special tokens in the text of a user are text.
    CHECK(run({kHadal, "run", tiny.path, "-p", "<s>", "-n", "1"}).err.find("prompt 5 tokens") != std::string::npos);
    CHECK(run({kHadal, "run", tiny.path, "-n", "0", "--context", "20", "--ignore-eos"}).err.find("context full") !=
          std::string::npos);
}

TEST_CASE("run: every sampling option is taken, the seed decides") {
    const Tiny tiny;
    const auto with_seed = [&](const char *seed) {
        return run({kHadal,       "run",
                    tiny.path,    "-n",
                    "30",         "--temp",
                    "2",          "--top-k",
                    "200",        "--top-p",
                    "0.99",       "--min-p",
                    "0.0001",     "--repetition-penalty",
                    "1.1",        "--presence-penalty",
                    "0.1",        "--frequency-penalty",
                    "0.1",        "--seed",
                    seed,         "--stop",
                    "never so",   "--stop",
                    "nor so",     "--ignore-eos",
                    "--print-ids"});
    };
    const Finished first = with_seed("1");
    CHECK(first.exit_code == 0);
    CHECK(with_seed("1").out == first.out);
    CHECK(with_seed("2").out != first.out);
}

TEST_CASE("inspect: JSON for programs, lines for people") {
    const Tiny tiny;
    const Finished as_json = run({kHadal, "inspect", tiny.path, "--json"});
    CHECK(as_json.exit_code == 0);
    const json info = json::parse(as_json.out);
    CHECK(info.at("name") == "tiny");
    CHECK(info.at("n_vocab") == kTinyVocab);
    CHECK(info.at("has_tokenizer") == true);
    CHECK(info.at("requirements").at("kv_tokens_per_page") == 64);
    CHECK(run({kHadal, "inspect", tiny.path}).out.find("llama") != std::string::npos);

    // A name that JSON must escape.
    std::string bytes = tiny_model_gguf({.d_model = 64, .d_ff = 128});
    const size_t at = bytes.find("tiny", bytes.find("general.name"));
    bytes.replace(at, 4, "\"\\\n\x01");
    const json odd = json::parse(run({kHadal, "inspect", tiny.folder.write("odd.gguf", bytes), "--json"}).out);
    CHECK(odd.at("name") == "\"\\\n\x01");
}

TEST_CASE("tokenize: a JSON string a line, or all of it") {
    const Tiny tiny;
    const std::vector<std::string> line = {kHadal, "tokenize", tiny.path, "--jsonl"};
    const Finished three = run(line, "\"ab\"\n\"\"\n\"\\u00e9<s>\"\n");
    CHECK(three.exit_code == 0);
    REQUIRE(n_lines(three.out) == 3);
    CHECK(three.out.rfind("[259,260,261]\n[]\n[259,", 0) == 0);

    const Finished bos = run({kHadal, "tokenize", tiny.path, "--jsonl", "--bos"}, "\"a\"");
    CHECK(bos.out == "[1,259,260]\n");
    const Finished special = run({kHadal, "tokenize", tiny.path, "--jsonl", "--special"}, "\"<s>\"\n");
    CHECK(special.out == "[1]\n");
    CHECK(run({kHadal, "tokenize", tiny.path}, "ab").out == "259 260 261\n");

    for (const char *wrong : {"ab\n", "\"a\nb\"\n", "\"\\ud800\"\n", "[1]\n", "\n", "\"\xFF\"\n"}) {
        const Finished refused = run(line, std::string("\"a\"\n") + wrong);
        CHECK(refused.exit_code == 1);
        CHECK(refused.err.find("line 2") != std::string::npos);
        CHECK(n_lines(refused.err) == 1);
    }
}

TEST_CASE("logits: a row for each position, or for the last") {
    const Tiny tiny;
    const std::string ids = tiny.folder.write("ids", "1, 263\n270 261\t280\r\n");
    const std::string all = tiny.folder / "all.f32", last = tiny.folder / "last.f32";
    const Finished finished = run({kHadal, "logits", tiny.path, "--ids", ids, "--out", all, "--kv-type", "f32"});
    CHECK(finished.exit_code == 0);
    CHECK(finished.out.empty());
    const std::vector<float> rows = read_floats(all);
    REQUIRE(rows.size() == 5 * kTinyVocab);
    run({kHadal, "logits", tiny.path, "--ids", ids, "--out", last, "--last", "2", "--kv-type", "f32", "--chunk", "2"});
    const std::vector<float> two = read_floats(last);
    REQUIRE(two.size() == 2 * kTinyVocab);
    for (size_t i = 0; i < two.size(); ++i) CHECK(two[i] == doctest::Approx(rows[3 * kTinyVocab + i]).epsilon(1e-4));
    CHECK(run({kHadal, "logits", tiny.path, "--ids", ids, "--out", "/dev/full"}).exit_code == 1);
    CHECK(run({kHadal, "logits", tiny.path, "--ids", ids, "--out", "/no-such-folder/x"}).exit_code == 1);
}

TEST_CASE("bench: rates, and the bandwidth beside them") {
    const Tiny tiny;
    const Finished as_json =
        run({kHadal, "bench", tiny.path, "--prompt", "16", "--gen", "4", "--repeat", "2", "--threads", "1", "--json"});
    REQUIRE(as_json.exit_code == 0);
    const json result = json::parse(as_json.out);
    for (const char *key :
         {"prefill_tokens_per_s", "decode_tokens_per_s", "bytes_per_token", "decode_gb_per_s", "read_gb_per_s"}) {
        CHECK(result.at(key).get<double>() > 0);
    }
    const Finished text = run({kHadal, "bench", tiny.path, "--prompt", "8", "--gen", "4", "--repeat", "1"});
    CHECK(text.exit_code == 0);
    CHECK(n_lines(text.out) == 3);
}

TEST_CASE("Ctrl-C: the text so far, a line of timings, 130") {
    const TempFolder folder;
    const std::string path = folder.write("long.gguf", tiny_model_gguf({.context = 4096}));  // many seconds of work
    std::vector<std::string> line = {kHadal,        "run",       path,        "-n",        "4000", "--ignore-eos",
                                     "--print-ids", "--backend", "reference", "--threads", "1"};
    Child child(line);
    child.wait_for_output(12);  // three ids and the space after them, or more
    child.send(SIGINT);
    const Finished finished = child.wait();
    CHECK(finished.exit_code == 130);
    CHECK(n_lines(finished.out) == 1);
    CHECK(finished.out.back() == '\n');
    CHECK(std::count(finished.out.begin(), finished.out.end(), ' ') < 3999);
    line[4] = "3";
    const std::string beginning = run(line).out;
    CHECK(finished.out.substr(0, beginning.size() - 1) == beginning.substr(0, beginning.size() - 1));
    CHECK(n_lines(finished.err) == 1);
    CHECK(finished.err.find("interrupted") != std::string::npos);
}

TEST_CASE("convert: a file of another type, over another one only if asked") {
    const Tiny tiny;
    const std::string out = tiny.folder / "out.gguf";
    const std::vector<std::string> line = {kHadal, "convert", tiny.path, out, "--type", "Q8_0", "--threads", "1"};
    const Finished first = run(line);
    CHECK(first.exit_code == 0);
    CHECK((first.out + first.err).empty());
    CHECK(json::parse(run({kHadal, "inspect", out, "--json"}).out).at("weight_type") == "Q8_0");

    const Finished again = run(line);
    CHECK(again.exit_code == 1);
    CHECK(n_lines(again.err) == 1);
    CHECK(again.err.find(out + ": exists already") != std::string::npos);
    CHECK(run({kHadal, "convert", tiny.path, out, "--type", "f16", "--force"}).exit_code == 0);
    CHECK(json::parse(run({kHadal, "inspect", out, "--json"}).out).at("weight_type") == "F16");

    const Finished unknown = run({kHadal, "convert", tiny.path, out, "--type", "Q9", "--force"});
    CHECK(unknown.exit_code == 1);
    CHECK(unknown.err.find("there is no type 'Q9'; there are F32, ") != std::string::npos);
    const Finished empty = run({kHadal, "convert", tiny.path, out, "--type", "", "--force"});
    CHECK(empty.exit_code == 1);
    CHECK(empty.err.find("there is no type ''") != std::string::npos);
    CHECK(run({kHadal, "convert", tiny.path}).exit_code == 2);
}

TEST_CASE("Ctrl-C, SIGTERM and SIGHUP end a conversion, and nothing is left of it") {
    const TempFolder folder, out;
    const std::string path = folder.write("large.gguf", tiny_model_gguf({.d_model = 512, .d_ff = 2048}));
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        CAPTURE(signal);
        Child child({kHadal, "convert", path, out / "out.gguf", "--type", "IQ4_NL", "--threads", "1"});
        for (int i = 0; i < 60000 && std::filesystem::is_empty(out.path()); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        child.send(signal);
        CHECK(child.wait().exit_code == 128 + signal);
        CHECK(std::filesystem::is_empty(out.path()));
    }
}

TEST_CASE("a file that may not grow further is a sentence, and nothing is left of it") {
    const Tiny tiny;
    const TempFolder out;
    const std::string line = "ulimit -f 8; exec " + kHadal + " convert " + tiny.path + " " + (out / "o.gguf");
    const Finished finished = run({"/bin/sh", "-c", line});
    CHECK(finished.exit_code == 1);
    CHECK(finished.err.find("o.gguf: cannot write byte ") != std::string::npos);
    CHECK(std::filesystem::is_empty(out.path()));
}

TEST_CASE("standard output that goes away or is full") {
    const Tiny tiny;
    const std::vector<std::string> line = {kHadal, "run", tiny.path, "-n", "20", "--ignore-eos", "--print-ids"};
    const Finished closed = Child(line, "", Child::Output::closed).wait();
    CHECK(closed.exit_code == 141);
    CHECK(closed.err.empty());
    const Finished full = Child(line, "", Child::Output::full).wait();
    CHECK(full.exit_code == 1);
    CHECK(n_lines(full.err) == 1);
    CHECK(full.err.find("standard output") != std::string::npos);
}
