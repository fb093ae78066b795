"""What the stories and chats are made of. Lists begin with what is said most often."""

# name, pronoun, possessive
GIRLS = "Mia Lily Anna Ruby Nora Zoe Ella Ivy Luna Rosa Lan Mei Sara Tess Clara Emma Hana Linh Olga Amy Eva " \
    "Greta".split()
BOYS = "Tom Ben Max Sam Leo Finn Jack Hugo Otto Minh Kai Noah Tim Paul Adam Carl David Ivan Omar Peter Felix " \
    "Nam".split()
NAMES = [one for girl, boy in zip(GIRLS, BOYS, strict=True) for one in ((girl, "she", "her"), (boy, "he", "his"))]
ANIMALS = "fox rabbit bear mouse frog owl duck cat dog turtle hedgehog squirrel whale crab fish seal otter goat " \
    "horse cow pig hen sheep bee ant snail deer wolf lion tiger monkey elephant penguin".split()
ADJECTIVES = "little small brave clever kind shy old young quiet happy lazy curious gentle funny hungry".split()
COLORS = "red blue green yellow white black brown pink orange purple grey golden".split()
# with what stands before it
PLACES = {"forest": "in", "garden": "in", "village": "in", "river": "by", "hill": "on", "beach": "on", "farm": "on",
          "lake": "by", "meadow": "in", "valley": "in", "island": "on", "mountain": "on", "town": "in", "park": "in",
          "cave": "in", "harbor": "at", "desert": "in", "field": "in"}
THINGS = "ball kite hat boat drum lamp book key bell cup shell coin basket ring scarf map button spoon star stone " \
    "feather box flute doll".split()
MADE = "kite boat drum lamp basket hat box flute doll scarf map cup".split()  # can break and be made anew
FOODS = "apple cake pear plum carrot berry cookie nut pie melon peach pancake bun lemon".split()
HIDING = ["under a stone", "behind a tree", "in the tall grass", "under the bed", "in a hollow log", "near the well",
          "behind the door", "on the roof", "at the bottom of a hole", "between two rocks", "in an old boot",
          "beside the path"]
WEATHER = ["sunny", "rainy", "windy", "cold", "warm", "snowy", "cloudy", "foggy", "stormy", "bright"]
FEELINGS = ["sad", "scared", "tired", "angry", "lonely", "worried", "bored", "confused"]
GLAD = ["happy", "proud", "glad", "calm", "safe", "thankful", "cheerful"]
CROPS = ["carrot", "pumpkin", "sunflower", "melon", "cabbage", "rose", "bean", "onion"]
JOBS = ["build a house", "bake a cake", "plant a tree", "paint a wall", "fix a bridge", "make a raft", "dig a pond",
        "sew a blanket", "write a song", "grow a pumpkin"]
PLAYS = ["hide and seek", "with a ball", "by the water", "in the sun", "a song together", "until the stars came out"]
LESSONS = ["It is good to share.", "A friend makes every day better.", "It is brave to ask for help.",
           "Small steps lead far.", "Kind words cost nothing.", "Patience wins in the end.",
           "Telling the truth feels good.", "Even the smallest can help.", "Practice makes things easy."]
COUNTED = "strawberry banana apple letter pepper balloon coffee cookie butterfly rabbit tomato potato kitten puppy " \
    "school green sheep tree moon book summer winter river garden yellow orange purple happy little hello window " \
    "carrot berry cherry raspberry blueberry elephant monkey tiger turtle penguin giraffe dinosaur mississippi " \
    "bottle button mirror pillow ladder hammer needle noodle bubble bamboo lemon melon papaya mango pineapple " \
    "island mountain valley meadow forest village teacher doctor farmer sailor dragon castle silver gold engine " \
    "rocket planet star ocean whale otter pelican parrot pigeon eagle plankton copper paper sugar butter bread " \
    "cheese lettuce cabbage onion spinach pumpkin sunflower grass leaf winter autumn spring thunder lightning " \
    "rainbow umbrella jacket sweater mitten boot slipper scarf ribbon".split()
OPPOSITES = [("hot", "cold"), ("big", "small"), ("up", "down"), ("fast", "slow"), ("day", "night"), ("old", "young"),
             ("happy", "sad"), ("light", "dark"), ("open", "closed"), ("full", "empty"), ("hard", "soft"),
             ("wet", "dry"), ("early", "late"), ("near", "far"), ("high", "low"), ("rich", "poor"), ("loud", "quiet")]
SOUNDS = [("cow", "moo"), ("dog", "woof"), ("cat", "meow"), ("duck", "quack"), ("sheep", "baa"), ("pig", "oink"),
          ("bee", "buzz"), ("frog", "croak"), ("lion", "roar"), ("owl", "hoot"), ("horse", "neigh"), ("hen", "cluck")]
HUES = [("grass", "green"), ("the sky", "blue"), ("snow", "white"), ("a banana", "yellow"), ("a carrot", "orange"),
        ("coal", "black"), ("a tomato", "red"), ("milk", "white"), ("the sun", "yellow"), ("chocolate", "brown")]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
CITIES = "Hanoi Paris Berlin Tokyo Lima Cairo Rome Oslo Delhi Beijing Madrid Dublin Hue Vienna Lisbon Prague Athens " \
    "Seoul Dakar Quito Havana Nairobi Sydney Boston Lagos Warsaw Geneva Milan Porto Kyoto".split()

VI_NAMES = ["Lan", "Minh", "Hoa", "An", "Mai", "Nam", "Bình", "Hương", "Tí", "Linh"]
VI_ANIMALS = ["mèo", "chó", "thỏ", "gà", "vịt", "cá", "chim", "rùa", "khỉ", "voi"]
VI_PLACES = ["khu vườn", "bờ sông", "cánh đồng", "khu rừng", "bãi biển", "ngôi làng"]
VI_THINGS = ["quả bóng", "cái mũ", "con diều", "quyển sách", "chiếc thuyền", "cái trống"]
VI_ADJECTIVES = ["nhỏ", "vui vẻ", "thông minh", "tốt bụng", "chăm chỉ", "dũng cảm"]
ZH_NAMES = ["小明", "小红", "小兰", "小华", "小丽", "小龙", "小美", "小强"]
ZH_ANIMALS = ["猫", "狗", "兔子", "鸟", "乌龟", "猴子"]  # what is counted with 只
ZH_PLACES = ["花园", "河边", "森林", "海边", "山上", "村子"]
ZH_THINGS = ["球", "帽子", "风筝", "书", "小船", "鼓"]
ZH_ADJECTIVES = ["小", "聪明的", "勇敢的", "可爱的", "善良的", "快乐的"]
