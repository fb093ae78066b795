"""Measures an exported model with transformers' own classes, in f32.

usage: evaluate.py HF_FOLDER [--gguf FILE] [--hadal COMMAND MODEL] [--text TRAINING.jsonl] [--sums N] [--json N]

--gguf: with the weights of that file, such as a quantised one, in place of the folder's.
--hadal: the greedy tokens of 50 prompts, from that command and model, beside those of transformers.
--text: leaves out stories that the training text has."""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

import generate_text
import stories
from export import N_LAYERS, gguf_tensors
from model import Mtp

SEED = 20  # not that of the training text
MOST = 120  # tokens of an answer


def load_gguf(model, folder, path):
    """The file's tensors, dequantised, in place of the model's."""
    import gguf
    values = {tensor.name: torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
              for tensor in gguf.GGUFReader(path).tensors}
    tensors = load_file(folder / "model.safetensors")
    by_gguf = dict(gguf_tensors({name: name_tensor(i, tensor) for i, (name, tensor) in enumerate(tensors.items())}))
    # Where each element of the GGUF form comes from: the same rearrangement, of numbers that say where they were.
    state = {}
    for name, places in by_gguf.items():
        if name not in values:
            continue  # the MTP layer may be left out
        source, index = places.flatten().long().div(STRIDE, rounding_mode="floor"), places.flatten().long() % STRIDE
        for i in source.unique().tolist():
            key = list(tensors)[i]
            flat = state.setdefault(key, torch.zeros(tensors[key].numel()))
            flat[index[source == i]] = values[name].flatten().float()[source == i]
    model.load_state_dict(merged({key: flat.view(tensors[key].shape) for key, flat in state.items()}, model))


STRIDE = 1 << 24


def name_tensor(i, tensor):
    return (torch.arange(tensor.numel(), dtype=torch.float64) + i * STRIDE).view(tensor.shape)


def merged(state, model):
    """Published tensors in the form of transformers' modules, which stack the experts."""
    out = {}
    for name in model.state_dict():
        if ".mlp.experts." not in name:
            out[name] = state[name]
            continue
        prefix, _, part = name.rpartition(".")
        parts = ["gate_proj", "up_proj"] if part == "gate_up_proj" else ["down_proj"]
        n = sum(key.startswith(prefix + ".") and key.endswith(parts[0] + ".weight") for key in state)
        out[name] = torch.stack([torch.cat([state[f"{prefix}.{e}.{p}.weight"] for p in parts]) for e in range(n)])
    return out


