#!/usr/bin/env python3
"""What transformers renders: chat templates over conversations, and random templates of the language.

usage: make_goldens.py TEMPLATES_FOLDER OUT_FOLDER      (transformers 5.23, jinja2 3.1.6; with HADAL_ORACLE=1 100 times
                                                        as many random templates, which are not committed)
Writes conversations.jsonl {"name", "context"}, chats.jsonl {"template", "conversation", "output" or "error"} and
random.jsonl {"template", "output" or "error"}; all random templates see random_context.json.
"""
import copy
import json
import os
import random
import sys
import warnings

from transformers.utils.chat_template_utils import _compile_jinja_template

warnings.filterwarnings("ignore", category=SyntaxWarning)  # of the Python that jinja2 compiles templates to


def compiled(text):
    # transformers knows no from_json; templates that llama.cpp ships use it.
    environment = _compile_jinja_template("").environment
    environment.filters["from_json"] = json.loads
    return environment.from_string(text)


def rendered(text, context):
    try:
        return {"output": compiled(text).render(**copy.deepcopy(context))}  # a filter may change it
    except Exception as fault:  # any: it is the answer
        return {"error": f"{type(fault).__name__}: {fault}"}


# ---- Conversations ---------------------------------------------------------------------------------------------------

def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def call(name, arguments, number=0):
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def result(text, number=0):
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


SYSTEM = {"role": "system", "content": "Answer in one line. <b>'\"&\\</b> ünïcödé 深海"}
TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "The weather at a place: \"now\" & here.",
        "parameters": {"type": "object", "properties": {
            "place": {"type": "string", "description": "a city, 東京"},
            "days": {"type": "integer", "minimum": 1, "maximum": 18446744073709551615, "default": 1.5e-7},
            "units": {"type": "string", "enum": ["K", "°C"]}, "exact": {"type": "boolean", "default": True}},
            "required": ["place"]}}},
    {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {}}},
]
ARGUMENTS = {"place": "Hà Nội", "days": 2, "list": [1, 2.5, None, True], "nested": {"a": {"b": "c\n"}}}
TALK = [user("Hi there"), assistant("Hello!\n"), user("  How deep is the sea?  ")]
USED = [user("Weather?"), assistant("", tool_calls=[call("weather", ARGUMENTS)]), result("{\"t\": 21.5}")]
TWICE = [user("Both?"), assistant("Let me see.", tool_calls=[call("weather", ARGUMENTS), call("now", {}, 1)]),
         result("rain"), result("noon", 1)]


def conversations():
    plain = {"bos_token": "<BOS>", "eos_token": "<EOS>", "add_generation_prompt": True}
    done = dict(plain, add_generation_prompt=False)
    thought = assistant("About 11 km.", reasoning_content="The Challenger Deep\nis deepest.")
    as_text = [user("Weather?"), assistant(None, tool_calls=[call("weather", json.dumps(ARGUMENTS))]), result("rain")]
    return {
        "one turn": dict(plain, messages=[user("Hi")]),
        "system": dict(plain, messages=[SYSTEM] + TALK),
        "two systems": dict(plain, messages=[SYSTEM, SYSTEM] + TALK),
        "no prompt": dict(done, messages=[SYSTEM] + TALK + [assistant("Deep.")]),
        "nothing": dict(plain, messages=[]),
        "prompt not said": {"bos_token": "<BOS>", "messages": TALK},
        "thinking": dict(plain, messages=TALK, thinking=True, enable_thinking=True),
        "not thinking": dict(plain, messages=TALK, thinking=False, enable_thinking=False),
        "effort": dict(plain, messages=TALK, thinking=True, reasoning_effort="max"),
        "thoughts in text": dict(done, messages=TALK + [assistant("<think>\nhm\n</think>\n\nDeep."), user("How?")]),
        "thoughts": dict(plain, messages=TALK + [thought, user("Sure?")], thinking=True),
        "last thoughts": dict(done, messages=TALK + [thought], thinking=True),
        "tools": dict(plain, messages=[SYSTEM] + TALK, tools=TOOLS),
        "tools without system": dict(plain, messages=TALK, tools=TOOLS),
        "call": dict(plain, messages=USED, tools=TOOLS),
        "call and answer": dict(plain, messages=[SYSTEM] + USED + [assistant("21.5 K"), user("Thanks")], tools=TOOLS),
        "two calls": dict(plain, messages=TWICE, tools=TOOLS, thinking=True),
        "arguments as text": dict(plain, messages=as_text, tools=TOOLS),
        "thought and call": dict(plain, tools=TOOLS, thinking=True, messages=[user("Weather?"), assistant(
            "", reasoning_content="I need the tool.", tool_calls=[call("weather", {"place": "x"})]), result("rain")]),
        "builtin tools": dict(plain, messages=TALK, builtin_tools=["search", "code_interpreter"]),
        "parts": dict(plain, messages=[user([{"type": "text", "text": "Hi"}])]),
    }


