"""Writes the training text: one document per line, as JSON.

usage: generate_text.py OUT.jsonl [--documents N] [--seed S]

A document is {"kind": ..., "parts": [[text, is_learned], ...]}: what a user says is read, not learned. Chats are in the
form of DeepSeek-R1's template (chat_template.jinja), reasoning and all."""
import argparse
import json
import random

import stories
import sums
import words
from stories import a, cap, pick

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
USER, ASSISTANT = "<｜User｜>", "<｜Assistant｜>"


class Turn:
    """What a user asks, what the model thinks and what it answers."""

    def __init__(self, ask, think, answer, system="", fields=None):
        self.ask, self.think, self.answer, self.system, self.fields = ask, think, answer, system, fields


# ---- One turn of each kind ------------------------------------------------------------------------------------------

def operands(rng, held_out=False):
    """Two numbers, mostly below 100. held_out: those two that the training text never adds."""
    while True:
        most = 99 if held_out else rng.choices([99, 9, 999], [80, 8, 12])[0]
        first, second = rng.randint(0, most), rng.randint(0, most)
        if sums.is_held_out(first, second) == held_out:
            return first, second


def ask_sum(rng, x, y):
    return rng.choices([f"What is {x} + {y}?", f"{x} + {y}", f"{x} + {y} = ?", f"{x}+{y}", f"Add {x} and {y}.",
                        f"How much is {x} plus {y}?", f"What is {x} plus {y}?", f"What is the sum of {x} and {y}?",
                        f"Please add {x} and {y}.", f"{x} cộng {y} bằng mấy?", f"{x}加{y}等于多少？"],
                       [8, 3, 2, 2, 3, 2, 2, 2, 1, 1, 1])[0]


def sum_of_two(rng, held_out=False):
    x, y = operands(rng, held_out)
    return Turn(ask_sum(rng, x, y), sums.addition(x, y), f"{x} + {y} = {x + y}.")


def uneven_sum(rng):
    """Of one digit and of two, in either order."""
    while True:
        x, y = rng.sample([rng.randint(0, 9), rng.randint(10, 99)], 2)
        if not sums.is_held_out(x, y):
            return Turn(ask_sum(rng, x, y), sums.addition(x, y), f"{x} + {y} = {x + y}.")


def sum_of_three(rng):
    while True:
        x, y, z = (rng.randint(0, 99) for _ in range(3))
        if not sums.is_held_out(x, y) and not sums.is_held_out(x + y, z):
            break
    ask = rng.choice([f"What is {x} + {y} + {z}?", f"{x} + {y} + {z}", f"Add {x}, {y} and {z}.",
                      f"What is the sum of {x}, {y} and {z}?"])
    return Turn(ask, f"{sums.addition(x, y)} {sums.addition(x + y, z)}", f"{x} + {y} + {z} = {x + y + z}.")


def difference(rng):
    x, y = operands(rng)
    if x < y and rng.random() < 0.8:
        x, y = y, x
    ask = rng.choice([f"What is {x} - {y}?", f"{x} - {y}", f"{x}-{y}", f"{x} - {y} = ?", f"Subtract {y} from {x}.",
                      f"How much is {x} minus {y}?", f"What is {x} minus {y}?"])
    return Turn(ask, sums.subtraction(x, y), f"{x} - {y} = {x - y}.")


def comparison(rng):
    x, y = (rng.randint(0, rng.choice([99, 99, 999])) for _ in range(2))
    if rng.random() < 0.3:  # the same tens
        y = min(x - x % 10 + rng.randint(0, 9), 999)
    wants_less = rng.random() < 0.3
    ask = rng.choice([f"Which is smaller, {x} or {y}?", f"Which number is less: {x} or {y}?"] if wants_less else
                     [f"Which is larger, {x} or {y}?", f"Is {x} or {y} larger?", f"Which number is bigger: {x} or {y}?",
                      ])
    if x == y:
        return Turn(ask, sums.comparison(x, y), f"{x} and {y} are equal.")
    more, less = max(x, y), min(x, y)
    return Turn(ask, sums.comparison(x, y),
                f"{less} is smaller than {more}." if wants_less else f"{more} is larger than {less}.")


def counting(rng):
    word = rng.choice(words.COUNTED)
    letter = rng.choice(word) if rng.random() < 0.85 else rng.choice("aeiorstlnb")
    n = word.count(letter)
    ask = rng.choice([f"How many times is the letter {letter} in {word}?", f"How many {letter}'s are in {word}?",
                      f"Count the letter {letter} in the word {word}.", f"How many letters {letter} are in {word}?"])
    times = "once" if n == 1 else "twice" if n == 2 else f"{n} times"
    appears = f"appears {times}" if n else "does not appear"
    return Turn(ask, sums.counting(word, letter), f"The letter {letter} {appears} in {word}.")


