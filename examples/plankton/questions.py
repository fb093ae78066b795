"""What the model is asked, by evaluate.py and in plankton.json. Sums and JSON were never in the training text."""
import random

import generate_text
import stories

SEED = 20  # not that of the training text
MOST = 200  # tokens of an answer
BOS_ID = 0


def request_of(turn):
    messages = [{"role": "system", "content": turn.system}] if turn.system else []
    return {"messages": messages + [{"role": "user", "content": turn.ask}]}


def prompt_of(tokenizer, turn):
    """The ids of the template; the training text has the same."""
    text = tokenizer.apply_chat_template(request_of(turn)["messages"], tokenize=False, add_generation_prompt=True)
    assert text == "".join(part for part, is_learned in generate_text.chat([turn]) if not is_learned), text
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def plain(tokenizer, text):
    """The ids of a text that is no chat."""
    return [BOS_ID] + tokenizer(text, add_special_tokens=False)["input_ids"]


def sum_turns(n):
    """Of two numbers below 100, one of them above 9 (a sum of two digits is a step of others). No sum comes twice, but
    one with its numbers exchanged may."""
    rng, found = random.Random(SEED), {}
    while len(found) < n:
        turn = generate_text.sum_of_two(rng, held_out=True)
        if len(turn.answer.split(" = ")[0]) > len("1 + 1"):
            found.setdefault(turn.answer, turn)
    return list(found.values())


def json_turns(n):
    rng = random.Random(SEED)
    return [generate_text.json_any(rng, held_out=True) for _ in range(n)]


def plain_stories(n):
    """So many are possible that the training text has hardly one of them."""
    rng = random.Random(SEED)
    return [stories.story(rng) for _ in range(n)]


def mixed_prompts(tokenizer, n):
    """Token ids: chats of five kinds, such as the training text may have, and the beginnings of ten stories."""
    rng = random.Random(SEED)
    kinds = [generate_text.sum_of_two, generate_text.difference, generate_text.json_any, generate_text.story_turn,
             generate_text.counting]
    chats = [prompt_of(tokenizer, kinds[i % len(kinds)](rng)) for i in range(n - 10)]
    return chats + [plain(tokenizer, story[:40]) for story in plain_stories(10)]