def prompt_of(tokenizer, turn):
    """The ids of the template; the training text has the same."""
    messages = [{"role": "system", "content": turn.system}] if turn.system else []
    messages.append({"role": "user", "content": turn.ask})
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "".join(part for part, is_learned in generate_text.chat([turn]) if not is_learned), text
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@torch.no_grad()
def answers(model, tokenizer, prompts, batch=100):
    """Greedy: the new tokens after each prompt, without the end token."""
    out = []
    for at in range(0, len(prompts), batch):
        part = prompts[at:at + batch]
        padded = tokenizer.pad({"input_ids": part}, padding_side="left", return_tensors="pt")
        tokens = model.generate(**padded, max_new_tokens=MOST, do_sample=False)[:, padded["input_ids"].shape[1]:]
        for row in tokens.tolist():
            out.append(row[:row.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in row else row)
    return out


def answer_part(text):
    return text.partition("</think>\n\n")[2]


def measure_sums(model, tokenizer, n):
    rng, turns, seen = random.Random(SEED), [], set()
    while len(turns) < n:
        turn = generate_text.sum_of_two(rng, held_out=True)
        one_digit_each = len(turn.answer.split(" = ")[0]) == len("1 + 1")  # a step of other sums, so not unseen
        if turn.answer not in seen and not one_digit_each:  # each pair once
            seen.add(turn.answer)
            turns.append(turn)
    texts = tokenizer.batch_decode(answers(model, tokenizer, [prompt_of(tokenizer, turn) for turn in turns]))
    wrong = [(turn.ask, text) for turn, text in zip(turns, texts) if answer_part(text) != turn.answer]
    print(f"sums: {n - len(wrong)} of {n} right ({1 - len(wrong) / n:.1%})")
    for ask, text in wrong[:5]:
        print("  wrong:", json.dumps([ask, text], ensure_ascii=False))


def measure_json(model, tokenizer, n):
    rng = random.Random(SEED)
    turns = [generate_text.json_any(rng) for _ in range(n)]
    texts = tokenizer.batch_decode(answers(model, tokenizer, [prompt_of(tokenizer, turn) for turn in turns]))
    n_shape = n_right = 0
    for turn, text in zip(turns, texts):
        try:
            found = json.loads(answer_part(text))
        except ValueError:
            found = None
        wanted = json.loads(turn.answer)
        n_shape += isinstance(found, dict) and list(found) == turn.fields and \
            all(type(found[key]) is type(wanted[key]) for key in wanted)
        n_right += found == wanted
    print(f"JSON: {n_shape} of {n} in the asked shape ({n_shape / n:.1%}), {n_right / n:.1%} with the right values")


def measure_others(model, tokenizer, n=40):
    """What else the model was taught: how often it says exactly what the text would."""
    for make in (generate_text.sum_of_three, generate_text.difference, generate_text.comparison,
                 generate_text.counting, generate_text.fact, generate_text.greeting):
        rng = random.Random(SEED)
        turns = [make(rng) for _ in range(n)]
        texts = tokenizer.batch_decode(answers(model, tokenizer, [prompt_of(tokenizer, turn) for turn in turns]))
        n_right = sum(answer_part(text) == turn.answer for turn, text in zip(turns, texts))
        print(f"{make.__name__}: {n_right} of {n} right")


def held_out_stories(text, n):
    known = set()
    if text:
        with open(text, encoding="utf-8") as lines:
            documents = map(json.loads, lines)
            known = {hash(document["parts"][1][0]) for document in documents if document["kind"] == "plain"}
    rng, out = random.Random(SEED), []
    while len(out) < n:
        story = stories.story(rng)
        if hash(story + generate_text.EOS) not in known:
            out.append(story)
    return out


@torch.no_grad()
def measure_mtp(model, tokenizer, folder, text, n=100):
    """How often the draft for the token after the next is the body's own choice there: along held-out stories, and
    along what the body itself writes after their first sentences."""
    tensors = load_file(folder / "model.safetensors")
    prefix = f"model.layers.{N_LAYERS}."
    own = {name.removeprefix(prefix): tensor.float() for name, tensor in tensors.items() if name.startswith(prefix)}
    mtp = Mtp(model.config).float().eval()
    state = {}
    for name in mtp.state_dict():
        source = "shared_head.norm.weight" if name == "norm.weight" else name.removeprefix("layer.")
        if ".experts." not in name:
            state[name] = own[source]
            continue
        parts = ["gate_proj", "up_proj"] if name.endswith("gate_up_proj") else ["down_proj"]
        state[name] = torch.stack([torch.cat([own[f"mlp.experts.{e}.{p}.weight"] for p in parts])
                                   for e in range(model.config.n_routed_experts)])
    mtp.load_state_dict(state)
    residuals = []
    handle = model.model.norm.register_forward_pre_hook(lambda _, inputs: residuals.append(inputs[0]))

    def agreement(ids, first):
        """ids: one sequence; counted from the draft of token `first` on."""
        residuals.clear()
        choice = model(torch.tensor([ids])).logits[0].argmax(-1)
        n = len(ids) - 1
        mask = torch.ones(n, n, dtype=torch.bool).tril()[None, None]
        positions = model.model.rotary_emb(residuals[0], torch.arange(n)[None])
        following = model.model.embed_tokens(torch.tensor([ids[1:]]))
        draft = model.lm_head(mtp(residuals[0][:, :n], following, mask, positions))[0].argmax(-1)
        same = (draft == choice[1:])[max(first - 2, 0):]  # draft i and choice i + 1 are both of token i + 2
        return same.sum().item(), len(same)

    texts = held_out_stories(text, n)
    along = [agreement([0] + tokenizer(story, add_special_tokens=False)["input_ids"], 0) for story in texts]
    starts = [[0] + tokenizer(story[:story.index(".") + 1], add_special_tokens=False)["input_ids"] for story in texts]
    written = answers(model, tokenizer, starts)
    own_text = [agreement(start + more, len(start)) for start, more in zip(starts, written)]
    handle.remove()
    for what, counts in (("held-out stories", along), ("the body's own continuations of them", own_text)):
        right, of = map(sum, zip(*counts))
        print(f"MTP: the first draft is the body's choice for {right} of {of} tokens ({right / of:.1%}) of {what}")


def compare_with_hadal(model, tokenizer, command, path, n=50):
    rng = random.Random(SEED)
    prompts = [prompt_of(tokenizer, rng.choice([generate_text.sum_of_two, generate_text.difference,
                                                generate_text.json_any, generate_text.story_turn,
                                                generate_text.counting])(rng)) for _ in range(n - 10)]
    prompts += [[0] + tokenizer(story[:40], add_special_tokens=False)["input_ids"]
                for story in held_out_stories(None, 10)]
    expected = [answers(model, tokenizer, [prompt])[0] for prompt in prompts]
    n_same = 0
    for prompt, ids in zip(prompts, expected):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(" ".join(map(str, prompt)))
            file.flush()
            run = subprocess.run([command, "run", path, "--ids", file.name, "--print-ids", "--temp", "0", "-n",
                                  str(MOST)], capture_output=True, text=True, check=True)
        found = [int(i) for i in run.stdout.split() if int(i) != tokenizer.eos_token_id]
        n_same += found == ids
        if found != ids:
            at = next((i for i, (x, y) in enumerate(zip(found, ids)) if x != y), min(len(found), len(ids)))
            print(f"  differs at token {at} of {len(ids)}:", json.dumps(tokenizer.decode(ids[:at + 1])))
    print(f"Hadal: the same greedy tokens for {n_same} of {n} prompts")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--gguf")
    parser.add_argument("--hadal", nargs=2, metavar=("COMMAND", "MODEL"))
    parser.add_argument("--text")
    parser.add_argument("--sums", type=int, default=500)
    parser.add_argument("--json", type=int, default=200)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    torch.set_num_threads(2)
    model = AutoModelForCausalLM.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    if arguments.gguf:
        load_gguf(model, arguments.folder, arguments.gguf)
    if arguments.sums:
        measure_sums(model, tokenizer, arguments.sums)
    if arguments.json:
        measure_json(model, tokenizer, arguments.json)
    if not arguments.gguf and arguments.json:
        measure_others(model, tokenizer)
    if not arguments.gguf:
        measure_mtp(model, tokenizer, arguments.folder, arguments.text)
    if arguments.hadal:
        compare_with_hadal(model, tokenizer, *arguments.hadal)


if __name__ == "__main__":
    main()