# ---- Random templates ------------------------------------------------------------------------------------------------

CONTEXT = {
    "s": "Hello, Wörld", "e": "", "n": 7, "z": 0, "neg": -3, "f": 2.5, "t": True, "no": False, "nil": None,
    "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "mix": [1, "a", None, 2.5, True],
    "d": {"b": 1, "a": "x", "items": [1]},
    "o": [{"k": "x", "v": 2}, {"k": "Y", "v": 1}, {"k": "x"}], "nest": [[1, 2], [3, [4, 5]]],
    "txt": "  a b\tc\n d  ", "big": "line one\nline two\n\nline four"}
NAMES = list(CONTEXT) + ["undef", "x.y"]
LITERALS = """0|1|2|-1|3|10|1.5|0.1|-2.25|1e3|1e20|100000000000|'a'|'b'|''|'ab c'|"x\\ny"|'é'|'a' 'b'|true|false|none|
[1,2]|[]|(1,)|(1,'a')|{}|{'a':1,'b':[2]}|{1:2}|'%s'|'1_0'|'0x1f'|' 12 '""".replace("\n", "").split("|")
FILTERS = """abs;capitalize;count;d;default('q');default('q',true);dictsort;first;float;float(1.5);int;int(5);
int(base=16);items|list;join;join(', ');join(attribute='k');last;length;list;lower;map('upper')|list;
map(attribute='k')|list;map(attribute='v',default=0)|list;map('string')|list;max;min;reject|list;rejectattr('v')|list;
replace('a','b');replace('a','b',1);reverse|list;round;round(1);round(1,'floor');select|list;select('string')|list;
selectattr('v')|list;selectattr('k','equalto','x')|list;select('>',1)|list;sort;sort(reverse=true);sort(attribute='k');
sort(case_sensitive=true);string;sum;sum(start=1);title;tojson;tojson(indent=2);tojson(sort_keys=true);
tojson(ensure_ascii=true);tojson(separators=(',',':'));trim;trim('a ');truncate(5);truncate(6,true);unique|list;upper;
wordcount;batch(2)|list;slice(2)|list;slice(2,'x')|list;batch(2,'x')|list;indent;indent(2,true);indent('>');center(9);
groupby('k');groupby(0);format(1);attr('k')""".replace("\n", "").split(";")
TESTS = """defined;undefined;none;boolean;true;false;integer;float;number;string;mapping;sequence;iterable;callable;
even;odd;divisibleby 2;divisibleby(3);eq 1;equalto('a');ne(1);gt 1;lt(2);ge 1;le 1;in [1,2,'a'];lower;upper;sameas none;
sameas true;filter;test""".replace("\n", "").split(";")
METHODS = """.upper();.lower();.strip();.strip('aH');.lstrip();.rstrip();.split();.split(',');.split(' ',1);
.rsplit(' ',1);.rsplit(None,1);.split(None,1);.splitlines();.startswith('H');.endswith(('d','x'));.replace('l','L');
.replace('','-');.replace('l','L',1);.title();.capitalize();.find('l');.rfind('l');.count('l');.index('l');
.join(ls);.items();.keys();.values();.get('a');.get('zz',1);.isdigit();.isalpha();.isspace();.isupper();.islower();
.zfill(5);.center(8,'*');.ljust(6);.rjust(9);.partition(',');.rpartition('l');.swapcase();.removeprefix('He');
.format(1,2);.k;.a;.0;.index(1);.count(1);.copy();.find('o',3,-1);.startswith('l',2);.casefold();.isalnum()"""
METHODS = METHODS.replace("\n", "").split(";")


