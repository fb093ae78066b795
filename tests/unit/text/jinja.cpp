// The template language where no golden reaches: places of errors, limits, what the sandbox refuses, the clock.
#include "text/jinja.h"

#include <doctest/doctest.h>

using namespace hadal::core;
using namespace hadal::core::jinja;

namespace {

Result<std::string> render(std::string_view source, std::string_view json = "{}", const RenderOptions &options = {}) {
    HADAL_TRY(const Template parsed, Template::parse(source));
    HADAL_TRY(const Context context, Context::from_json(json));
    return parsed.render(context, options);
}

/// The text, or "failed: " and why.
std::string text_of(std::string_view source, std::string_view json = "{}") {
    const auto result = render(source, json);
    return result ? *result : "failed: " + result.error().message;
}

bool fails_with(const Result<std::string> &result, std::string_view part) {
    if (!result && result.error().message.find(part) != std::string::npos) return true;
    MESSAGE((result ? "rendered: " + result->substr(0, 200) : result.error().message));
    return false;
}

std::string repeated(std::string_view text, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("white space around tags") {
    CHECK(text_of("a\n  {% if true %}\n  b\n  {% endif %}\nc\n") == "a\n  b\nc");
    CHECK(text_of("a\n  {%+ if true %}\nb{% endif %}") == "a\n  b");
    CHECK(text_of("a {%- if true -%} \n b {%- endif %} c") == "ab c");
    CHECK(text_of("a{# x #}\nb {#- y -#} c") == "abc");
    CHECK(text_of("{% raw -%}  {{ x }} {%- endraw %}|") == "{{ x }}|");
    CHECK(text_of("a\r\nb\rc\n\n") == "a\nb\nc\n");
    CHECK(text_of("{{ 1 }}\n{{ 2 -}}\n 3") == "1\n23");
    CHECK(text_of("{% if true +%}\nx{% endif %}") == "\nx");
}

TEST_CASE("loops") {
    CHECK(
        text_of(
            "{% for a in [1,2,3] %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }},{% endfor %}") ==
        "12TrueFalse,21FalseFalse,30FalseTrue,");
    CHECK(text_of("{% for a in 'ab' %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle(1,2) }}{% endfor %}") ==
          "b1a2");
    CHECK(text_of("{% for a in [1,1,2] %}{{ loop.changed(a) }},{% endfor %}") == "True,False,True,");
    CHECK(text_of("{% for a in [1,2] %}{% continue %}{% else %}none{% endfor %}") == "none");
    CHECK(text_of("{% for a in [] %}{{ a }}{% else %}none{% endfor %}") == "none");
    CHECK(text_of("{% for k, v in d|items %}{{ k }}{{ v }}{% endfor %}", R"({"d":{"b":1,"a":2}})") == "b1a2");
    CHECK(text_of(
              "{% for n in t recursive %}{{ n.n }}{{ loop.depth }}{% if n.c %}({{ loop(n.c) }}){% endif %}{% endfor %}",
              R"({"t":[{"n":"a","c":[{"n":"b"}]},{"n":"c"}]})") == "a1(b2)c1");
    CHECK(text_of("{% set x = 1 %}{% for a in [1,2] %}{{ x }}{% set x = 5 %}{% endfor %}{{ x }}") == "111");
    // A condition is asked when its item's turn comes.
    CHECK(
        text_of("{% set n = namespace(x=0) %}{% for a in [1,2,3] if n.x < 2 %}{{ a }}{% set n.x = a %}{% endfor %}") ==
        "12");
}

TEST_CASE("macros and call blocks") {
    CHECK(text_of("{% macro m(a, b=a) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}{{ "
                  "m(5) }}") == "12(3,){'k': 4}55(){}");
    CHECK(text_of("{% macro m() %}[{{ caller(1) }}]{% endmacro %}{% call(x) m() %}c{{ x }}{% endcall %}") == "[c1]");
    CHECK(text_of("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}") == "3210");
    CHECK(fails_with(render("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"), "macro 'm' takes 1 arguments, here are 2"));
    CHECK(fails_with(render("{% macro m(a) %}{% endmacro %}{{ m(b=2) }}"), "has no parameter 'b'"));
}

TEST_CASE("blocks of text") {
    CHECK(text_of("{% set x | upper %}a{{ 1 }}{% endset %}{{ x }}") == "A1");
    CHECK(text_of("{% filter replace('a', 'b') | upper %}a{% endfilter %}") == "B");
    CHECK(text_of("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}") == "3");
    CHECK(text_of("{% generation %}a{% endgeneration %}{% block x %}b{% endblock x %}") == "ab");
    CHECK(text_of("{% set a, b = 1, 'x' %}{{ b }}{{ a }}") == "x1");
}

TEST_CASE("numbers are Python's") {
    CHECK(text_of("{{ 7 // -2 }} {{ 7 % -2 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 2 ** 3 ** 2 }} {{ 2 ** -1 }}") ==
          "-4 -1 -4 3.5 64 0.5");
    CHECK(text_of("{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 1e-5 }} {{ 1.0 }} {{ 0.1 + 0.2 }}") ==
          "1e+16 1000000000000000.0 0.0001 1e-05 1.0 0.30000000000000004");
    CHECK(text_of(
              "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 == true }} {{ 9007199254740993 == 9007199254740992.0 }}") ==
          "True False True False");
    CHECK(text_of("{{ 0x1F + 0b11 + 0o17 + 1_000 }}") == "1049");
    CHECK(fails_with(render("{{ 9223372036854775807 + 1 }}"), "beyond 64 bits"));
    CHECK(fails_with(render("{{ -9223372036854775807 - 2 }}"), "beyond 64 bits"));
    CHECK(fails_with(render("{{ (-9223372036854775807 - 1) // -1 }}"), "beyond 64 bits"));
    CHECK(text_of("{{ (-9223372036854775807 - 1) % -1 }}") == "0");
    CHECK(fails_with(render("{{ 3 ** 50 }}"), "beyond 64 bits"));
    CHECK(fails_with(render("{{ 9223372036854775808 }}"), "beyond 64 bits"));
    CHECK(fails_with(render("{{ 1 % 0 }}"), "division by zero"));
    CHECK(text_of("{{ n }} {{ n | tojson }} {{ n is integer }}", R"({"n":18446744073709551615})") ==
          "18446744073709551615 18446744073709551615 True");
}

TEST_CASE("text is counted in code points") {
    CHECK(text_of("{{ s | length }} {{ s[1] }} {{ s[-2:] }} {{ s[::-1] }} {{ s.find('x') }}", R"({"s":"深é😀x"})") ==
          "4 é 😀x x😀é深 3");
    CHECK(text_of("{{ 'straße'.upper() }} {{ 'ÀÉ'.lower() }} {{ ['é\\n\"', \"it's\"] }}") ==
          "STRASSE àé ['é\\n\"', \"it's\"]");
    CHECK(text_of("[{{ '\\u00a0\\u3000x\\u2028' | trim }}]") == "[x]");
    CHECK(text_of(R"({{ '\x41\101\u00e9\U0001F600\q\\' }})") == "AAé😀\\q\\");
}

TEST_CASE("formats") {
    CHECK(text_of("{{ '%s|%5s|%-5s|%05d|%.2f|%x|%%' % ('a', 'b', 'c', -42, 3.14159, 255) }}") ==
          "a|    b|c    |-0042|3.14|ff|%");
    CHECK(text_of("{{ '%(a)s' % {'a': 1} }}{{ '%s-%s' | format(1, 'x') }}") == "11-x");
    CHECK(text_of("{{ '{0} {1} {x:>4} {y[0]:.1f} {{}} {2:,}'.format(1, 2, 1234567, x='z', y=[0.25]) }}") ==
          "1 2    z 0.2 {} 1,234,567");
    CHECK(fails_with(render("{{ '%s %s' % 'a' }}"), "more places than values"));
    CHECK(fails_with(render("{{ 'a' % 1 }}"), "1 values, but only 0 places"));
    CHECK(text_of("{{ 'a' % x }}{{ 'b' % [1] }}") == "ab");
    CHECK(fails_with(render("{{ [1] in {} }}"), "cannot be a dictionary's key"));
}

TEST_CASE("loops and macros where only Jinja would know") {
    // What a condition lets through is what was assigned.
    const std::string neighbours = "{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}";
    CHECK(text_of("{% for a, b in [{'k': 1, 'l': 2}, 'xy'] if a %}" + neighbours) == "('x', 'y');('k', 'l');");
    const std::string length = "{% if loop.last %}{{ loop.length }}{% endif %}{% endfor %}";
    CHECK(text_of("{% for i in range(50000) if i is even %}" + length) == "25000");
    CHECK(text_of("{% macro m(a, b=1) %}{{ kwargs }}{{ b }}{% endmacro %}{{ m(1, 2, b=3) }}") == "{'b': 3}2");
    CHECK(fails_with(render("{% macro m(a, b=1) %}{{ b }}{% endmacro %}{{ m(1, 2, b=3) }}"), "the argument 'b' twice"));
    CHECK(text_of("{% macro m(a, b=1) %}{{ varargs }}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.caller }} "
                  "{{ m.catch_varargs }} {{ m.catch_kwargs }}{{ m.x }}{{ range.name }}") ==
          "m ('a', 'b') False True False");
    CHECK(fails_with(render("{{ [1] is filter }}{{ 1 }}"), "a list is no name"));
}

TEST_CASE("JSON is Python's") {
    constexpr std::string_view kContext = R"({"d":{"b":[1,2.0,null,true],"a":{"é<":"\"\u0000\u007f/"},"e":{},"l":[]}})";
    CHECK(text_of("{{ d | tojson }}", kContext) == R"({"b": [1, 2.0, null, true], "a": {"é<": "\"\u0000)"
                                                   "\x7f"
                                                   R"(/"}, "e": {}, "l": []})");
    CHECK(text_of("{{ d.a | tojson(ensure_ascii=true) }}", kContext) == R"({"\u00e9<": "\"\u0000\u007f/"})");
    CHECK(text_of("{{ {'b': [1], 'a': {}} | tojson(indent=1, sort_keys=true) }}") ==
          "{\n \"a\": {},\n \"b\": [\n  1\n ]\n}");
    CHECK(text_of("{{ [1, {2: none}] | tojson(separators=(',', ':')) }}") == R"([1,{"2":null}])");
    CHECK(text_of("{{ '{\"a\": [1, 2.50]}' | from_json }}") == "{'a': [1, 2.5]}");
    CHECK(fails_with(render("{{ x | tojson }}"), "no JSON for a value of type undefined"));
}

