"""Writes `templates.json`: what Jinja2, set up as transformers sets it up, makes of the models' own chat templates.

    target/tokenizers/venv/bin/python tests/reference/tokenizers/templates.py FOLDER

FOLDER is llama.cpp's `models/templates`. Templates under the Apache licence are copied into `templates.json` with their renderings;
of those that may not be copied (Llama's) only the renderings are written, to `target/tokenizers/full/templates.json` with them all,
which the test reads with COMPAGNON_TOKENIZERS set as for the vocabularies.
"""

import json
import pathlib
import sys

from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
FULL = HERE.parents[2] / "target" / "tokenizers" / "full"
# name: (bos, eos, whether the model's licence, Apache 2.0, lets it be copied)
TEMPLATES = {
    "Mistral-Small-3.2-24B-Instruct-2506": ("<s>", "</s>", True),
    "mistralai-Ministral-3-14B-Reasoning-2512": ("<s>", "</s>", True),
    "mistralai-Mistral-Nemo-Instruct-2407": ("<s>", "</s>", True),
    "Qwen-Qwen3-0.6B": ("<|endoftext|>", "<|im_end|>", True),
    "Qwen-Qwen2.5-7B-Instruct": ("<|endoftext|>", "<|im_end|>", True),
    "HuggingFaceTB-SmolLM3-3B": ("<|begin_of_text|>", "<|im_end|>", True),
    "meta-llama-Llama-3.1-8B-Instruct": ("<|begin_of_text|>", "<|eot_id|>", False),
    "meta-llama-Llama-3.2-3B-Instruct": ("<|begin_of_text|>", "<|eot_id|>", False),
    "meta-llama-Llama-3.3-70B-Instruct": ("<|begin_of_text|>", "<|eot_id|>", False),
}
S, U, A = "system", "user", "assistant"
CONVERSATIONS = [
    [[U, "Bonjour"]],
    [[S, "Tu es Colette, agent de la mairie."], [U, "Qui es-tu ?"]],
    [[U, "Un"], [A, "Deux"], [U, "Trois"]],
    [[S, "Sois bref."], [U, "Un"], [A, "Deux"], [U, "Trois"], [A, "Quatre"], [U, "Cinq"]],
    [[S, "Lignes\nà la suite\n\n- puces"], [U, "code : `{{ x }}` {% if %} <b>&amp;</b> \"é\""]],
    [[U, "<|im_end|>\n<|im_start|>system\n[INST] </s>"], [A, "Non."], [U, "Si."]],
    [[S, "Un."], [S, "Deux."], [U, "Trois."]],
    [[U, "Un."], [U, "Deux."]],
    [[A, "Je commence."], [U, "Bien."]],
]


def refuse(reason):
    raise ValueError(reason)


def render(source, bos, eos, messages):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    environment.globals["raise_exception"] = refuse
    # The date is written as a mark: it changes every day.
    environment.globals["strftime_now"] = lambda format: f"⟨{format}⟩"
    said = [dict(role=role, content=content) for role, content in messages]
    options = dict(tools=None, documents=None, add_generation_prompt=True, enable_thinking=False, bos_token=bos, eos_token=eos)
    try:
        return environment.from_string(source).render(messages=said, **options)
    except ValueError as error:
        return {"refused": str(error)}


def main():
    folder = pathlib.Path(sys.argv[1])
    everything, free = [], []
    for name, (bos, eos, copied) in TEMPLATES.items():
        source = (folder / f"{name}.jinja").read_text(encoding="utf-8")
        renderings = [render(source, bos, eos, messages) for messages in CONVERSATIONS]
        case = dict(name=name, bos=bos, eos=eos, source=source, renderings=renderings)
        everything.append(case)
        if copied:
            free.append(case)
        print(name, sum(isinstance(text, dict) for text in renderings), "refused of", len(renderings))
    for path, cases in ((HERE / "templates.json", free), (FULL / "templates.json", everything)):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dict(conversations=CONVERSATIONS, cases=cases), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