LOOP = """loop.index loop.index0 loop.revindex loop.revindex0 loop.first loop.last loop.length loop.depth loop.depth0
loop.previtem loop.nextitem loop.cycle('p','q') loop.changed(a) loop.nextitem.k""".split()
LOOPED = """l ls mix o nest d.items() d|items txt.split() s s[::2] range(n) range(1,n,3) range(-1) undef [] l[::-1] d
o|groupby('k') d|dictsort ls|sort|list l|batch(2) (1,2,3) nil n big.splitlines() o[1:] ls|map('upper')
o|map(attribute='k') nest|sum(start=[]) ls+['z'] o|selectattr('v')|list d.keys() d.values() 'a,b'.split(',')""".split()
TEXTS = ["", " ", "\n", "x", "  y \n", "\n\n  ", "<|im|>\n", "{ }", "é ", "\t", "#", "%", "{{ '{{' }}", "end\n"]
PRINTED = """'%s: %d' % (s, n)|'%05.1f|%-4s|%+d' % (f, e, n)|'%r' % ls|'%(b)s' % d|'{:>8}|{!r}'.format(n, s)|
'{0[k]}'.format(o[0])|'%x %o %e %g' % (n, n, f, f)|'%5s%%' % s|'{:,}'.format(100000000)|'{:.2%}'.format(f)|
'{a} {b:^5}'.format(a=n, b=s)|'{:08.3f}'.format(f)|'%c' % 'x'|'%i' % f|'%s'|format(n)|'%s' % d|'%s %s' % l|
'{}'.format(mix)""".replace("\n", "").split("|'")
PRINTED = [PRINTED[0]] + ["'" + text for text in PRINTED[1:]]


