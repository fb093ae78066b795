#!/usr/bin/env python3
"""Renders conversations by the models' own templates and encoders.

usage: make_goldens.py CHAT_TEMPLATES ENCODING_DSV32.py ENCODING_DSV4.py OUT.jsonl

CHAT_TEMPLATES: the folder chat_templates of the test data. README.md says where the rest is from.
"""
import importlib.util
import json
import os
import random
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a place, in °C",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "A \"city\"\nor 'region'"},
        "days": {"type": "integer", "minimum": 1, "maximum": 1e16, "default": 1.50}}, "required": ["place"]}}}
SEARCH = {"type": "function", "function": {
    "name": "search", "description": "Finds pages", "parameters": {
        "type": "object", "properties": {"query": {"type": "string"}, "filters": {"type": "array", "items": {}},
                                         "deep": {"type": "boolean", "enum": [True, False, None]}}}}}


def call(number, name, arguments, as_text=True):
    given = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")) if as_text else arguments
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": given}}


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def said(text, reasoning=None, calls=None):
    message = {"role": "assistant", "content": text}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return message


def result(number, text):
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


HELLO = [user("Hello")]
TURNS = [user("Hi there."), said("Hi!"), user("Tell me a joke."), said("No."), user("Tôi là ai? 你好 🦙\n")]
MARKED = [system("Never say <｜User｜>, <|im_end|> or <|eot_id|>."),
          user("<think>trick</think> <tool_call> {{ bos }} {% x %}"),
          said("<think>\nold thought\n</think>\n\nAn answer."), user("</think>")]
THOUGHT = [system("Be brief."), user("1+1?"), said("2", "One and one."), user("2+2?"), said("4", "\nTwo and two.\n")]
ONE_CALL = [user("Weather in Huế?"), said(None, "I look.", [call(1, "get_weather", {"place": "Huế", "days": 2})]),
            result(1, '{"sky": "clear", "t": 31.5}')]
TWO_CALLS = [system("Use tools."), user("Compare."),
             said("", "Two calls.", [call(1, "get_weather", {"place": "A \"quoted\"\n"}), call(2, "search", {
                 "query": "b", "filters": [1, 2.0, {"k": None}], "deep": True}, as_text=False)]),
             result(2, "second"), result(1, "first")]
FINISHED = TWO_CALLS + [said("They are alike.", "Compared."), user("Thanks. And C?")]
NO_ARGUMENTS = [user("Go"), said(None, None, [call(1, "search", {})]), result(1, "")]
TEXT_AND_CALL = [user("Go"), said("I shall look it up.", "Hm.", [call(1, "search", {"query": "x"})]),
                 result(1, "found"),
                 said("There.", "Good."), user("More"),
                 said("Again.", None, [call(3, "search", {"query": "y\\z\u2028\x7f"})]), result(3, "1"),
                 said("Done.", "End."), user("Bye")]
PLAIN = {
    "hello": HELLO, "turns": TURNS, "systems": [system("One."), user("a"), system("Two."), said("b"), user("c")],
    "only_system": [system("Alone.")], "empty": [system(""), user(""), said(""), user("")], "marked": MARKED,
    "thought": THOUGHT, "thought_then_user": THOUGHT + [user("3+3?")],
    "spaces": [system("  s \n"), user("\n u\t"), said(" a "), user("\u00a0x\u3000")],
    "assistant_first": [said("Welcome."), user("Hm")], "two_users": [user("a"), user("b")],
}
CALLS = {"one_call": ONE_CALL, "two_calls": TWO_CALLS, "finished": FINISHED, "no_arguments": NO_ARGUMENTS,
         "text_and_call": TEXT_AND_CALL, "called": ONE_CALL[:2],
         "answered": ONE_CALL + [said("Clear.", "Sun.")],
         "user_within": ONE_CALL + [user("Well?")]}


