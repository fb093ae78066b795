#!/usr/bin/env python3
"""Renders random requests by transformers over every chat template, and by the encoders of V3.2 and V4.

usage: make_random.py CHAT_TEMPLATES OUT.jsonl [ENCODING_DSV32.py ENCODING_DSV4.py]

Writes {"template", "context", "output"} for the interpreter: output is null where transformers fails; and
{"template", "context", "output", "format", "request"} where a built-in format stands for the template: context is
request as a server hands it to that template. Encoders have no template and no context.
N_RANDOM: requests for each template, 4 where it is not said; what is committed is small.
"""
import json
import os
import random
import sys
from pathlib import Path

from transformers.utils import chat_template_utils as utils

import make_goldens as base

HERE = Path(__file__).parent
LLAMA_BOS = "<|begin_of_text|>"

WORDS = [
    "a", "Xin chào", "深海", "🦙", "\n", "\n\n", " ", "  ", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\x7f", "\x01",
    "\x1f", "\ufeff", "e\u0301", "</think>", "<think>", "<think>\n", "\n</think>\n\n", "<tool_call>", "</tool_call>",
    "<tool_response>", "</tool_response>", "<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>", "<｜end▁of▁sentence｜>",
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|python_tag|>", "｜DSML｜", "{{ x }}", "{% if x %}", "{# c #}",
    "{\"k\": 1}", "```json\n", "'\"\\", "\\n", "<b>&amp;</b>", "%s {0}", "x" * 40, "0", "False", "None"]
VALUES = [0, 1, -7, 2**31, 2**63, 18446744073709551615, 0.5, -0.0, 1.0, 1e16, 1e22, 1.5e-7, 123456789.125, 5e-324,
          1.7976931348623157e308, "t\u0001é", "", "</｜DSML｜parameter>", "\"quoted\"\n", "ʼ<>&'", None, True, False, [],
          {}, [1, [2, {"a": None}]], {"b": {"c": "d\\"}, "a": [True, "x"]}]
KEYS = ["a", "place", "with space", "quo\"te", "ünï", "items", "keys", "0", "nested"]
NAMES = ["search", "get_weather", "f-1", "a.b", "größe", "x\"y"]


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.in_parts = False  # whether this request has contents in parts

    def chance(self, share):
        return self.rng.random() < share

    def text(self, least=0):
        return "".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(least, 5)))

    def value(self, depth=2):
        if depth > 0 and self.chance(0.15):
            return [self.value(depth - 1) for _ in range(self.rng.randint(0, 3))]
        if depth > 0 and self.chance(0.15):
            return {self.rng.choice(KEYS): self.value(depth - 1) for _ in range(self.rng.randint(0, 3))}
        return self.text() if self.chance(0.2) else self.rng.choice(VALUES)

    def arguments(self):
        return {self.rng.choice(KEYS): self.value() for _ in range(self.rng.randint(0, 3))}

    def tool(self):
        function = {"name": self.rng.choice(NAMES)}
        if self.chance(0.9):
            function["description"] = self.text()
        if self.chance(0.9):
            function["parameters"] = {"type": "object", "properties": {
                self.rng.choice(KEYS): {"type": self.rng.choice(["string", "integer", "object"]),
                                        "description": self.text(), "default": self.value(), "enum": [self.value(0)]}
                for _ in range(self.rng.randint(0, 2))}, "required": [self.rng.choice(KEYS)]}
        if self.chance(0.2):
            function["strict"] = self.chance(0.5)
        if self.chance(0.1):
            function = dict(reversed(function.items()))
        return {"type": "function", "function": function}

    def call(self, number):
        one = base.call(number, self.rng.choice(NAMES), self.arguments(), self.chance(0.5))
        if isinstance(one["function"]["arguments"], str) and self.chance(0.3):
            one["function"]["arguments"] = json.dumps(json.loads(one["function"]["arguments"]), indent=1)
        if self.chance(0.1):
            del one["id"]
        return one

    def content(self, least=0):
        text = self.text(least)
        if not self.in_parts or not self.chance(0.3):
            return text
        parts = [text] + [self.text() for _ in range(self.rng.randint(0, 2))]
        return [{"type": "text", "text": part} for part in parts]

    def assistant(self, calls=None):
        message = {"role": "assistant", "content": self.content()}
        if calls is not None:
            message["tool_calls"] = calls
            message["content"] = self.rng.choice([None, None, "", "", message["content"]])
            if message["content"] is None and self.chance(0.2):
                del message["content"]
        elif self.chance(0.05):
            message["tool_calls"] = self.rng.choice([None, []])
        if self.chance(0.4):
            message[self.rng.choice(["reasoning_content", "reasoning_content", "reasoning"])] = self.rng.choice(
                [self.text(), self.text(1), None])
        if self.chance(0.05):
            message["prefix"] = self.chance(0.7)
        return message

    def messages(self):
        self.in_parts = self.chance(0.2)
        rng, messages, n_calls = self.rng, [], 0
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2])):
            messages.append({"role": "system", "content": self.content()})
        if self.chance(0.1):
            messages.append(self.assistant())
        for _ in range(rng.randint(0 if messages else 1, 4)):
            if self.chance(0.95):
                messages.append({"role": "user", "content": self.content()})
            while self.chance(0.35):
                here = [self.call(n_calls + i) for i in range(rng.choice([1, 1, 1, 2, 3]))]
                messages.append(self.assistant(here))
                results = [{"role": "tool", "tool_call_id": f"call_{n_calls + i}", "content": self.content()}
                           for i in range(len(here))]
                if self.chance(0.2):
                    rng.shuffle(results)
                if self.chance(0.1):
                    results = results[:-1]
                if self.chance(0.1) and results:
                    del results[0]["tool_call_id"]
                messages += results
                n_calls += len(here)
            if self.chance(0.7):
                messages.append(self.assistant())
            if self.chance(0.05):
                messages.append({"role": "system", "content": self.content()})
        for message in messages:
            if self.chance(0.03):
                message["name"] = "Bob"
        return messages or [{"role": "user", "content": self.text()}]

    def request(self):
        request = {"messages": self.messages()}
        if self.chance(0.8):
            request["add_generation_prompt"] = self.chance(0.8)
        key = self.rng.choice(["thinking", "enable_thinking"])
        thinking = self.rng.choice([None, True, False])
        if thinking is not None:
            request[key] = thinking
        if self.chance(0.4):
            request["tools"] = [self.tool() for _ in range(self.rng.randint(1, 3))]
        elif self.chance(0.1):
            request["tools"] = []
        if self.chance(0.05):
            request["reasoning_effort"] = self.rng.choice(["low", "high", "max"])
        return request


