"""Writes `held_out.json`: dialogues the witness never saw, for measuring what an arithmetic loses.

    venv/bin/python held_out.py

They are those of `evaluate.py`, fewer of each kind and other draws. Each is a list of messages, `[role, text]`; the last is
the answer, which is what the model was trained to write.
"""

import json
import pathlib

import evaluate


def main():
    tasks = evaluate.cases(count=3, seed=11)
    # Passages make prompts long, and the measure slow: one of each kind.
    few = {task: items[:1 if task in evaluate.with_passages(0) else 3] for task, items in tasks.items()}
    dialogues = [[*messages, ("assistant", answer)] for items in few.values() for messages, answer in items]
    # The longest kinds are beyond what the witness can do.
    kept = [dialogue for dialogue in dialogues if sum(len(text) for _, text in dialogue) < 900]
    lines = ",\n".join(json.dumps(dialogue, ensure_ascii=False) for dialogue in kept)
    (pathlib.Path(__file__).parent / "held_out.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(kept)} dialogues")


if __name__ == "__main__":
    main()