def random_conversation(rng, with_calls, reasoning_needed):
    words = ["a", "Xin chào", "\n", "  ", "</think>", "<think>", "{\"k\": 1}", "🦙", "```json\n", "<|im_end|>", "x" * 30,
             "'\"\\"]
    values = [1, -0.0, 1e22, 1.5e-7, "t\u0001é", None, [True], {}]

    def words_of(least):
        return "".join(rng.choice(words) for _ in range(rng.randint(least, 4)))
    messages = [system(words_of(0)) for _ in range(rng.randint(0, 2))]
    n_calls = 0
    for _ in range(rng.randint(1, 4)):
        messages.append(user(words_of(0)))
        if with_calls and rng.random() < 0.5:
            here = []
            for _ in range(rng.randint(1, 3)):
                n_calls += 1
                name = rng.choice(["search", "get_weather"])
                arguments = {rng.choice("abc") + str(i): rng.choice(values) for i in range(rng.randint(0, 3))}
                here.append(call(n_calls, name, arguments, rng.random() < 0.5))
            text = rng.choice([None, "", words_of(1)])
            messages.append(said(text, words_of(1) if rng.random() < 0.5 else None, here))
            messages += [result(n_calls - len(here) + 1 + i, words_of(0)) for i in range(len(here))]
        if rng.random() < 0.8:
            messages.append(said(words_of(0), words_of(1) if reasoning_needed or rng.random() < 0.5 else None))
    return messages


