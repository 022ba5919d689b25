"""evaluation_check.py MODEL WORK: holds `kvscale evaluate` on SmolLM2 against torch with compressed-tensors.

The weights of MODEL/model.onnx go into transformers' LlamaForCausalLM, whose attention reads K and V that compressed-tensors'
fake_quantize has quantized: of every token, its own too.

Rounding is chaotic: K that differ by 1e-7 fall on either side of a tie, and all later K and V differ by whole steps. Two runs
of torch with weights that differ by 1e-7 give KL that differ by 1 to 4 % on 1,300 tokens. So compressed-tensors quantizes
the very K and V that kvscale's graph computed, which must be torch's own within f32 noise. What is left is comparable.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy
import onnx
import torch
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from engines_check import HOME, kvscale, say

RECIPES = {
    "fp8 tensor": "num_bits: 8, type: float, strategy: tensor, symmetric: true, dynamic: false",
    "fp8 attn_head": "num_bits: 8, type: float, strategy: attn_head, symmetric: true, dynamic: false",
    "int8 channel": "num_bits: 8, type: int, strategy: channel, symmetric: true, dynamic: false",
    "int4 tensor": "num_bits: 4, type: int, strategy: tensor, symmetric: true, dynamic: false",
    "int4 channel, asymmetric": "num_bits: 4, type: int, strategy: channel, symmetric: false, dynamic: false",
    "int4 group, asymmetric": "num_bits: 4, type: int, strategy: group, group_size: 16, symmetric: false, dynamic: false",
    "fp4 attn_head": "num_bits: 4, type: float, strategy: attn_head, symmetric: true, dynamic: false",
    "nvfp4": "num_bits: 4, type: float, strategy: tensor_group, group_size: 16, symmetric: true, dynamic: local",
}
# The texts of texts.jsonl to evaluate; the others calibrate. The first has 150 tokens. Two are chats.
EVALUATED = (0, 6, 7)
DECODED = ("fp8 tensor", "int4 group, asymmetric")

LIMIT = 1e-3  # of perplexity and KL, relative
NOISE = 1e-4  # of K, V and logits, relative to the largest of the tensor; of perplexity in full precision
problems = []


def check(what, found, limit):
    if not found <= limit:
        problems.append(f"{what}: differs by {found:.1e}, at most {limit:.0e} is allowed")
    return f"{found:.0e}"


# ---- the model --------------------------------------------------------------------------------------------------------


def matrices(graph, held):
    """The weights of all MatMulNBits, dequantized: [outputs, inputs]."""
    found = {}
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            attribute = {a.name: a.i for a in node.attribute}
            codes, scale = held[node.input[1]], held[node.input[2]]
            rows, bits = attribute["N"], attribute["bits"]
            if bits == 4:
                codes = torch.stack((codes & 15, codes >> 4), -1)
            codes = codes.reshape(rows, -1, attribute["block_size"]).float()
            zero = held[node.input[3]].reshape(rows, -1, 1) if len(node.input) > 3 else 128
            values = (codes - zero) * scale.reshape(rows, -1, 1)
            found[node.input[1].split(".MatMul")[0]] = values.reshape(rows, -1)[:, : attribute["K"]]
    return found


def load(folder):
    graph = onnx.load(folder / "model.onnx").graph
    held = {tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    weights = matrices(graph, held)
    config = LlamaConfig.from_pretrained(folder, attn_implementation="eager", dtype="float32")
    heads = config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads
    state = {
        "model.embed_tokens.weight": weights["lm_head"],
        "lm_head.weight": weights["lm_head"],
        "model.norm.weight": held[f"model.layers.{config.num_hidden_layers}.final_norm_layernorm.weight"],
    }
    for layer in range(config.num_hidden_layers):
        at = f"model.layers.{layer}."
        for role, part in zip("qkv", weights[at + "attn.qkv_proj"].split([n * config.head_dim for n in heads])):
            state[f"{at}self_attn.{role}_proj.weight"] = part
        state[at + "self_attn.o_proj.weight"] = weights[at + "attn.o_proj"]
        state |= {f"{at}mlp.{name}_proj.weight": weights[f"{at}mlp.{name}_proj"] for name in ("gate", "up", "down")}
        state |= {f"{at}{name}_layernorm.weight": held[f"{at}{name}_layernorm.weight"] for name in ("input", "post_attention")}
    model = LlamaForCausalLM(config).eval()
    model.load_state_dict(state)
    return model


# ---- the quantized cache ----------------------------------------------------------------------------------------------


class Quantizer:
    """compressed-tensors' fake quantization with the scales of a kv_scales.json."""

    def __init__(self, result, factor=1.0):
        table = json.loads((result / "kv_scales.json").read_text())
        scheme = table["scheme"]
        self.local = scheme["strategy"] == "tensor_group"
        self.args = QuantizationArgs(
            **{name: scheme.get(name) for name in ("num_bits", "type", "strategy", "group_size", "symmetric")},
            **({"dynamic": "local", "scale_dtype": torch.float8_e4m3fn} if self.local else {}))
        self.slots = {}
        for layer in table["layers"]:
            for role in ("key", "value"):
                scale, zero = (torch.tensor(layer[role][name], dtype=torch.float32).reshape(layer[role]["shape"])
                               for name in ("scale", "zero_point"))
                self.slots[layer["layer"], role] = scale * factor, zero

    def __call__(self, x, slot):
        scale, zero = self.slots[slot]
        if not self.local:
            return fake_quantize(x, scale, zero, self.args)
        local, zero = compute_dynamic_scales_and_zp(x, self.args, None, scale)
        return fake_quantize(x, local, zero, self.args, global_scale=scale)