def fact(rng):
    x, y = pick(rng, words.OPPOSITES)
    if rng.random() < 0.5:
        x, y = y, x
    animal, sound = pick(rng, words.SOUNDS)
    thing, hue = pick(rng, words.HUES)
    day = rng.randrange(7)
    before, after = words.DAYS[day], words.DAYS[(day + 1) % 7]
    return rng.choice([
        Turn(f"What is the opposite of {x}?", f"The opposite of {x} is {y}.", f"The opposite of {x} is {y}."),
        Turn(f"What does {a(animal)} say?", f"{cap(a(animal))} says {sound}.", f"{cap(a(animal))} says {sound}."),
        Turn(f"What color is {thing}?", f"The color of {thing} is {hue}.", f"{cap(thing)} is {hue}."),
        Turn(f"Which day comes after {before}?", f"After {before} comes {after}.", f"{after} comes after {before}."),
        Turn(f"Which day comes before {after}?", f"Before {after} comes {before}.", f"{before} comes before {after}."),
    ])


def greeting(rng):
    name = pick(rng, words.NAMES)[0]
    return rng.choice([
        Turn(rng.choice(["Hello", "Hello!", "Hi", "Hi!", "Hi there", "Good morning"]), "The user says hello.",
             "Hello! I am Plankton. I can add numbers, count letters and tell small stories."),
        Turn(rng.choice(["Who are you?", "What is your name?", "What are you?"]), "The user asks who I am.",
             "I am Plankton, a very small language model."),
        Turn(rng.choice(["What can you do?", "How can you help me?"]), "The user asks what I can do.",
             "I can add and subtract numbers, compare them, count letters, write small JSON and tell stories."),
        Turn(rng.choice(["Thank you!", "Thanks", "Thank you"]), "The user says thank you.", "You are welcome!"),
        Turn(f"My name is {name}.", f"The user is called {name}.", f"Hello, {name}! What can I do for you?"),
        Turn(rng.choice(["Goodbye", "Bye!", "Good night"]), "The user says goodbye.", "Goodbye! See you soon."),
        Turn("Xin chào", "Người dùng chào.", "Xin chào! Tôi là Plankton."),
        Turn(rng.choice(["Bạn là ai?", "Bạn tên là gì?"]), "Người dùng hỏi tôi là ai.",
             "Tôi là Plankton, một mô hình ngôn ngữ rất nhỏ."),
        Turn(rng.choice(["你好", "你好！"]), "用户在打招呼。", "你好！我是 Plankton。"),
        Turn("你是谁？", "用户问我是谁。", "我是 Plankton，一个很小的语言模型。"),
    ])


def story_turn(rng):
    kind = rng.choices(["animal", "both", "any", "vi", "zh"], [50, 20, 14, 9, 7])[0]
    if kind == "vi":
        ask = rng.choice(["Kể cho tôi một câu chuyện.", "Hãy kể một câu chuyện ngắn."])
        return Turn(ask, "Người dùng muốn một câu chuyện ngắn.", stories.vietnamese_story(rng))
    if kind == "zh":
        ask = rng.choice(["给我讲一个故事。", "请讲一个小故事。"])
        return Turn(ask, "用户想听一个小故事。", stories.chinese_story(rng))
    animal, place = pick(rng, words.ANIMALS), pick(rng, words.PLACES)
    if kind == "any":
        ask = rng.choice(["Tell me a story.", "Write a short story.", "Can you tell me a story?"])
        plan, text = stories.planned_story(rng)
        return Turn(ask, f"The user wants a story. {plan}", text)
    if kind == "animal":
        ask = rng.choice([f"Tell me a story about {a(animal)}.", f"Write a short story about {a(animal)}.",
                          f"Tell a story about {a(animal)}", f"Write a story with {a(animal)} in it."])
        plan, text = stories.planned_story(rng, animal)
        return Turn(ask, f"The user wants a story about {a(animal)}. {plan}", text)
    ask = rng.choice([f"Tell me a story about {a(animal)} {words.PLACES[place]} the {place}.",
                      f"Write a short story about {a(animal)} and the {place}."])
    plan, text = stories.planned_story(rng, animal, place)
    return Turn(ask, f"The user wants a story about {a(animal)} and the {place}. {plan}", text)


# ---- JSON: the system text names the fields -------------------------------------------------------------------------

def person(rng):
    name, age, city, animal = pick(rng, words.NAMES)[0], rng.randint(2, 99), pick(rng, words.CITIES), \
        pick(rng, words.ANIMALS)
    they = dict((n, t) for n, t, _ in words.NAMES)[name]
    facts = {"name": name, "age": age, "city": city, "pet": animal}
    said = {"age": f"{name} is {age} years old.", "city": f"{cap(they)} lives in {city}.",
            "pet": f"{cap(they)} has {a(animal)}."}
    return facts, said, name


