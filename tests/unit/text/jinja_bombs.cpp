// Templates made to take all time or memory there is: each ends in an error, whatever it makes grow. How long each
// takes is printed: the slowest always, every one where HADAL_BOMBS is set. A release build needs less than 100 ms for
// any.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "text/jinja.h"

using namespace hadal::core;
using namespace hadal::core::jinja;

namespace {

std::string repeated(std::string_view text, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += text;
    return out;
}

/// The body, 99,999 times; before it, what it works on.
std::string often(const std::string &body, const std::string &before = "") {
    return before + "{% for i in range(99999) %}" + body + "{% endfor %}";
}

/// Until nothing is left, for bodies that cost more than a step.
std::string for_ever(const std::string &body, const std::string &before = "") {
    return before + "{% for j in range(99999) %}{% for i in range(99999) %}" + body + "{% endfor %}{% endfor %}";
}

struct Bomb {
    std::string name, source;
};

const std::string kLong = "{% set a = 'a' * 20000000 %}{% set b = ('a' * 19999999) ~ 'b' %}";
const std::string kHalf =
    "{% set a = 'a' * 1000000 %}{% set b = ('a' * 499999) ~ 'b' %}{% set c = 'b' ~ ('a' * 499999) %}";

std::vector<Bomb> bombs_of_the_issue() {
    return {
        {"range", often("x", "{% for i in range(10**9) %}x{% endfor %}")},
        {"macro of itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
        {"macro of itself, twice", "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"},
        {"nested parentheses", "{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}"},
        {"nested lists", "{{ " + repeated("[", 100000) + repeated("]", 100000) + " }}"},
        {"nested dictionaries", "{{ " + repeated("{1:", 100000) + "1" + repeated("}", 100000) + " }}"},
        {"1 GiB written", often("{{ x }}", "{% set x = 'a' * 1048576 %}")},
        {"1 GiB written by a byte", for_ever("x")},
    };
}

std::vector<Bomb> bombs_that_grow() {
    const std::string space = "{% set n = namespace(x='aaaaaaaa', l=[1], d={}) %}";
    return {
        {"text repeated", "{{ 'a' * 10**9 }}"},
        {"text doubled", often("{% set n.x = n.x + n.x %}", space)},
        {"list doubled", often("{% set n.l = n.l + n.l %}", space)},
        {"list of itself", often("{% set n.l = [n.l, n.l] %}", space) + "{{ n.l }}"},
        {"list deeper and deeper", often("{% set n.l = [n.l] %}", space) + "{{ n.l | tojson }}"},
        {"text from the left", for_ever("{% set n.x = 'a' ~ n.x %}", space)},
        {"list from the left", for_ever("{% set n.l = [i] + n.l %}", space)},
        {"dictionary copied", for_ever("{% set n.d = dict(n.d, **{i|string: i}) %}", space)},
        {"names of a namespace", "{% set n = namespace(" + repeated("a=1, ", 100000) + ") %}{{ n() }}"},
        {"namespace of itself", "{% set n = namespace(x=1) %}{% set n.x = n %}{{ n }}"},
        {"join", "{{ ('b' * 99999).join(['a'] * 9999) }}"},
        {"join, filter", "{{ (['a'] * 99999) | join('b' * 99999) }}"},
        {"replace", "{{ ('a' * 9999).replace('a', 'b' * 99999) }}"},
        {"replace nothing", "{{ ('a' * 999999).replace('', 'b' * 99999) }}"},
        {"replace nothing, filter", "{{ ('a' * 999999) | replace('', 'b' * 99999) }}"},
        {"width, percent", "{{ '%999999999d' % 1 }}"},
        {"width, star", "{{ '%*d' % (999999999, 1) }}"},
        {"width, filter", "{{ '%999999999d' | format(1) }}"},
        {"width, braces", "{{ '{:999999999}'.format(1) }}"},
        {"precision", "{{ '%.999999999f' % 1.5 }}"},
        {"center", "{{ 'a'.center(10**12) }}"},
        {"ljust", "{{ 'a'.ljust(10**18) }}"},
        {"zfill", "{{ '1'.zfill(10**18) }}"},
        {"indent", "{{ 'a\nb' | indent(10**12) }}"},
        {"indent of many lines", "{{ ('a\n' * 99999) | indent(99999) }}"},
        {"indent of JSON", "{{ [[1]] | tojson(indent=10**9) }}"},
        {"indent of deep JSON", "{{ " + repeated("[", 60) + repeated("]", 60) + " | tojson(indent=9999999) }}"},
        {"separators of JSON", "{{ range(99999) | list | tojson(separators=('a' * 999999, ':')) }}"},
        {"batch", "{{ [1] | batch(10**9, 'x') | list }}"},
        {"slice", "{{ [1] | slice(10**9) | list }}"},
        {"words", "{{ ('a ' * 20000000).split() }}"},
        {"split", "{{ ('a' * 50000000).split('a') }}"},
        {"split from the right", "{{ ('a' * 50000000).rsplit('a') }}"},
        {"lines", "{{ ('\n' * 50000000).splitlines() }}"},
        {"characters", "{{ ('a' * 50000000) | list }}"},
        {"sum of lists", "{{ ([range(9999)|list] * 99999) | sum(start=[]) }}"},
        {"maps of maps", often("{% set n.l = n.l | map('string') | list + n.l %}", space)},
        {"power", "{{ 10 ** 10 ** 10 }}"},
        {"escapes", often("{% set n.x = n.x | tojson %}", space)},
        {"escapes of HTML", often("{% set n.x = n.x ~ '<' | e %}", space)},
        {"blocks of text", often("{% set x %}{{ x }}{{ x }}a{% endset %}{% set n.x = n.x ~ x ~ n.x %}", space)},
        {"dates", for_ever("{{ strftime_now('%A' * 99999) }}")},
    };
}

std::vector<Bomb> bombs_that_take_long() {
    const std::string macro = "{% macro f(a, b=1, c=2) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}";
    const std::string keys = "{% set d = {" + repeated("'" + repeated("k", 5000) + "a': 1, ", 8) + "'x': 1} %}";
    return {
        {"nested loops", for_ever("")},
        {"three loops", for_ever("{% for k in range(99999) %}{% endfor %}")},
        {"recursive loop", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
        {"recursive loop, wide", "{% for i in range(9) recursive %}{{ loop(range(9)) }}{% endfor %}"},
        {"macros", for_ever("{% set x = f(1, 2, 3, 4, x=5) %}", macro)},
        {"call blocks", for_ever("{% call f(1) %}a{% endcall %}", "{% macro f(a) %}{{ caller() }}{% endmacro %}")},
        {"filter blocks", for_ever("{% filter upper %}a{% endfilter %}")},
        {"scopes", for_ever("{% with a = 1, b = 2 %}{% if a == b %}{% endif %}{% endwith %}")},
        {"equal texts", for_ever("{% if a == b %}{% endif %}", kLong)},
        {"order of texts", for_ever("{% if a < b %}{% endif %}", kLong)},
        {"text in a list", for_ever("{% if b in [a, a, a, a] %}{% endif %}", kLong)},
        {"text as key", for_ever("{% if b in d %}{% endif %}", kLong + "{% set d = {a: 1, a ~ 'c': 2} %}")},
        {"text as item", for_ever("{% if d[b] %}{% endif %}", kLong + "{% set d = {a: 1, a ~ 'c': 2} %}")},
        {"text by get", for_ever("{% if d.get(b) %}{% endif %}", kLong + "{% set d = {a: 1, a ~ 'c': 2} %}")},
        {"text as attribute", for_ever("{% if d." + repeated("k", 5000) + "b %}{% endif %}", keys)},
        {"dictionaries of texts", for_ever("{% set x = {a: 1, b: 2} %}", kLong)},
        {"equal lists", for_ever("{% if l == m %}{% endif %}", "{% set l = range(9999)|list %}{% set m = l + [] %}")},
        {"find", for_ever("{% if a.find(b) %}{% endif %}", kHalf)},
        {"find from the right", for_ever("{% if a.rfind(c) %}{% endif %}", kHalf)},
        {"text in text", for_ever("{% if b in a %}{% endif %}", kHalf)},
        {"count", for_ever("{% if a.count(b) %}{% endif %}", kHalf)},
        {"split by much", for_ever("{% set x = a.split(b) %}", kHalf)},
        {"split by much, from the right", for_ever("{% set x = a.rsplit(c) %}", kHalf)},
        {"replace much", for_ever("{% set x = a.replace(b, '') %}", kHalf)},
        {"partition", for_ever("{% set x = a.partition(b) %}", kHalf)},
        {"partition from the right", for_ever("{% set x = a.rpartition(c) %}", kHalf)},
        {"find what is half there", for_ever("{% if a.find(x) %}{% endif %}", kHalf + "{% set x = 'a' * 30 ~ 'b' %}")},
        {"starts with many",
         for_ever("{% if a.startswith(t) %}{% endif %}", kHalf + "{% set t = (b, b, b, b, b, b) * 999 %}")},
        {"ends with many",
         for_ever("{% if a.endswith(t) %}{% endif %}", kHalf + "{% set t = (c, c, c, c, c, c) * 999 %}")},
        {"prefixes", for_ever("{% set x = a.removeprefix(b) %}{% set x = a.removesuffix(c) %}", kHalf)},
        {"white space", for_ever("{% set x = s.strip() %}", "{% set s = ' ' * 50000000 %}")},
        {"wide white space", for_ever("{% set x = s | trim %}", "{% set s = '\u3000' * 10000000 %}")},
        {"letters stripped", for_ever("{% set x = a.strip('bca') %}", kLong)},
        {"length", for_ever("{% if a | length %}{% endif %}", kLong)},
        {"one character", for_ever("{% if a[-2] %}{% endif %}", kLong)},
        {"a slice", for_ever("{% if a[5:-5] %}{% endif %}", kLong)},
        {"steps of a slice", for_ever("{% set x = a[::7] %}", kHalf)},
        {"case", for_ever("{% if a.isupper() %}{% endif %}", kLong)},
        {"digits", for_ever("{% if s.isdigit() %}{% endif %}", "{% set s = '1' * 20000000 %}")},
        {"lower", for_ever("{% if a is lower %}{% endif %}", kLong)},
        {"integer", for_ever("{% if s | int %}{% endif %}", "{% set s = ' ' * 20000000 ~ '1' %}")},
        {"integer of many digits", for_ever("{% if s | int %}{% endif %}", "{% set s = '0' * 20000000 ~ '1' %}")},
        {"real", for_ever("{% if s | float %}{% endif %}", "{% set s = '0' * 20000000 ~ '1' %}")},
        {"JSON read", for_ever("{% set x = s | from_json %}", "{% set s = '[' ~ '1,' * 500000 ~ '1]' %}")},
        {"JSON almost read", for_ever("{% set x = s | from_json %}", "{% set s = '[' ~ '1,' * 500000 %}")},
        {"JSON of white space", for_ever("{% set x = s | from_json %}", "{% set s = ' ' * 20000000 ~ '1' %}")},
        {"deep JSON read", "{{ ('[' * 9999999) | from_json }}"},
        {"words counted", for_ever("{% if s | wordcount %}{% endif %}", "{% set s = 'a ' * 9999999 %}")},
        {"sort", for_ever("{% set x = l | sort %}", "{% set l = range(99999) | list %}")},
        {"sort of texts", for_ever("{% set x = [a, b] * 99 | sort %}{% set x = ([a, b] * 99) | sort %}", kHalf)},
        {"sort of nothing in common", "{{ (range(9999)|list + ['a']) | sort }}"},
        {"unique", for_ever("{% set x = ([a, b] * 999) | unique | list %}", kHalf)},
        {"groups", for_ever("{% set x = l | groupby(0) %}", "{% set l = [[1], [2]] * 9999 %}")},
        {"extremes", for_ever("{% set x = l | max %}", "{% set l = range(99999) | list %}")},
        {"extremes of texts", for_ever("{% set x = ([a, b] * 99) | min %}", kHalf)},
        {"attributes",
         for_ever("{% set x = l | map(attribute='a.b.c.d.e.f.g.h') | list %}", "{% set l = [{}] * 9999 %}")},
        {"tests", for_ever("{% set x = l | select('in', l) | list %}", "{% set l = range(9999) | list %}")},
        {"truncated", for_ever("{% set x = a | truncate(10) %}", kLong)},
        {"many words of a format",
         for_ever("{% set x = s % l %}", "{% set s = '%s' * 9999 %}{% set l = (1,) * 9999 %}")},
        {"a format of much text", for_ever("{% set x = s.format(1) %}", "{% set s = 'a' * 9999999 ~ '{' %}")},
        {"a format by name", for_ever("{% set x = s % d %}", "{% set s = '%(a' ~ 'a' * 9999999 %}{% set d = {} %}")},
        {"neighbours of a loop",
         for_ever("{% for k in l if k %}{% if loop.length and loop.changed(l) %}{% endif %}{% endfor %}",
                  "{% set l = range(999) | list %}")},
        {"long sums", "{{ 1" + repeated(" + 1", 200000) + " }}"},
        {"long joins", often("{% set x = 1" + repeated(" ~ 1", 5000) + " %}")},
        {"long conditions", often("{% if x" + repeated(" or x", 90) + repeated(" and x", 90) + " %}{% endif %}")},
        {"long lists", often("{% set x = [" + repeated("1,", 50000) + "] %}")},
        {"long calls", often("{% set x = dict(" + repeated("a=1,", 50000) + ") %}")},
        {"long attributes", often("{% set x = d" + repeated(".a", 90) + " %}", "{% set d = {} %}")},
    };
}

std::vector<Bomb> bombs_to_parse() {
    return {
        {"deep blocks", repeated("{% if 1 %}", 100000)},
        {"deep loops", repeated("{% for a in b %}", 60000)},
        {"deep macros", repeated("{% macro f() %}", 60000)},
        {"deep negations", "{{ " + repeated("not ", 200000) + "1 }}"},
        {"deep signs", "{{ " + repeated("-", 1000000) + "1 }}"},
        {"deep choices", "{{ 1 " + repeated("if 1 else 1 ", 80000) + "}}"},
        {"many filters", "{{ 1" + repeated(" | abs", 100000) + " }}"},
        {"many tests", "{{ 1" + repeated(" is a", 100000) + " }}"},
        {"many calls", "{{ f" + repeated("()", 500000) + " }}"},
        {"many subscripts", "{{ f" + repeated("[0]", 300000) + " }}"},
        {"many openings", repeated("{{", 500000)},
        {"many comments", repeated("{##}", 250000) + "{#"},
        {"many raws", repeated("{% raw %}{% endraw %}", 45000) + "{% raw %}"},
        {"many strings", "{{ " + repeated("'a' ", 250000) + "("},
        {"a long string", "{{ '" + repeated("a", 1000000)},
        {"escapes", "{{ '" + repeated("\\", 1000000)},
        {"a long number", "{{ " + repeated("9", 1000000) + " }}"},
        {"a long name", "{{ " + repeated("a", 1000000) + "() }}"},
        {"many names", "{% set " + repeated("a, ", 300000) + "a = 1 %}"},
        {"many parameters", "{% macro f(" + repeated("a, ", 300000) + ") %}"},
        {"many values", repeated("{{ a }}", 140000) + "{{ a() }}"},
        {"many statements", repeated("{% set a = 1 %}", 65000) + "{{ a() }}"},
        {"much white space", "{%- " + repeated(" ", 1000000) + "if"},
        {"white space to cut", repeated("{%- if 1 -%} \n \n {%- endif -%} \n", 30000) + "{{ a() }}"},
        {"too much", repeated("a", 2000000)},
    };
}

void set_off(const std::vector<Bomb> &bombs) {
    const bool says_all = std::getenv("HADAL_BOMBS") != nullptr;
    const auto context = Context::from_json("{}");
    REQUIRE(context);
    double slowest = 0;
    std::string which;
    for (const Bomb &bomb : bombs) {
        CAPTURE(bomb.name);
        const std::clock_t begin = std::clock();  // of the processor: other programs do not count
        const auto parsed = Template::parse(bomb.source);
        RenderOptions options;
        options.now = ClockTime{};
        const auto text = parsed ? parsed->render(*context, options) : Result<std::string>(parsed.error());
        const double taken = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
        CHECK(!text);
        if (says_all) {
            std::cout << taken << " ms: " << bomb.name << ": "
                      << (text ? "NO ERROR" : text.error().message.substr(0, 120)) << std::endl;
        }
        if (taken <= slowest) continue;
        slowest = taken;
        which = bomb.name;
    }
    MESSAGE(bombs.size() << " bombs, the slowest in " << slowest << " ms: " << which);
}

}  // namespace

TEST_CASE("bombs of every kind end in an error") {
    set_off(bombs_of_the_issue());
    set_off(bombs_that_grow());
    set_off(bombs_that_take_long());
    set_off(bombs_to_parse());
}