TEST_CASE("what is undefined") {
    CHECK(text_of("[{{ x }}{{ x ~ 'a' }}{{ x | default('d') }}{{ x is defined }}{{ x | length }}]") == "[adFalse0]");
    CHECK(text_of("[{{ d.x }}{{ d.x is undefined }}{{ l[5] }}{{ none.x }}]", R"({"d":{},"l":[]})") == "[True]");
    CHECK(text_of("{% for a in x %}{% else %}e{% endfor %}{% if x %}{% else %}f{% endif %}") == "ef");
    CHECK(fails_with(render("{{ x.y }}"), "'x' is undefined"));
    CHECK(fails_with(render("{{ x + 1 }}"), "'x' is undefined"));
    CHECK(fails_with(render("{{ x() }}"), "'x' is undefined"));
}

TEST_CASE("nothing beyond data can be reached") {
    for (const std::string source :
         {"{{ ''.__class__.__mro__ }}", "{{ [].append(1) }}", "{{ {}.update({'a': 1}) }}", "{{ d.pop('a') }}",
          "{{ self.x.y }}", "{{ ''.format.__globals__['os'] }}", "{{ '{0.__class__.x}'.format(1) }}",
          "{{ namespace(__x=1) }}", "{{ cycler.__init__.__globals__ }}", "{% set d.x = 1 %}"}) {
        CAPTURE(source);
        CHECK(!render(source, R"({"d":{"a":1}})"));
    }
    CHECK(text_of("{{ ''.__class__ }}{{ (d | attr('items')) is defined }}", R"({"d":{}})") == "False");
    for (const std::string source :
         {"{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}"}) {
        const auto parsed = Template::parse(source);
        REQUIRE(!parsed);
        CHECK(parsed.error().status == Status::unsupported);
    }
}