class Programs:
    """Random statements: loops, macros, calls, blocks, namespaces and white space control."""

    def __init__(self, writer):
        self.writer, self.pick, self.macros = writer, writer.pick, []

    def tag(self, text):
        return (self.pick.choice(["{%"] * 4 + ["{%-"] * 2 + ["{%+"]) + " " + text + " "
                + self.pick.choice(["%}"] * 4 + ["-%}"] * 2 + ["+%}"] * (self.pick.random() < 0.3) + ["%}"]))

    def text(self):
        return self.pick.choice(TEXTS)

    def print(self, inside):
        pick = self.pick
        choices = [self.writer.expression(1), pick.choice(PRINTED), pick.choice(NAMES)]
        if "loop" in inside:
            choices += [pick.choice(LOOP), "a", "a", "loop.index ~ ':' ~ a"]
        if "space" in inside:
            choices += ["ns.x", "ns.y"]
        if "macro" in inside:
            choices += ["p", "q", "caller()" if "called" in inside else "p", "varargs", "kwargs", "caller is defined"]
        if self.macros and "macro" not in inside:
            choices += [self.use(), self.use()]
        if "recursive" in inside:
            choices += ["loop(a)", "loop(a.nope)", "loop(a) if a is iterable and a is not string else a"]
        return pick.choice(["{{ ", "{{ ", "{{- "]) + pick.choice(choices) + pick.choice([" }}", " }}", " -}}"])

    def use(self):
        arguments = [self.writer.expression(0) for _ in range(self.pick.randint(0, 2))]
        arguments += [self.pick.choice(["q", "z", "p"]) + "=" + self.writer.expression(0)] * (self.pick.random() < 0.4)
        return self.pick.choice(self.macros) + "(" + ", ".join(arguments) + ")"

    def body(self, depth, inside):
        return "".join(self.statement(depth, inside) for _ in range(self.pick.randint(1, 3)))

    def statement(self, depth, inside):
        pick, tag = self.pick, self.tag
        if depth <= 0 or pick.random() < 0.35:
            return self.text() + self.print(inside) + self.text()
        body = lambda *more: self.body(depth - 1, inside | set(more))  # noqa: E731
        kind = pick.randrange(15)
        if kind < 4:
            target = pick.choice(["a", "a", "a", "a, b", "(a, b)"])
            items = pick.choice(LOOPED)
            condition = pick.choice(["", "", "", " if a", " if a != 1", " if a is string", " if loop is defined"])
            recursive = pick.random() < 0.15
            text = tag(f"for {target} in {items}{condition}{' recursive' * recursive}") + self.text()
            text += body("loop", *["recursive"] * recursive)
            if pick.random() < 0.2:
                text += tag("if " + pick.choice(["loop.index > 2", "a == 1", "loop.last"])) + pick.choice(
                    [tag("break"), tag("continue")]) + tag("endif") + self.print(inside | {"loop"})
            return text + (tag("else") + body() if pick.random() < 0.2 else "") + tag("endfor")
        if kind < 7:
            text = tag("if " + self.writer.expression(pick.randint(1, 2))) + body()
            text += tag("elif " + self.writer.expression(1)) + body() if pick.random() < 0.3 else ""
            return text + (tag("else") + body() if pick.random() < 0.5 else "") + tag("endif")
        if kind == 7:
            return tag(f"set {pick.choice(['v', 'v', 'v, w'])} = {self.writer.expression(2)}") + "{{ v }}"
        if kind == 8:
            how = pick.choice(["", "", " | upper", " | trim"])
            return tag("set v" + how) + body() + tag("endset") + "[{{ v }}]"
        if kind == 9:
            text = tag("set ns = namespace(" + pick.choice(["x=1", "x=0, y='b'", "{'x': 2}", "d", "x=[]"]) + ")")
            text += tag(f"for a in {pick.choice(LOOPED)}") + tag(
                "set ns.x = " + pick.choice(["ns.x + 1", "a", "ns.x ~ a", "ns.x + [a]", "loop.index", "[ns.x, a]"]))
            return text + self.text() + tag("endfor") + self.print(inside | {"space"}) + "{{ ns.x }}"
        if kind == 10:
            name = f"m{len(self.macros)}"
            parameters = pick.choice(["", "p", "p, q", "p, q='d'", "p=1, q=p", "p, q=s", "p=[], q={}"])
            inner = {"macro"} | ({"called"} if pick.random() < 0.3 else set())
            text = tag(f"macro {name}({parameters})") + self.body(depth - 1, inner) + tag("endmacro")
            self.macros.append(name)
            return text + "{{ " + self.use() + " }}" + pick.choice(["", "", "{{ " + name + ".name }}",
                                                                    "{{ " + name + ".arguments }}"])
        if kind == 11 and self.macros:
            return tag(pick.choice(["call ", "call(z) "]) + self.use()) + body() + tag("endcall")
        if kind == 12:
            return tag("filter " + pick.choice(["upper", "trim", "replace('a','b')", "indent(2)", "length|string",
                                                "title", "reverse"])) + body() + tag("endfilter")
        if kind == 13:
            names = pick.choice(["a = 1", "s = n, n = s", "v = ls", "a = s|upper"])
            return tag("with " + names) + body() + tag("endwith")
        return pick.choice([
            tag("raw") + " {{ x }} {% if %} \n" + tag("endraw"), "{# c #}", "{#- c\n -#}", "\n{# x #}\n",
            tag("generation") + body() + tag("endgeneration")])


