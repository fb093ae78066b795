"""Trains Plankton for a fixed time; stopped, it goes on from its last checkpoint.

usage: train.py TEXT.jsonl TOKENIZER_FOLDER RUN_FOLDER [--minutes M]      (SIGTERM: saves and ends)

The learning rate follows the time, not the steps: however busy the machine is, it ends low. torch.compile needs a C++
compiler, and a minute of that time at each start."""
import argparse
import json
import pathlib
import random
import signal
import time

import torch
from transformers import AutoTokenizer

import generate_text
from data import Windows, tokenize
from model import Experts, Plankton
from muon import Muon

SEED = 1
MTP_WEIGHT = 0.3
MUON_LR, ADAM_LR = 0.02, 3e-3
WARM_UP, DECAY_FROM, LEAST = 0.01, 0.5, 0.01  # of the time; of the rate
BIAS_RATE = 1e-3  # of the router's bias, per step
WINDOWS, LENGTH = 8, 512
SAVE_EVERY, CHECK_EVERY = 240, 720  # seconds


def rate(part):
    """Of the largest learning rate, when so much of the time is over."""
    if part < WARM_UP:
        return part / WARM_UP
    if part < DECAY_FROM:
        return 1.0
    return LEAST + (1 - LEAST) * max(0.0, (1 - part) / (1 - DECAY_FROM))


def losses(model, ids, learned, document):
    """What to minimise; then of the body, of the draft, and how often the draft is what the body says.
    Every product has one shape, so all of this is compiled once. The draft learns from the text and from the body."""
    same = document[:, 1:] == document[:, :-1]
    wanted = learned[:, 1:] & same
    follows = wanted[:, 1:] & same[:, :-1]  # a draft of it is possible
    targets = ids[:, 1:, None]
    with torch.autocast("cpu", torch.bfloat16):
        first, second = model(ids[:, :-1], ids[:, 1:], document[:, :-1])
        main = model.body.lm_head(first).float().log_softmax(-1)
        draft = model.body.lm_head(second[:, :-1]).float().log_softmax(-1)
    body = main[:, 1:].detach()

    def mean(values, where):
        return (values * where).sum() / where.sum()

    main_loss = -mean(main.gather(-1, targets)[..., 0], wanted)
    draft_loss = -mean(draft.gather(-1, targets[:, 1:])[..., 0], follows)
    from_body = -mean((body.exp() * draft).sum(-1), follows)
    agreement = mean((draft.detach().argmax(-1) == body.argmax(-1)).float(), follows)
    taught = 0.5 * (draft_loss + from_body)
    return main_loss + MTP_WEIGHT * taught, main_loss.detach(), draft_loss.detach(), agreement


@torch.no_grad()
def balance(model, speed):
    """The bias of an expert with more tokens than others falls, and of one with fewer rises."""
    for module in model.modules():
        if hasattr(module, "gate") and isinstance(getattr(module, "experts", None), Experts):
            load = module.experts.load
            module.gate.e_score_correction_bias += speed * (load.mean() - load).sign()


@torch.no_grad()
def sums_right(model, tokenizer, n=100):
    """How many of n held-out sums the body answers, and its first answer."""
    model.eval()
    rng = random.Random(7)
    turns = [generate_text.sum_of_two(rng, held_out=True) for _ in range(n)]
    prompts = ["".join(part for part, is_learned in generate_text.chat([turn]) if not is_learned) for turn in turns]
    encoded = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    out = model.body.generate(**encoded, max_new_tokens=100, do_sample=False)
    texts = tokenizer.batch_decode(out[:, encoded["input_ids"].shape[1]:], skip_special_tokens=True)
    model.train()
    return sum(text.endswith("\n\n" + turn.answer) for text, turn in zip(texts, turns)) / n, texts[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text")
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=118)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    budget = arguments.minutes * 60
    arguments.run.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.run / "latest.pt"

    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer)
    cache = arguments.run / (pathlib.Path(arguments.text).stem + ".npz")
    tokens = tokenize(arguments.text, arguments.tokenizer / "tokenizer.json", cache)
    windows = Windows(tokens)
    model = Plankton()
    matrices = [p for name, p in model.named_parameters()
                if p.ndim > 1 and not any(word in name for word in ("embed_tokens", "lm_head", "gate.weight"))]
    known = {id(p) for p in matrices}
    muon = Muon(matrices, MUON_LR, weight_decay=0.05)
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in known], ADAM_LR, betas=(0.9, 0.98),
                             weight_decay=0.01, foreach=True)
    optimizers = [(muon, MUON_LR), (adam, ADAM_LR)]
    elapsed, step, n_seen = 0.0, 0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        for (optimizer, _), state in zip(optimizers, saved["optimizers"]):
            optimizer.load_state_dict(state)
        elapsed, step, n_seen, windows.position = (saved[key] for key in ("elapsed", "step", "n_seen", "position"))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(tokens[0])} tokens of text, "
          f"step {step}, {elapsed:.0f} s", flush=True)

    def save():
        state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o, _ in optimizers],
                 "elapsed": elapsed, "step": step, "n_seen": n_seen, "position": windows.position}
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").rename(checkpoint)

    log = open(arguments.run / "log.jsonl", "a", encoding="utf-8")

    def note(**values):
        log.write(json.dumps({"step": step, "seconds": round(elapsed)} | values) + "\n")
        log.flush()

    compiled = torch.compile(losses, dynamic=False)
    model.train()
    next_save, next_check, recent = elapsed + SAVE_EVERY, elapsed + CHECK_EVERY, []
    is_told_to_end = []
    signal.signal(signal.SIGTERM, lambda *_: is_told_to_end.append(True))
    while elapsed < budget and not is_told_to_end:
        began = time.monotonic()
        part = elapsed / budget
        for optimizer, most in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = most * rate(part)
        batch = windows.batch(WINDOWS, LENGTH)
        loss, *shown = compiled(model, *batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, _ in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        balance(model, BIAS_RATE * rate(part))
        n_seen += int((batch[2] > 0).sum())
        step += 1
        recent.append([value.item() for value in shown])
        elapsed += time.monotonic() - began
        if step % 50 == 0:
            main_loss, draft_loss, agreement = (round(sum(x) / len(x), 4) for x in zip(*recent))
            recent.clear()
            note(loss=main_loss, mtp_loss=draft_loss, mtp_agreement=agreement, tokens=n_seen)
        if elapsed >= next_save:
            next_save = elapsed + SAVE_EVERY
            save()
        if elapsed >= next_check:
            began = time.monotonic()
            right, example = sums_right(model, tokenizer)
            elapsed += time.monotonic() - began
            next_check = elapsed + CHECK_EVERY
            note(sums=right, example=example)
    save()
    if not is_told_to_end:
        note(done=True, tokens=n_seen, sums=sums_right(model, tokenizer)[0])


if __name__ == "__main__":
    main()
