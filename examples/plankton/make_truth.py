"""Writes plankton.json: what the exported model says according to transformers, for `hadal selftest` and the tests.

usage: make_truth.py HF_FOLDER OUT.json

Greedy answers and logits are computed in f32 from the folder's weights; of sums and JSON, which were never in the
training text, stands there what is right."""
import argparse
import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

import evaluate
import questions

TEXTS = ["Once upon a time", "47 + 85 = 132.", " \n\n  two  spaces\tand a tab", "Xin chào, thế giới!", "你好，世界。",
         "{\"name\": \"Lily\", \"age\": 7}", "naïve café — “quotes” …", "12345 6789", "🐟🌊", "a\u0301 \u200b ﷺ"]


def templates(tokenizer):
    requests = [
        {"messages": [{"role": "user", "content": "What is 47 + 85?"}]},
        {"messages": [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": "A"},
                      {"role": "assistant", "content": "why</think>\n\nB"}, {"role": "user", "content": "C"}]},
        {"messages": [{"role": "user", "content": "你好"}], "add_generation_prompt": False},
    ]
    return [{"request": request, "text": tokenizer.apply_chat_template(
        request["messages"], tokenize=False, add_generation_prompt=request.get("add_generation_prompt", True))}
        for request in requests]


@torch.no_grad()
def logits_after(model, ids):
    row = model(torch.tensor([ids])).logits[0, -1]
    tokens = sorted(row.topk(16).indices.tolist() + list(range(5, len(row), len(row) // 16)))
    return {"ids": ids, "tokens": tokens, "values": [round(row[i].item(), 6) for i in tokens],
            "largest": round(row.abs().max().item(), 6)}


def lined(value):
    """As JSON; of a list each element on a line of its own."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    model = AutoModelForCausalLM.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    asked = questions.mixed_prompts(tokenizer, 50)
    truth = {
        "made_by": f"examples/plankton/make_truth.py, transformers {transformers.__version__}, "
                   f"torch {torch.__version__}, seed {questions.SEED}",
        "tokenizer": [{"text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]} for text in TEXTS],
        "template": templates(tokenizer),
        "logits": [logits_after(model, ids) for ids in asked[::10]],
        "greedy": [{"ids": ids, "answer": evaluate.answers(model, tokenizer, [ids])[0]} for ids in asked],
        "max_tokens": questions.MOST,
        "sums": [[turn.ask, turn.answer] for turn in questions.sum_turns(500)],
        "json": [{"request": questions.request_of(turn), "answer": json.loads(turn.answer)}
                 for turn in questions.json_turns(200)],
    }
    lines = ",\n".join(f"{json.dumps(key)}: {lined(value)}" for key, value in truth.items())
    arguments.out.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