class Writer:
    def __init__(self, seed):
        self.pick = random.Random(seed)

    def subscript(self):
        number = lambda: str(self.pick.randint(-4, 4))  # noqa: E731
        step = self.pick.choice(["1", "2", "-1", "-2", "3"])
        return self.pick.choice([number(), "::-1", number() + ":", ":" + number(), f"{number()}:{number()}:{step}",
                                 "'a'", "'k'", "n", "z"])

    def expression(self, depth):
        pick = self.pick
        if depth <= 0:
            return pick.choice(NAMES) if pick.random() < 0.6 else pick.choice(LITERALS)
        inner = lambda: self.expression(depth - 1)  # noqa: E731
        kind = pick.randrange(14)
        if kind == 0:
            return f"{inner()} {pick.choice('+ - * / // % ~ **'.split())} {inner()}"
        if kind == 1:
            return f"{inner()} {pick.choice(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} {inner()}"
        if kind == 2:
            return f"{inner()} {pick.choice(['and', 'or'])} {inner()}"
        if kind == 3:
            return f"not {inner()}"
        if kind in (4, 5):
            return f"{inner()} | {pick.choice(FILTERS)}"
        if kind == 6:
            return f"({inner()}) | {pick.choice(FILTERS)} | {pick.choice(FILTERS)}"
        if kind == 7:
            return f"{inner()} is {pick.choice(['', 'not '])}{pick.choice(TESTS)}"
        if kind in (8, 9):
            return f"({inner()}){pick.choice(METHODS)}"
        if kind == 10:
            return f"({pick.choice(NAMES)})[{self.subscript()}]"
        if kind == 11:
            return f"({inner()} if {inner()} else {inner()})" if pick.random() < 0.7 else f"({inner()} if {inner()})"
        if kind == 12:
            return f"{pick.choice(['-', '+', ''])}({inner()})"
        return f"[{inner()}, {inner()}]" if pick.random() < 0.5 else f"{{'p': {inner()}, 's': 1}}"

    def template(self):
        pick = self.pick
        if pick.random() < 0.4:
            return Programs(self).body(pick.randint(1, 3), set())
        kind = pick.randrange(10)
        if kind < 7:
            return "{{ " + self.expression(pick.randint(1, 4)) + " }}"
        if kind == 7:
            return ("{% for a in " + self.expression(2) + " %}[{{ loop.index }}{{ a }}{% if loop.last %}!{% endif %}]"
                    "{% else %}none{% endfor %}")
        if kind == 8:
            condition = pick.choice(["a", "a != 1", "a is string"])
            return ("{% for a in " + self.expression(1) + f" if {condition} %}}"
                    "{{ a }},{{ loop.length }}{% endfor %}")
        return ("{% set v = " + self.expression(2) + " %}{% if " + pick.choice(["v", "v is string", "v == 1"])
                + " %}A{{ v }}{% elif v is none %}N{% else %}B{% endif %}")


def comparable(text, answer):
    """Not what depends on where Python keeps an object; nor integers beyond 64 bits and complex numbers, which are
    errors here."""
    output = answer.get("output", "")
    without_text = ("object at 0x", "built-in", "bound method", "<Macro")
    if "1e20" in text and "int" in text or "**" in text and ("neg" in text or "-" in text):
        return False
    if any(part in output for part in without_text) or len(output) > 2000:
        return False
    if any(len(word) > 18 for word in "".join(c if c.isdigit() else " " for c in output).split()):
        return False
    return True


def main():
    templates, out = sys.argv[1:]
    with open(os.path.join(out, "conversations.jsonl"), "w", encoding="utf-8") as file:
        for name, context in conversations().items():
            file.write(json.dumps({"name": name, "context": context}, ensure_ascii=False) + "\n")
    with open(os.path.join(out, "chats.jsonl"), "w", encoding="utf-8") as file:
        for name in sorted(os.listdir(templates)):
            with open(os.path.join(templates, name), encoding="utf-8") as source:
                text = source.read()
            for conversation, context in conversations().items():
                answer = rendered(text, context)
                file.write(json.dumps({"template": name, "conversation": conversation, **answer},
                                      ensure_ascii=False) + "\n")
    with open(os.path.join(out, "styles.jsonl"), "w", encoding="utf-8") as file:
        styles = os.path.join(os.path.dirname(os.path.abspath(__file__)), "styles")
        for i, name in enumerate(sorted(os.listdir(styles))):
            with open(os.path.join(styles, name), encoding="utf-8", newline="") as source:
                text = source.read()
            for j, (conversation, context) in enumerate(conversations().items()):
                if os.environ.get("HADAL_ORACLE") == "1" or (i + j) % 4 == 0:  # what is committed is small
                    file.write(json.dumps({"template": name, "conversation": conversation, **rendered(text, context)},
                                          ensure_ascii=False) + "\n")
    n_random = int(os.environ.get("N_RANDOM", "100000" if os.environ.get("HADAL_ORACLE") == "1" else "1000"))
    writer = Writer(seed=n_random)
    with open(os.path.join(out, "random_context.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(CONTEXT, ensure_ascii=False) + "\n")
    n_written = 0
    with open(os.path.join(out, "random.jsonl"), "w", encoding="utf-8") as file:
        while n_written < n_random:
            text = writer.template()
            if "**" in text and "00000" in text:
                continue  # Python would compute integers without end
            answer = rendered(text, CONTEXT)
            # Of errors, a tenth: most random expressions are one.
            if comparable(text, answer) and ("output" in answer or writer.pick.random() < 0.1):
                file.write(json.dumps({"template": text, **answer}, ensure_ascii=False) + "\n")
                n_written += 1


main()
