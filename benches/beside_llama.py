"""The local engine beside llama.cpp, on one machine in one run.

    python3 -m venv venv && CMAKE_ARGS=-DGGML_NATIVE=ON venv/bin/pip install llama-cpp-python==0.3.36 numpy
    cargo build --release
    target/release/compagnon bench --random 1b --keep 1b.gguf --rounds 1
    venv/bin/python benches/beside_llama.py 1b.gguf

Both read the same file and the same number of tokens with the same number of threads. llama.cpp runs twice: as it is by default,
and without repacking its weights (`use_extra_bufts`); the better of the two counts, figure by figure. The rounds alternate between
the three, and the medians are shown. What is measured is what `compagnon bench` says it measures; eight rooms that open on one
prompt are done as llama-server does them: each slot reads its whole prompt, then all write together.
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

PROMPT, DEPTH, WRITTEN, QUESTION, ANSWER, ROOMS = 512, 2048, 64, 32, 48, 8
# What is shown: a key, its name, whether more is better, and the least ratio this project wants to hold.
FIGURES = [
    ("prefill", "prefill 512 (tokens/s)", True, 1.3),
    ("decode", "decode (tokens/s)", True, 1.2),
    ("decode_2048", "decode at depth 2048 (tokens/s)", True, 1.3),
    ("rooms_8", "eight rooms (tokens/s)", True, 3.5),
    ("burst_8", "eight rooms open on 512 tokens (s)", False, 7.0),
    ("burst_8_known", "  whose compagnon was used before (s)", False, 7.0),
    ("resident_used", "memory (MiB)", False, 1.0),
    ("first_token", "warm start to first token (s)", False, 1.0),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--program", default="target/release/compagnon")
    parser.add_argument("--no-burst", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=["default", "plain"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options)
    everyone = {"compagnon": [], "default": [], "plain": []}
    # The slower of the two settings at the longest figure, once that is known: it is not worth another minute a round.
    slower = set()
    ours = [options.program, "bench", "--model", options.model, "--rounds", "1", "--json", "--threads", str(options.threads)]
    ours += ["--only", ",".join(key for key, *_ in FIGURES)]
    # Before the first round the file is read from the disk, and its weights are packed: that does not count.
    subprocess.run(ours[:-2] + ["--only", "first_token"], stdout=subprocess.DEVNULL, check=True)
    for number in range(1, options.rounds + 1):
        for name, runs in everyone.items():
            command = [sys.executable, __file__, options.model, "--threads", str(options.threads), "--child", name]
            if name in slower:
                command.append("--no-burst")
            done = subprocess.run(ours if name == "compagnon" else command, stdout=subprocess.PIPE, check=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            runs.append(figures)
        if number == 2:
            slower.add(max(["default", "plain"], key=lambda name: min(run["burst_8"] for run in everyone[name])))
            print(f"round {number} {name}: {json.dumps({key: round(value, 3) for key, value in figures.items()})}", file=sys.stderr)
    show(everyone)


def show(everyone):
    middle = {name: {key: statistics.median(run[key] for run in runs if key in run) for key in runs[0]} for name, runs in everyone.items()}
    print(f"{'':38}{'compagnon':>12}{'llama.cpp':>12}{'no repack':>12}{'ratio':>8}{'wanted':>8}")
    for key, name, more, wanted in FIGURES:
        unit = 1 << 20 if key == "resident_used" else 1
        ours, default, plain = (middle[who][key] / unit for who in ("compagnon", "default", "plain"))
        best = max(default, plain) if more else min(default, plain)
        ratio = ours / best if more else best / ours
        print(f"{name:38}{ours:12.2f}{default:12.2f}{plain:12.2f}{ratio:8.2f}{wanted:8.2f}")
    print(f"\ncompagnon: {middle['compagnon']['decode_of_bandwidth']:.0%} of the read bandwidth ({middle['compagnon']['read_bandwidth'] / 1e9:.1f} GB/s) in decode, "
          f"{middle['compagnon']['prefill_of_peak']:.0%} of the int8 peak ({middle['compagnon']['int8_peak'] / 1e9:.0f} GOPS) in prefill")


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


class Context:
    """One llama.cpp context, by the library's own functions."""

    def __init__(self, model, threads, rooms, length):
        import llama_cpp

        self.api, self.rooms = llama_cpp, rooms
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx, settings.n_seq_max = length * rooms, rooms
        settings.n_threads = settings.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(model, settings)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.width = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self.batch = llama_cpp.llama_batch_init(2048, 0, 1)

    def clear(self):
        self.api.llama_memory_clear(self.memory, True)

    def step(self, rows):
        """Computes rows of (token, position, room, whether logits are wanted); returns the likeliest tokens."""
        import numpy

        wanted = []
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048]
            self.batch.n_tokens = len(part)
            for at, (token, position, room, logits) in enumerate(part):
                self.batch.token[at], self.batch.pos[at] = token, position
                self.batch.n_seq_id[at], self.batch.seq_id[at][0] = 1, room
                self.batch.logits[at] = logits
            if self.api.llama_decode(self.context, self.batch) != 0:
                raise RuntimeError("llama_decode failed")
            for at, row in enumerate(part):
                if row[3]:
                    logits = self.api.llama_get_logits_ith(self.context, at)
                    pointer = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
                    wanted.append(int(numpy.ctypeslib.as_array(pointer, (self.width,)).argmax()))
        return wanted

    def read(self, tokens, start=0, room=0):
        last = len(tokens) - 1
        return self.step([(token, start + at, room, at == last) for at, token in enumerate(tokens)])

    def write(self, tokens, start, count):
        """Each room goes on from its token for so many steps."""
        for position in range(start, start + count):
            tokens = self.step([(token, position, room, True) for room, token in enumerate(tokens)])


