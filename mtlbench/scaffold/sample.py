"""A small made-up log for a new dataset, so that it can be read, tested and trained on at once."""

import math
import random

ROWS, USERS, ITEMS = 2000, 80, 40
CATEGORIES = ("books", "games", "music", "tools")
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
DAYS = 20


def sample_log() -> str:
    """CSV of impressions in order of time, the same at every call."""
    generator = random.Random(1)
    category = [generator.choice(CATEGORIES) for _ in range(ITEMS)]
    price = [round(generator.lognormvariate(2, 0.5), 2) for _ in range(ITEMS)]
    taste = [generator.gauss(0, 1) for _ in range(USERS)]
    times = sorted(START_MS + generator.randrange(DAYS * DAY_MS) for _ in range(ROWS))
    lines = ["user_id,item_id,category,price,time_ms,click,purchase,amount"]
    for time in times:
        user, item = generator.randrange(USERS), generator.randrange(ITEMS)
        appeal = taste[user] + (category[item] == "books") - (price[item] - 8) / 8
        click = generator.random() < _sigmoid(appeal)
        purchase = click and generator.random() < _sigmoid(appeal - 0.5)
        amount = round(price[item] * generator.choice((1, 1, 1, 2, 3)), 2) if purchase else ""
        lines.append(f"{user},{item},{category[item]},{price[item]},{time},{int(click)},{int(purchase)},{amount}")
    return "\n".join(lines) + "\n"


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
