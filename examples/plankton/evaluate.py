"""Measures an exported model with transformers' own classes, in f32.

usage: evaluate.py HF_FOLDER [--gguf FILE] [--sums N] [--json N]

--gguf: with the weights of that file, such as a quantised one, in place of the folder's."""
import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

import generate_text
import questions
from export import N_LAYERS, gguf_tensors
from model import Mtp


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


@torch.no_grad()
def answers(model, tokenizer, prompts, batch=100):
    """Greedy: the new tokens after each prompt, without the end token."""
    out = []
    for at in range(0, len(prompts), batch):
        part = prompts[at:at + batch]
        padded = tokenizer.pad({"input_ids": part}, padding_side="left", return_tensors="pt")
        whole = model.generate(**padded, max_new_tokens=questions.MOST, do_sample=False)
        for row in whole[:, padded["input_ids"].shape[1]:].tolist():
            out.append(row[:row.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in row else row)
    return out


def answer_texts(model, tokenizer, turns):
    prompts = [questions.prompt_of(tokenizer, turn) for turn in turns]
    return tokenizer.batch_decode(answers(model, tokenizer, prompts))


def answer_part(text):
    return text.partition("</think>\n\n")[2]


def measure_sums(model, tokenizer, n):
    turns = questions.sum_turns(n)
    texts = answer_texts(model, tokenizer, turns)
    wrong = [(turn.ask, text) for turn, text in zip(turns, texts) if answer_part(text) != turn.answer]
    print(f"sums: {n - len(wrong)} of {n} right ({1 - len(wrong) / n:.1%})")
    for ask, text in wrong[:5]:
        print("  wrong:", json.dumps([ask, text], ensure_ascii=False))


def measure_json(model, tokenizer, n):
    turns = questions.json_turns(n)
    texts = answer_texts(model, tokenizer, turns)
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
        rng = random.Random(questions.SEED)
        turns = [make(rng) for _ in range(n)]
        texts = answer_texts(model, tokenizer, turns)
        n_right = sum(answer_part(text) == turn.answer for turn, text in zip(turns, texts))
        print(f"{make.__name__}: {n_right} of {n} right")


def measure_talk(model, tokenizer, n=40):
    """A sum that was never taught, after a story, a sum and a story."""
    rng = random.Random(questions.SEED)
    makers = [generate_text.story_turn, generate_text.sum_of_two, generate_text.story_turn]
    talks = [[make(rng) for make in makers] + [generate_text.sum_of_two(rng, held_out=True)] for _ in range(n)]
    texts = ["".join(part for part, is_learned in generate_text.chat(talk) if not is_learned) for talk in talks]
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    found = tokenizer.batch_decode(answers(model, tokenizer, prompts))
    n_right = sum(answer_part(text) == talk[-1].answer for text, talk in zip(found, talks))
    print(f"the last sum of a conversation: {n_right} of {n} right")


@torch.no_grad()
def measure_mtp(model, tokenizer, folder, n=100):
    """How often the draft for the token after the next is the body's own choice there: along new stories, and
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

    texts = questions.plain_stories(n)
    along = [agreement(questions.plain(tokenizer, story), 0) for story in texts]
    starts = [questions.plain(tokenizer, story[:story.index(".") + 1]) for story in texts]
    written = answers(model, tokenizer, starts)
    own_text = [agreement(start + more, len(start)) for start, more in zip(starts, written)]
    handle.remove()
    for what, counts in (("new stories", along), ("the body's own continuations of them", own_text)):
        right, of = map(sum, zip(*counts))
        print(f"MTP: the first draft is the body's choice for {right} of {of} tokens ({right / of:.1%}) of {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--gguf")
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
        measure_talk(model, tokenizer)
    if not arguments.gguf:
        measure_mtp(model, tokenizer, arguments.folder)


if __name__ == "__main__":
    main()