def context_of(request, bos, style=None, described=None):
    """What the template sees. style: as make_goldens.template_messages has it; None: as the request says it."""
    messages = request["messages"]
    if style is not None:
        messages = [dict(m, content="".join(p["text"] for p in m["content"])) if isinstance(m.get("content"), list)
                    else dict({"content": None}, **m) for m in messages]
        messages = base.template_messages(messages, style)
        for message in messages:
            if message.get("tool_calls") in (None, []):
                message.pop("tool_calls", None)
    tools = request.get("tools")
    if style is not None:
        tools = tools or None
    if tools and described:
        systems = [m["content"] for m in messages if m["role"] == "system"]
        rest = [m for m in messages if m["role"] != "system"]
        messages = [base.system("\n\n".join(systems) + "\n\n" + described(tools))] + rest
        tools = None
    context = {"messages": utils._alias_reasoning_fields(messages), "tools": tools, "documents": None,
               "add_generation_prompt": request.get("add_generation_prompt", style is not None),
               "bos_token": bos, "eos_token": base.EOS}
    for key in ("thinking", "enable_thinking"):
        if key in request:
            context[key] = request[key]
    if style is not None:  # one meaning, two names
        for key in ("thinking", "enable_thinking"):
            context.setdefault(key, request.get("thinking", request.get("enable_thinking")))
            if context[key] is None:
                del context[key]
    if "reasoning_effort" in request:
        context["reasoning_effort"] = request["reasoning_effort"]
    return context


def v31_tools(tools):
    tools = [{"function": dict({"description": "", "parameters": {}}, **tool["function"])} for tool in tools]
    return base.v31_tools(tools)


def compiled(text):
    # transformers knows no from_json; templates that llama.cpp ships use it.
    environment = utils._compile_jinja_template("").environment
    environment.filters["from_json"] = json.loads
    return environment.from_string(text)


def rendered(template, context):
    try:
        return template.render(**context)
    except Exception:  # any: the template has no form for it
        return None


def main():
    templates, out, *encoders = sys.argv[1:]
    n_requests = int(os.environ.get("N_RANDOM", "4"))
    known = {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B": ("deepseek-r1-distill", "text", None),
             "Qwen-Qwen2.5-7B-Instruct": ("qwen2.5", "object", None),
             "Qwen-Qwen3-0.6B": ("qwen3", "either", None),
             "meta-llama-Llama-3.1-8B-Instruct": ("llama-3.1", "object", None)}
    for name in ("deepseek-v2", "deepseek-v3", "deepseek-r1", "deepseek-r1-distill", "deepseek-r1-0528"):
        known[name] = (name, "text_0528" if name.endswith("0528") else "text", None)
    known["deepseek-v3.1"] = ("deepseek-v3.1", "text", v31_tools)
    files = sorted(Path(templates).glob("*.jinja")) + sorted((HERE / "templates").glob("*.jinja"))
    with open(out, "w", encoding="utf-8", newline="\n") as file:
        def write(**line):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

        for path in files:
            template = compiled(path.read_text(encoding="utf-8"))
            bos = LLAMA_BOS if "Llama-3.1" in path.name else base.BOS
            maker = Maker(path.name)
            n_failed = 0
            for _ in range(n_requests):
                request = maker.request()
                context = context_of(request, bos)
                output = rendered(template, context)
                n_failed += output is None
                write(template=path.name, context=context, output=output)
                if path.stem in known:
                    form, style, described = known[path.stem]
                    context = context_of(request, bos, style, described)
                    write(template=path.name, context=context, output=rendered(template, context), format=form,
                          request=request)
            print(f"{path.name}: {n_requests} requests, {n_failed} that it fails on")
        for name, encoder in zip(("deepseek-v3.2", "deepseek-v4"), encoders):
            render = base.by_encoder(encoder)
            maker = Maker(name)
            n_failed = 0
            for _ in range(n_requests):
                request = maker.request()
                plain = dict(request, messages=context_of(request, "", "text")["messages"],
                             thinking=request.get("thinking", request.get("enable_thinking")))
                try:
                    output = render(plain)
                except Exception:
                    output = None
                n_failed += output is None
                if not request.get("add_generation_prompt", True):
                    continue  # the encoders always ask for an answer
                write(output=output, format=name, request=request)
            print(f"{name}: {n_requests} requests, {n_failed} that it fails on")


if __name__ == "__main__":
    main()