class QuantizedCache(DynamicCache):
    """Holds what compressed-tensors makes of `computed`, and notes how far torch's own K and V are from it."""

    def __init__(self, quantizer, computed):
        super().__init__()
        self.quantizer, self.computed, self.off = quantizer, computed, 0.0

    def update(self, key, value, layer, *others, **named):
        at = self.get_seq_length(layer)
        quantized = []
        for role, x in (("key", key), ("value", value)):
            whole = self.computed[layer, role]
            given = whole[:, :, at : at + x.shape[2]]
            self.off = max(self.off, float((x - given).abs().max() / whole.abs().max()))
            quantized.append(self.quantizer(given, (layer, role)))
        return super().update(*quantized, layer, *others, **named)


def logits(model, ids, cache, step=None):
    """[tokens, vocabulary] in f64, of one prefill or of `step` tokens at a time."""
    step = step or len(ids)
    with torch.inference_mode():
        parts = [model(input_ids=torch.tensor([ids[at : at + step]]), past_key_values=cache, use_cache=True).logits[0]
                 for at in range(0, len(ids), step)]
    return torch.cat(parts).double()


def slots(file, config, tokens):
    """(layer, role) -> [1, kv_heads, tokens, head_dim]"""
    shape = config.num_hidden_layers, 2, 1, config.num_key_value_heads, tokens, config.head_dim
    values = torch.from_numpy(numpy.fromfile(file, "<f4").reshape(shape))
    return {(layer, role): values[layer, i] for layer in range(shape[0]) for i, role in enumerate(("key", "value"))}


class Scores:
    """Perplexity and mean KL over texts, of quantized against full precision."""

    def __init__(self):
        self.tokens, self.surprise, self.divergence = 0, 0.0, 0.0

    def add(self, ids, full, quantized=None):
        predicted = (full if quantized is None else quantized)[:-1].log_softmax(-1)
        self.tokens += len(ids) - 1
        self.surprise -= float(predicted.gather(1, torch.tensor(ids[1:])[:, None]).sum())
        if quantized is not None:
            reference = full[:-1].log_softmax(-1)
            self.divergence += float((reference.exp() * (reference - predicted)).sum())

    def off(self, found):
        """The relative differences of perplexity and KL."""
        perplexity = math.exp(self.surprise / self.tokens)
        return abs(found["perplexity"] / perplexity - 1), abs(found["kl"] / (self.divergence / self.tokens) - 1)


# ---- the check --------------------------------------------------------------------------------------------------------


def calibrate(folder, work):
    """The folders of results, by name of the scheme."""
    lines = (folder / "texts.jsonl").read_text().splitlines(keepends=True)
    (work / "evaluated.jsonl").write_text("".join(lines[i] for i in EVALUATED))
    (work / "others.jsonl").write_text("".join(line for i, line in enumerate(lines) if i not in EVALUATED))
    results = {}
    for i, (name, scheme) in enumerate(RECIPES.items()):
        recipe, results[name] = work / f"{i}.yaml", work / f"result.{i}"
        convention = "kvscale: {global_scale: divisor}\n" if name == "nvfp4" else ""
        recipe.write_text(f"kv_cache_scheme: {{{scheme}}}\n{convention}")
        if i == 0:
            kvscale("calibrate", "--recipe", recipe, "--model", folder, "--text", work / "others.jsonl", "--output", results[name])
        else:
            kvscale("scales", "--statistics", work / "result.0/statistics.kvstats", "--recipe", recipe, "--output", results[name])
    return results