TEST_CASE("errors name line and column") {
    CHECK(text_of("a\n{{ 1 +\n  x.y }}") == "failed: template, line 3, column 4: 'x' is undefined");
    CHECK(text_of("{% if %}") == "failed: template, line 1, column 7: expected an expression, found '%}'");
    CHECK(text_of("ab\n{% foo %}") == "failed: template, line 2, column 4: unknown tag 'foo'");
    CHECK(text_of("{{ 'a }}") == "failed: template, line 1, column 4: a string without its end");
    CHECK(text_of("{% for a in b %}") == "failed: template, line 1, column 17: the template ends before 'endfor'");
    CHECK(text_of("{{ (1] }}") == "failed: template, line 1, column 6: ']' where ')' is missing");
    CHECK(text_of("{{ 1 | nope }}") == "failed: template, line 1, column 8: there is no filter 'nope'");
    CHECK(text_of("{{ 1 is nope }}") == "failed: template, line 1, column 6: there is no test 'nope'");
    CHECK(text_of("a\xFF") == "failed: template, line 1, column 2: not UTF-8");
    CHECK(text_of("{% break %}").starts_with("failed: template, line 1"));
}

TEST_CASE("what the template raises is carried out") {
    const auto result = render("\n{{ raise_exception('roles must alternate: ' ~ [1]) }}");
    REQUIRE(!result);
    CHECK(result.error().status == Status::invalid_argument);
    CHECK(result.error().message == "template, line 2, column 19: roles must alternate: [1]");
}