def child(options):
    import llama_cpp

    # The library speaks on standard error while it loads.
    quiet = llama_cpp.llama_log_callback(lambda *_: None)
    llama_cpp.llama_log_set(quiet, None)
    llama_cpp.llama_backend_init()
    before, figures = resident(), {}
    start = time.perf_counter()
    settings = llama_cpp.llama_model_default_params()
    settings.use_extra_bufts = options.child == "default"
    model = llama_cpp.llama_model_load_from_file(options.model.encode(), settings)
    alone = Context(model, options.threads, 1, DEPTH + WRITTEN + 64)
    alone.read([17])
    figures["first_token"] = time.perf_counter() - start
    ordinary = alone.width * 3 // 4

    def tokens(seed, count):
        return [(at * 7919 + seed * 104729) % ordinary for at in range(count)]

    def timed(work):
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    alone.clear()
    first = alone.read(tokens(2, QUESTION))
    figures["decode"] = WRITTEN / timed(lambda: alone.write(first, QUESTION, WRITTEN))
    alone.clear()
    figures["prefill"] = PROMPT / timed(lambda: alone.read(tokens(1, PROMPT)))
    first = alone.read(tokens(2, DEPTH - PROMPT), PROMPT)
    figures["decode_2048"] = WRITTEN / timed(lambda: alone.write(first, DEPTH, WRITTEN))
    together = Context(model, options.threads, ROOMS, PROMPT + QUESTION + ANSWER + 16)
    first = [together.read(tokens(3 + room, QUESTION), 0, room)[0] for room in range(ROOMS)]
    figures["rooms_8"] = ROOMS * ANSWER / timed(lambda: together.write(first, QUESTION, ANSWER))
    together.clear()

    def burst():
        length, rows = PROMPT + QUESTION, []
        for room in range(ROOMS):
            prompt = tokens(1, PROMPT) + tokens(20 + room, QUESTION)
            rows += [(token, at, room, at == length - 1) for at, token in enumerate(prompt)]
        together.write(together.step(rows), length, ANSWER - 1)

    # A slot keeps the prompt it read last: of eight rooms that open, seven would read it again. That is not credited.
    if not options.no_burst:
        figures["burst_8"] = figures["burst_8_known"] = timed(burst)
    figures["resident_used"] = resident() - before
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
