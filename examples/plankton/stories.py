"""Small stories: someone, somewhere, something happens, and it ends well. Who and what stays the same throughout, and
is said before: a model that thinks first has only to follow its plan."""
import words

EVENNESS = 8  # the larger, the more evenly words are drawn


def pick(rng, options):
    """The first of a list come more often: a reader can guess, and so can a draft."""
    options = list(options)
    return rng.choices(options, [1 / (i + EVENNESS) for i in range(len(options))])[0]


def a(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def cap(text):
    return text[0].upper() + text[1:]


class Cast:
    """Who a story is about: 'hero' as a name, 'they' and 'their'."""

    def __init__(self, rng, animal=None):
        self.name, self.they, self.their = pick(rng, words.NAMES)
        self.animal = animal or pick(rng, words.ANIMALS)
        self.adjective = pick(rng, words.ADJECTIVES)
        # Names of two kinds and animals from the other end: not even the likeliest hero is like the likeliest friend.
        self.friend = pick(rng, words.BOYS if self.they == "she" else words.GIRLS)
        self.friend_animal = pick(rng, [x for x in reversed(words.ANIMALS) if x != self.animal])


def opening(rng, c, place):
    there = f"{words.PLACES[place]} the {place}"
    return rng.choices([
        f"Once upon a time there was {a(c.adjective)} {c.animal} named {c.name}. {cap(c.they)} lived {there}.",
        f"Once upon a time, {there}, there lived {a(c.adjective)} {c.animal}. {cap(c.their)} name was {c.name}.",
        f"{c.name} was {a(c.adjective)} {c.animal} who lived {there}.",
        f"{cap(there)} lived {a(c.adjective)} {c.animal} named {c.name}.",
    ], [5, 3, 2, 2])[0]


def meeting(rng, c):
    return rng.choices([
        f"{c.friend} the {c.friend_animal} came by.",
        f"Then {c.they} met {c.friend} the {c.friend_animal}.",
        f"{cap(c.their)} friend {c.friend}, {a(c.friend_animal)}, came along.",
    ], [3, 3, 2])[0]


def ending(rng, c, helper):
    """helper: 'hero', 'friend' or None; whom the other thanks."""
    glad, play = pick(rng, words.GLAD), pick(rng, words.PLAYS)
    return rng.choices([
        f"{c.name} was very {glad}. From that day on, {c.name} and {c.friend} were best friends.",
        f"They played {play} and went home {glad}.",
        f"\"Thank you, {c.friend},\" said {c.name}. {cap(c.they)} was {glad} all day." if helper == "friend" else
        f"\"Thank you, {c.name},\" said {c.friend}. {c.name} was {glad} all day." if helper == "hero" else
        f"{c.name} and {c.friend} were {glad} all day.",
        f"That night {c.name} slept well and felt {glad}. {pick(rng, words.LESSONS)}",
        f"They laughed and played {play}. {pick(rng, words.LESSONS)}",
    ], [4, 3, 3, 2, 2])[0]


def lost_thing(rng, c, place):
    thing, color, hiding = pick(rng, words.THINGS), pick(rng, words.COLORS), pick(rng, words.HIDING)
    text = f"One {pick(rng, words.WEATHER)} day {c.name} lost {c.their} {color} {thing}. "
    text += rng.choice([f"{cap(c.they)} looked everywhere, but {c.they} could not find the {thing}. ",
                        f"{cap(c.they)} was {pick(rng, words.FEELINGS)} and began to cry. "])
    text += f"{meeting(rng, c)} \"Why are you so sad?\" asked {c.friend}. \"My {thing} is gone,\" said {c.name}. "
    return text + f"They looked together and found the {color} {thing} {hiding}. "


def shared_food(rng, c, place):
    food = pick(rng, words.FOODS)
    text = f"One {pick(rng, words.WEATHER)} morning {c.name} had one big {food}. {meeting(rng, c)} "
    text += f"{c.friend} was hungry and had no {food}. "
    return text + rng.choice([
        f"{c.name} broke the {food} in two and gave one half to {c.friend}. ",
        f"\"Do you want some of my {food}?\" asked {c.name}. \"Yes, please,\" said {c.friend}. They ate it together. "])


def big_job(rng, c, place):
    job = pick(rng, words.JOBS)
    text = f"{c.name} wanted to {job}, but it was too hard alone. {cap(c.they)} tried and tried. {meeting(rng, c)} "
    text += rng.choice([f"\"Can you help me {job}?\" asked {c.name}. \"Of course,\" said {c.friend}. ",
                        f"\"I will help you {job},\" said {c.friend}. "])
    return text + rng.choice(["They worked until evening, and then it was done. ",
                              "Together it was easy, and soon it was done. "])


def storm(rng, c, place):
    hiding = pick(rng, ["under a big tree", "in a dry cave", "in an old barn", "under a bridge"])
    text = f"One day a storm came to the {place}. The wind blew and the rain fell. "
    text += f"{c.name} was {pick(rng, words.FEELINGS)}. "
    text += f"{meeting(rng, c)} \"Come with me,\" said {c.friend}. They hid {hiding} and waited. "
    return text + "Soon the rain stopped and the sun came out. "


def gift(rng, c, place):
    thing, color = pick(rng, words.THINGS), pick(rng, words.COLORS)
    text = f"It was the birthday of {c.friend} the {c.friend_animal}, and {c.name} had no gift. "
    text += f"{cap(c.they)} looked around the {place} and saw {a(color)} {thing} {pick(rng, words.HIDING)}. "
    text += f"\"This {thing} is just right,\" said {c.name}. {cap(c.they)} gave the {thing} to {c.friend}. "
    return text + f"{c.friend} loved the {color} {thing}. "


def stranger(rng, c, place):
    text = f"One {pick(rng, words.WEATHER)} day {a(c.friend_animal)} came to the {place}. "
    text += f"Nobody knew the {c.friend_animal}. "
    text += f"\"What is your name?\" asked {c.name}. \"I am {c.friend},\" said the {c.friend_animal}. "
    return text + f"\"I have no friends here.\" \"Now you have one,\" said {c.name}. "


def lost_way(rng, c, place):
    text = f"One {pick(rng, words.WEATHER)} day {c.name} walked too far from the {place}. "
    text += f"{cap(c.they)} did not know the way back and was {pick(rng, words.FEELINGS)}. {meeting(rng, c)} "
    text += f"\"I am lost,\" said {c.name}. \"I know the way to the {place},\" said {c.friend}. "
    return text + f"They walked together until {c.name} saw the {place} again. "


def race(rng, c, place):
    prize = pick(rng, words.FOODS)
    text = f"One {pick(rng, words.WEATHER)} day there was a race near the {place}, and the prize was {a(prize)}. "
    text += f"{c.name} ran next to {c.friend} the {c.friend_animal}. Then {c.friend} fell. "
    text += rng.choice([f"{c.name} stopped and helped {c.friend} up. ", f"\"Take my hand,\" said {c.name}. "])
    return text + f"They finished the race together and shared the {prize}. "


def mending(rng, c, place):
    thing, color = pick(rng, words.MADE), pick(rng, words.COLORS)
    text = f"{c.friend} the {c.friend_animal} had {a(color)} {thing}, but it was broken. "
    text += f"\"I can mend your {thing},\" said {c.name}. {cap(c.they)} worked all day and all night. "
    return text + f"In the morning the {color} {thing} was as good as new. {c.friend} could not believe it. "


def truth(rng, c, place):
    thing, color = pick(rng, words.MADE), pick(rng, words.COLORS)
    text = f"{c.name} broke the {color} {thing} of {c.friend} the {c.friend_animal} and told nobody. "
    text += f"{cap(c.they)} was {pick(rng, ['sad', 'worried', 'scared'])} and could not sleep. "
    text += f"\"I broke your {thing}, and I am sorry,\" said {c.name} at last. "
    return text + f"\"Thank you for telling me,\" said {c.friend}. They made a new {thing} together. "


def garden(rng, c, place):
    crop = pick(rng, words.CROPS)
    text = f"{c.name} planted {a(crop)} {words.PLACES[place]} the {place}. {cap(c.they)} gave it water every day. "
    text += f"{meeting(rng, c)} \"Nothing grows here,\" said {c.friend}. \"We must wait,\" said {c.name}. "
    return text + f"They waited, and soon there was a big {crop}. "


PLOTS = {  # what of it is known before the story is told, and who helps whom
    lost_thing: ("Something is lost and found.", "friend"), shared_food: ("They share some food.", "hero"),
    big_job: ("They do hard work together.", "friend"), storm: ("There is a storm.", "friend"),
    gift: ("It is a birthday.", "hero"), stranger: ("Someone new comes.", "hero"),
    lost_way: ("Someone gets lost.", "friend"), race: ("There is a race.", "hero"),
    mending: ("Something is mended.", "hero"), truth: ("Someone tells the truth.", None),
    garden: ("Something grows.", None)}


def planned_story(rng, animal=None, place=None):
    """What one thinks before, and the story."""
    cast, place = Cast(rng, animal), place or pick(rng, words.PLACES)
    plot = rng.choice(list(PLOTS))
    known, helper = PLOTS[plot]
    plan = f"{cast.name} is {a(cast.animal)} and lives {words.PLACES[place]} the {place}. " \
        f"{cast.friend} is {a(cast.friend_animal)}. {known}"
    return plan, f"{opening(rng, cast, place)} {plot(rng, cast, place)}{ending(rng, cast, helper)}"


def story(rng):
    return planned_story(rng)[1]


def vietnamese_story(rng):
    name, animal, place = (pick(rng, x) for x in (words.VI_NAMES, words.VI_ANIMALS, words.VI_PLACES))
    thing, adjective = pick(rng, words.VI_THINGS), pick(rng, words.VI_ADJECTIVES)
    friend = pick(rng, [x for x in reversed(words.VI_NAMES) if x != name])
    return f"Ngày xửa ngày xưa có một con {animal} {adjective} tên là {name}. {name} sống ở {place}. " + rng.choice([
        f"Một hôm {name} làm mất {thing}. {friend} đến giúp {name} tìm {thing}. Họ tìm thấy {thing} và rất vui.",
        f"Một hôm {name} gặp {friend}. Họ chơi với {thing} cả ngày. Từ đó {name} và {friend} là bạn tốt."])


def chinese_story(rng):
    name, animal, place = (pick(rng, x) for x in (words.ZH_NAMES, words.ZH_ANIMALS, words.ZH_PLACES))
    thing, adjective = pick(rng, words.ZH_THINGS), pick(rng, words.ZH_ADJECTIVES)
    friend = pick(rng, [x for x in reversed(words.ZH_NAMES) if x != name])
    return f"从前有一只{adjective}{animal}，名字叫{name}。{name}住在{place}。" + rng.choice([
        f"有一天，{name}的{thing}不见了。{friend}来帮忙。他们一起找到了{thing}，非常高兴。",
        f"有一天，{name}遇见了{friend}。他们一起玩{thing}。从此，他们成了好朋友。"])