TEST_CASE("the time is the caller's") {
    RenderOptions options;
    options.now = ClockTime{2026, 3, 9, 14, 5, 7};
    const auto result =
        render("{{ strftime_now('%d %b %Y|%Y-%m-%d %H:%M:%S|%A %B %-d|%I:%M %p|%j %y %a|%e%%') }}", "{}", options);
    REQUIRE(result);
    CHECK(*result == "09 Mar 2026|2026-03-09 14:05:07|Monday March 9|02:05 PM|068 26 Mon| 9%");
    CHECK(fails_with(render("{{ strftime_now('%Y') }}"), "the time is not known"));
    options.now->month = 13;
    CHECK(fails_with(render("{{ strftime_now('%Y') }}", "{}", options), "does not exist"));
}

TEST_CASE("the dialect of huggingface.js") {
    RenderOptions options;
    options.dialect = Dialect::javascript;
    const auto result =
        render("{{ true }} {{ none }}{{ [1, 'a', {'b': false}] }} {{ 'a' + 1 }} {{ 1 in [true] }}", "{}", options);
    REQUIRE(result);
    CHECK(*result == R"(true [1, "a", {"b": false}] a1 false)");
}

TEST_CASE("contexts") {
    CHECK(fails_with(render("", "[1]"), "not an object"));
    CHECK(fails_with(render("", "{"), "JSON"));
    CHECK(fails_with(render("", repeated("{\"a\":", 100) + "1" + repeated("}", 100)), "JSON"));
    CHECK(text_of("{{ a }}{{ b }}", R"({"a":1,"b":"x","a":2})") == "2x");
    CHECK(text_of("{{ s | length }}", R"({"s":"a\u0000b"})") == "3");
    // More keys than are looked at one by one.
    std::string json = "{\"d\":{";
    for (int i = 0; i < 100; ++i) json += "\"k" + std::to_string(i * 7 % 100) + "\":" + std::to_string(i) + ",";
    json += "\"k5\":\"last\"}}";
    CHECK(text_of("{{ d.k5 }} {{ d.k7 }} {{ d | length }} {{ d.nope is defined }} {{ (d | list)[1] }}", json) ==
          "last 1 100 False k7");
}