def prefill(folder, texts, work, results):
    """What kvscale's own graph computes, beside the results."""
    (work / "ids").write_text("".join(" ".join(map(str, ids)) + "\n" for ids in texts))
    built = HOME / "job/target"
    java = Path(os.environ["JAVA_HOME"], "bin/java") if os.environ.get("JAVA_HOME") else "java"
    path = f"{(built / 'spark.classpath').read_text().strip()}:{built / 'kvscale.jar'}"
    subprocess.run([java, f"@{built / 'jvm.flags'}", "-cp", path, HOME / ".ci/QuantizedPrefill.java", folder, work / "ids", *results],
                   check=True, stdin=subprocess.DEVNULL)


def main(folder, work):
    expected = json.loads((folder / "expected.json").read_text())["texts"]
    texts = [expected[i]["ids"] for i in EVALUATED]
    model = load(folder)
    results = calibrate(folder, work)
    found = json.loads(kvscale("evaluate", "--model", folder, "--text", work / "evaluated.jsonl", "--json", "--scales", *results.values()))
    prefill(folder, texts, work, results.values())

    full = [logits(model, ids, DynamicCache()) for ids in texts]
    scores = Scores()
    for ids, whole in zip(texts, full):
        scores.add(ids, whole)
    if found["predicted_tokens"] != scores.tokens:
        sys.exit(f"  evaluate predicted {found['predicted_tokens']} tokens, expected {scores.tokens}")
    off = abs(found["baseline"]["perplexity"] / math.exp(scores.surprise / scores.tokens) - 1)
    if off > NOISE:
        sys.exit(f"  full precision: perplexity differs by {off:.1e} from torch, so that nothing can be compared")
    say(f"full precision, {scores.tokens} predicted tokens: perplexity within {off:.0e} of torch")

    for (name, result), scheme in zip(results.items(), found["schemes"]):
        compare(model, name, result, scheme, texts, full)
    spoilt(model, results["fp8 tensor"], found["schemes"][0], texts, full)
    for name in DECODED:
        decode(model, name, results[name], texts[0])
    if problems:
        sys.exit("\n".join(f"  {problem}" for problem in problems))


def compare(model, name, result, found, texts, full):
    quantizer, scores, noise = Quantizer(result), Scores(), 0.0
    for i, (ids, whole) in enumerate(zip(texts, full)):
        computed, cached = (slots(result / f"{i}.{part}", model.config, len(ids)) for part in ("computed", "cached"))
        different = [slot for slot, x in computed.items() if not torch.equal(quantizer(x, slot), cached[slot])]
        if different:
            layer, role = different[0]
            problems.append(f"{name}, text {EVALUATED[i]}: the cache of layer {layer} {role} does not hold what compressed-tensors"
                            f" makes of it ({len(different)} slots differ)")
        cache = QuantizedCache(quantizer, computed)
        scores.add(ids, whole, logits(model, ids, cache))
        noise = max(noise, cache.off)
    perplexity, divergence = scores.off(found)
    say(f"{name}: perplexity {found['perplexity']:.3f} within {check(name + ', perplexity', perplexity, LIMIT)}, KL {found['kl']:.4f} "
        f"within {check(name + ', KL', divergence, LIMIT)}; K and V within {check(name + ', K and V', noise, NOISE)}")


def spoilt(model, result, found, texts, full):
    """The check must fail where scales are 10 % too large."""
    quantizer, scores = Quantizer(result, 1.1), Scores()
    for i, (ids, whole) in enumerate(zip(texts, full)):
        computed = slots(result / f"{i}.computed", model.config, len(ids))
        scores.add(ids, whole, logits(model, ids, QuantizedCache(quantizer, computed)))
    perplexity, divergence = scores.off(found)
    if divergence < 10 * LIMIT:
        problems.append(f"scales that are 10 % too large change KL by {divergence:.1e} only, so that this check finds nothing")
    say(f"scales that are 10 % too large: KL differs by {divergence:.0e}, perplexity by {perplexity:.0e}")


def decode(model, name, result, ids):
    """Token by token, each attending to the quantized cache with its own K and V in it."""
    cache = QuantizedCache(Quantizer(result), slots(result / "0.computed", model.config, len(ids)))
    decoded = logits(model, ids, cache, step=1)
    graph = torch.from_numpy(numpy.fromfile(result / "0.logits", "<f4").reshape(decoded.shape)).double()
    off = float((graph - decoded).abs().max() / decoded.abs().max())
    say(f"{name}: logits of {len(ids)} tokens, decoded one by one, within {check(name + ', logits of decoding', off, NOISE)}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