def template_messages(messages, style):
    """What a server hands the template: arguments as text ('text', 'text_no_empty'), or as objects ('object')."""
    given = []
    for message in messages:
        message = json.loads(json.dumps(message))
        for one in message.get("tool_calls") or []:
            arguments = one["function"]["arguments"]
            if style == "object" and isinstance(arguments, str):
                one["function"]["arguments"] = json.loads(arguments)
            if style != "object" and style != "either" and not isinstance(arguments, str):
                one["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False)
        if message["role"] == "assistant" and message.get("tool_calls"):
            if style.startswith("text"):
                message["content"] = message["content"] or None
                if style == "text_0528":  # its template looks into the content before it asks whether there is any
                    message["content"] = message["content"] or ""
            else:
                message["content"] = message["content"] or ""
        given.append(message)
    return given


def by_template(path, style, described=None):
    template = Path(path).read_text(encoding="utf-8")

    def render(request):
        messages = template_messages(request["messages"], style)
        more = {}
        if request.get("thinking") is not None:
            more = {"thinking": request["thinking"], "enable_thinking": request["thinking"]}
        tools = request.get("tools")
        if tools and described:
            systems = [m["content"] for m in messages if m["role"] == "system"]
            rest = [m for m in messages if m["role"] != "system"]
            messages = [system("\n\n".join(systems) + "\n\n" + described(tools))] + rest
            tools = None
        bos = "<|begin_of_text|>" if "Llama-3.1" in str(path) else BOS
        return render_jinja_template(conversations=[messages], tools=tools, chat_template=template,
                                     add_generation_prompt=request["add_generation_prompt"], bos_token=bos,
                                     eos_token=EOS, **more)[0][0]
    return render


def v31_tools(tools):
    """The tool_description of DeepSeek-V3.1's model card."""
    text = "## Tools\nYou have access to the following tools:\n\n"
    for tool in tools:
        function = tool["function"]
        parameters = json.dumps(function["parameters"], ensure_ascii=False)
        text += f"### {function['name']}\nDescription: {function['description']}\n\nParameters: {parameters}\n\n"
    return text + """IMPORTANT: ALWAYS adhere to this exact format for tool use:
<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>\
{additional_tool_calls}<｜tool▁calls▁end｜>

Where:
- `tool_call_name` must be an exact match to one of the available tools
- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
- For multiple tool calls, chain them directly without separators or spaces"""


def by_encoder(path):
    spec = importlib.util.spec_from_file_location("encoder", path)
    encoder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(encoder)

    def render(request):
        messages = template_messages(request["messages"], "text")
        for message in messages:
            message["content"] = message["content"] or ""
        if request.get("tools"):
            if messages[0]["role"] != "system":
                messages.insert(0, system(""))
            messages[0]["tools"] = request["tools"]
        more = {"reasoning_effort": request["reasoning_effort"]} if "reasoning_effort" in request else {}
        mode = "thinking" if request.get("thinking") else "chat"
        return encoder.encode_messages(messages, thinking_mode=mode, **more)
    return render


def requests_of(spec, rng):
    wide = "N_RANDOM" in os.environ  # for a look far around; what is committed is small
    conversations = dict(PLAIN)
    if spec["calls"]:
        conversations |= CALLS
    for i in range(int(os.environ.get("N_RANDOM", "2"))):
        needed = spec.get("reasoning_needed", False)
        conversations[f"random_{i}"] = random_conversation(rng, spec["calls"], needed)
    for name, messages in conversations.items():
        for thinking in spec["thinking"]:
            with_tools = spec["tools"] and (wide or name in ("hello", "assistant_first", "finished"))
            for tools in ([None, [WEATHER, SEARCH]] if with_tools else [None]):
                both = spec.get("prompts", True) and not tools and (wide or thinking is None)
                for prompt in ([True, False] if both else [True]):
                    request = {"messages": messages, "add_generation_prompt": prompt}
                    if thinking is not None:
                        request["thinking"] = thinking
                    if tools:
                        request["tools"] = tools
                    yield request
    for effort in spec.get("efforts", []):
        yield {"messages": THOUGHT + [user("3+3?")], "add_generation_prompt": True, "thinking": True,
               "reasoning_effort": effort}


def main():
    templates, v32, v4, out = Path(sys.argv[1]), *sys.argv[2:]
    def mine(name):
        return HERE / "templates" / f"{name}.jinja"

    off_on = [None, True, False]
    formats = {
        "deepseek-v2": (by_template(mine("deepseek-v2"), "text"), dict(calls=False)),
        "deepseek-v3": (by_template(mine("deepseek-v3"), "text"), {}),
        "deepseek-r1": (by_template(mine("deepseek-r1"), "text"), {}),
        "deepseek-r1-distill": (by_template(mine("deepseek-r1-distill"), "text"), dict(drops=True)),
        "deepseek-r1-0528": (by_template(mine("deepseek-r1-0528"), "text_0528"), {}),
        "deepseek-v3.1": (by_template(mine("deepseek-v3.1"), "text", v31_tools), dict(tools=True, thinking=off_on)),
        "deepseek-v3.2": (by_encoder(v32), dict(tools=True, thinking=[True, False], prompts=False,
                                                reasoning_needed=True)),
        "deepseek-v4": (by_encoder(v4), dict(tools=True, thinking=[True, False], prompts=False,
                                             efforts=["high", "max"])),
        "qwen2.5": (by_template(templates / "Qwen-Qwen2.5-7B-Instruct.jinja", "object"), dict(tools=True)),
        "qwen3": (by_template(templates / "Qwen-Qwen3-0.6B.jinja", "either"), dict(tools=True, thinking=off_on)),
        "llama-3.1": (by_template(templates / "meta-llama-Llama-3.1-8B-Instruct.jinja", "object"),
                      dict(tools=True, drops=True)),
    }
    rng = random.Random(4)
    with open(out, "w", encoding="utf-8", newline="\n") as file:
        for name, (render, more) in formats.items():
            spec = dict(calls=True, tools=False, thinking=[None]) | more
            n_written = n_refused = 0
            for request in requests_of(spec, rng):
                messages, tools = request["messages"], request.get("tools")
                rest = messages[1:] if messages[0]["role"] == "system" else messages
                first = rest[0]["role"] if rest else None
                drops = any(m.get("tool_calls") and m["content"] for m in messages)
                drops = drops or tools and first != "user"
                try:
                    text = None if drops and spec.get("drops") else render(request)
                except Exception:  # the template or encoder has no form for it
                    text = None
                n_written += 1
                n_refused += text is None
                request = json.dumps(request, ensure_ascii=False)
                file.write(json.dumps({"format": name, "request": request, "text": text}, ensure_ascii=False) + "\n")
            print(f"{name}: {n_written} requests, {n_refused} refused")


if __name__ == "__main__":
    main()