TEST_CASE("bombs end in an error") {
    const std::string steps = "more than 2000000 steps";
    CHECK(fails_with(render("{% for i in range(10**9) %}x{% endfor %}"), "at most 100000"));
    CHECK(fails_with(render("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"), steps));
    CHECK(fails_with(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "nests"));
    CHECK(fails_with(render("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"), "nests"));
    CHECK(fails_with(render("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"), "nests"));
    CHECK(fails_with(render("{{ 'a' * 10**9 }}"), steps));
    CHECK(fails_with(render("{{ [1] * 10**9 }}"), "more than 2000000 steps"));
    CHECK(fails_with(
        render("{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}"),
        "more than"));
    CHECK(fails_with(
        render("{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}"),
        "more than"));
    CHECK(fails_with(
        render("{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}"),
        "more than"));
    CHECK(fails_with(render("{% set n = namespace(x=[1]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor "
                            "%}{{ n.x | tojson }}"),
                     "nests"));
    CHECK(fails_with(render("{% set n = namespace(x=1) %}{% set n.x = n %}{{ n }}"), "nests"));
    CHECK(fails_with(render("{{ [[1]] | tojson(indent=10**9) }}"), steps));
    CHECK(fails_with(render("{{ [[1]] | tojson(indent=30000000) }}"), "more than"));
    CHECK(fails_with(render("{{ '%999999999d' % 1 }}"), "a width or precision"));
    CHECK(fails_with(render("{{ '{:999999999}'.format(1) }}"), "a width or precision"));
    CHECK(fails_with(render("{{ '%.999999f' % 1.0 }}"), "a precision of"));
    CHECK(fails_with(render("{{ 'a'.center(10**9) }}{{ 'a' | center(10**18) }}"), "more than"));
    CHECK(fails_with(render("{{ 'a'.zfill(10**18) }}"), "more than"));
    CHECK(fails_with(render("{{ 'a' | indent(10**12) }}"), "more than"));
    CHECK(fails_with(render("{{ [1] | batch(10**9, 'x') | list }}"), steps));
    CHECK(fails_with(render("{{ [1] | slice(10**9) | list }}"), steps));
    CHECK(fails_with(render("{{ ('a' * 9999).replace('a', 'b' * 99999) }}"), "more than"));
    CHECK(fails_with(render("{{ ('b' * 99999).join(['a'] * 9999) }}"), "more than"));
    CHECK(fails_with(render("{% set x = 'a' * 999999 %}{% for i in range(9999) %}{{ x }}{% endfor %}"),
                     "writes more than"));
    CHECK(fails_with(render("{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}"),
                     "nested more than 100"));
    CHECK(fails_with(render("{{ " + repeated("[", 100000) + repeated("]", 100000) + " }}"), "nested more than 100"));
    CHECK(fails_with(render("{{ " + repeated("not ", 100000) + "1 }}"), "nested more than 100"));
    CHECK(fails_with(render("{{ " + repeated("- ", 100000) + "1 }}"), "nested more than 100"));
    CHECK(fails_with(render("{{ 1" + repeated(" + 1", 100000) + " }}"), "nests"));
    CHECK(fails_with(render("{{ 1" + repeated(" | abs", 100000) + " }}"), "nests"));
    CHECK(fails_with(render("{{ x" + repeated(".x", 900) + " }}"), "nests"));
    CHECK(fails_with(render("{{ x" + repeated(".x", 100000) + " }}"), "nested more than 1000"));
    CHECK(fails_with(render(repeated("{% if 1 %}", 50000)), "nested more than 100"));
    CHECK(fails_with(render("{{ 1 " + repeated("if 1 else 1 ", 50000) + "}}"), "nested more than 100"));
    CHECK(fails_with(render(std::string(2000000, 'a')), "at most 1048576"));
    CHECK(text_of("{{ 1" + repeated(" ~ 1", 10000) + " }}").size() == 10001);
}

TEST_CASE("limits are the caller's") {
    RenderOptions options;
    options.output_bytes = 5;
    CHECK(*render("12345", "{}", options) == "12345");
    CHECK(fails_with(render("123456", "{}", options), "more than 5 bytes"));
    options = {};
    options.value_bytes = 100000;
    CHECK(render("{{ 'a' * 90000 }}", "{}", options));
    CHECK(fails_with(render("{{ 'a' * 100001 }}", "{}", options), "more than 100000 bytes"));
    options = {};
    options.steps = 10;
    CHECK(fails_with(render("{% for i in [1,2,3,4,5] %}{{ i }}{% endfor %}", "{}", options), "more than 10 steps"));
    options = {};
    options.depth = 10;
    CHECK(render("{{ [[[[1]]]] }}", "{}", options));
    CHECK(fails_with(render("{{ [[[[[[[[[[1]]]]]]]]]] }}", "{}", options), "nests"));
}
