"""Sums with their reasoning, digit by digit: what is written down need not be kept in mind."""
import hashlib

HELD_OUT = 10  # of that many questions one is never in the training text


def is_held_out_text(text):
    """Of anything that is asked."""
    return hashlib.sha256(text.encode()).digest()[0] % HELD_OUT == 0


def is_held_out(a, b):
    """Of the pair, whichever comes first."""
    return is_held_out_text(f"{min(a, b)}+{max(a, b)}")


def digits(n):
    return [int(digit) for digit in reversed(str(n))]


def addition(a, b):
    """'47 + 85: 7 + 5 = 12, write 2 carry 1; 4 + 8 + 1 = 13. So 132.'"""
    da, db = digits(a), digits(b)
    steps, carry = [], 0
    for i in range(max(len(da), len(db))):
        terms = [d[i] for d in (da, db) if i < len(d)] + [carry] * (carry > 0)
        total = sum(terms)
        is_last = i == max(len(da), len(db)) - 1
        step = " + ".join(map(str, terms)) + (f" = {total}" if len(terms) > 1 else "")
        if total > 9 and not is_last:
            step += f", write {total - 10} carry 1"
        steps.append(step)
        carry = total // 10
    return f"{a} + {b}: " + "; ".join(steps) + f". So {a + b}."


def subtraction(a, b):
    """'85 - 47: 15 - 7 = 8, borrow 1; 8 - 4 - 1 = 3. So 38.'"""
    if a < b:
        return f"{a} is less than {b}, so minus. {subtraction(b, a)} {a} - {b} = {a - b}."
    da, db = digits(a), digits(b)
    steps, borrow = [], 0
    for i, digit in enumerate(da):
        below = db[i:i + 1] + [borrow] * (borrow > 0)
        lacks = digit < sum(below)
        result = digit + 10 * lacks - sum(below)
        step = " - ".join(map(str, [digit + 10 * lacks] + below)) + (f" = {result}" if below else "")
        steps.append(step + ", borrow 1" * lacks)
        borrow = int(lacks)
    return f"{a} - {b}: " + "; ".join(steps) + f". So {a - b}."


def comparison(a, b):
    """'47 and 85: both have 2 digits; 4 is less than 8. So 85 is larger.'"""
    sa, sb = str(a), str(b)
    if a == b:
        return f"{a} and {b}: the same digits. So they are equal."
    if len(sa) != len(sb):
        return f"{a} and {b}: {len(sa)} and {len(sb)} digits. So {max(a, b)} is larger."
    steps = []
    for x, y in zip(sa, sb):
        if x != y:
            steps.append(f"{x} is {'less' if x < y else 'more'} than {y}")
            break
        steps.append(f"{x} and {y} are equal")
    return f"{a} and {b}: {len(sa)} digits each; " + "; ".join(steps) + f". So {max(a, b)} is larger."


def counting(word, letter):
    """'s, t, r 1, a, w, b, e, r 2, r 3, y. So 3.'"""
    steps, n = [], 0
    for each in word:
        n += each == letter
        steps.append(f"{each} {n}" if each == letter else each)
    return ", ".join(steps) + f". So {n}."