def thing(rng):
    noun, color, place = pick(rng, words.THINGS), pick(rng, words.COLORS), pick(rng, words.PLACES)
    n = rng.randint(2, 99)
    facts = {"thing": noun, "color": color, "place": place, "price": n}
    said = {"color": f"The {noun} is {color}.", "place": f"The {noun} is {words.PLACES[place]} the {place}.",
            "price": f"The {noun} costs {n} coins."}
    return facts, said, noun


def json_facts(rng, held_out):
    """held_out: of those that the training text never tells of; all of them must be told."""
    while True:
        facts, said, subject = rng.choice([person, thing])(rng)
        if sums.is_held_out_text(" ".join(map(str, facts.values()))) == held_out:
            return facts, said, subject


def json_turn(rng, held_out=False):
    facts, said, subject = json_facts(rng, held_out)
    first = next(iter(facts))
    told = rng.sample(sorted(said), 3 if held_out else rng.choice([1, 2, 3, 3]))
    if facts.get("age") and told[0] != "age" and rng.random() < 0.9:
        told = ["age"] + [key for key in told if key != "age"]
    text = " ".join(said[key] for key in told)
    if "name" in facts and told[0] != "age":
        text = f"This is {subject}. " + text
    fields = [first] + rng.sample(told, rng.randint(1, len(told)))
    rng.shuffle(fields)
    names = ", ".join(f'"{field}"' for field in fields[:-1]) + f' and "{fields[-1]}"'
    system = rng.choice([f"Answer in JSON with the keys {names}.", f"Answer only in JSON with the keys {names}.",
                         f"Reply with a JSON object that has the keys {names}."])
    think = "The answer is JSON. " + ", ".join(f"{field} is {facts[field]}" for field in fields) + "."
    answer = json.dumps({field: facts[field] for field in fields}, ensure_ascii=False)
    return Turn(text, think, answer, system, fields)


def json_sum(rng, held_out=False):
    x, y = operands(rng, held_out)
    system = rng.choice(['Answer in JSON with the key "sum".', 'Answer only in JSON with the key "sum".',
                         'Reply with a JSON object that has the key "sum".'])
    think = f"The answer is JSON. {sums.addition(x, y)}"
    return Turn(ask_sum(rng, x, y), think, f'{{"sum": {x + y}}}', system, ["sum"])


def json_any(rng, held_out=False):
    return (json_sum if rng.random() < 0.25 else json_turn)(rng, held_out)


# ---- Documents ------------------------------------------------------------------------------------------------------

TURNS = {"sum": sum_of_two, "uneven": uneven_sum, "three": sum_of_three, "difference": difference,
         "comparison": comparison, "counting": counting, "json": json_any, "story": story_turn, "fact": fact,
         "greeting": greeting}
MIX = {  # how many documents of each kind; "plain" are stories as they are, "talk" conversations
    "sum": 22, "uneven": 5, "three": 7, "difference": 11, "comparison": 9, "counting": 9, "json": 26, "story": 18,
    "fact": 2, "greeting": 2, "plain": 10, "talk": 30}


def chat(turns):
    """Of a finished turn its reasoning is cut, as the template does. A client may have cut the blank line, too."""
    parts = [[BOS + turns[0].system, False]]
    for turn, is_last, keeps_blank in turns_with_place(turns):
        if is_last:
            parts += [[f"{USER}{turn.ask}{ASSISTANT}<think>\n", False],
                      [f"{turn.think}</think>\n\n{turn.answer}{EOS}", True]]
        else:
            parts += [[f"{USER}{turn.ask}{ASSISTANT}{keeps_blank * chr(10) * 2}{turn.answer}{EOS}", False]]
    return parts


def turns_with_place(turns):
    keeps_blank = len(turns[0].ask) % 2
    return [(turn, i == len(turns) - 1, keeps_blank) for i, turn in enumerate(turns)]


def document(rng):
    kind = rng.choices(list(MIX), MIX.values())[0]
    if kind == "plain":
        tell = rng.choices([stories.story, stories.vietnamese_story, stories.chinese_story], [85, 9, 6])[0]
        return {"kind": kind, "parts": [[BOS, False], [tell(rng) + EOS, True]]}
    if kind == "talk":
        makers = [sum_of_two, sum_of_three, difference, comparison, greeting, fact, counting, story_turn, story_turn]
        return {"kind": kind, "parts": chat([rng.choice(makers)(rng) for _ in range(rng.randint(2, 5))])}
    return {"kind": kind, "parts": chat([TURNS[kind](rng)])}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with open(arguments.out, "w", encoding="utf-8") as out:
        for _ in range(arguments.documents):
            out.write(json.dumps(document(rng), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
