"""engines_check.py PART WORK: the parts of .ci/engines-check that run in the engines' own Python.

`models` makes small models with random weights, captures of their K and V, and kvscale's results and exports. The other parts
load these with one engine each, and compare bit for bit what the engine holds with kv_scales.json.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
TEXTS = ("The quick brown fox jumps over the lazy dog.", "Sphinx of black quartz, judge my vow!", "0123456789 " * 8)
LAYERS = 2


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"  {what}: got {got!r:.600}\n    expected {wanted!r:.600}")


def say(what):
    print(f"  {what}", flush=True)


def kvscale(*arguments, code=0):
    ran = subprocess.run([HOME / "kvscale", *map(str, arguments)], cwd=HOME, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode != code:
        sys.exit(f"  kvscale {' '.join(map(str, arguments))}: exit code {ran.returncode}, not {code}\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


def f32(numbers):
    return [struct.pack("<f", number).hex() for number in numbers]


def scales(result):
    """(layer, "k" or "v") -> the scales of kv_scales.json, as the hexadecimal digits of their f32 bits."""
    table = json.loads((result / "kv_scales.json").read_text())
    return {(layer["layer"], role[0]): f32(layer[role]["scale"]) for layer in table["layers"] for role in ("key", "value")}


def tensors(folder, pattern):
    """(layer, "k" or "v") -> the values of all tensors of a folder whose name matches."""
    from safetensors import safe_open

    found = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            for name in opened.keys():
                match = re.fullmatch(pattern, name)
                if match:
                    found[int(match[1]), match[2]] = f32(opened.get_tensor(name).float().flatten().tolist())
    return found


# ---- models -----------------------------------------------------------------------------------------------------------


def tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters + ["<s>", "</s>"])}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=bytes_only, bos_token="<s>", eos_token="</s>")


def families():
    from transformers import GPTNeoXConfig, LlamaConfig, OPTConfig

    common = dict(vocab_size=320, hidden_size=256, num_hidden_layers=LAYERS, num_attention_heads=4,
                  max_position_embeddings=512, bos_token_id=256, eos_token_id=257, pad_token_id=257)
    return {
        "llama": LlamaConfig(**common, num_key_value_heads=2, head_dim=64, intermediate_size=512, tie_word_embeddings=False),
        "opt": OPTConfig(**common, ffn_dim=512, word_embed_proj_dim=256),
        "neox": GPTNeoXConfig(**common, intermediate_size=512),
    }


def make_models(work):
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, DynamicCache

    words = tokenizer()
    for family, config in families().items():
        torch.manual_seed(11)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                # Channels of different size, so that every layer, role and head has a scale of its own.
                if re.search(r"(k_proj|v_proj|query_key_value)\.weight", name):
                    weight[5 + 9 * int(re.search(r"layers\.(\d+)", name)[1])] *= 7 if "k_proj" in name else 4
        model.save_pretrained(work / family)
        words.save_pretrained(work / family)
        (work / f"{family}.captures").mkdir()
        for i, text in enumerate(TEXTS):
            cache = DynamicCache()
            with torch.no_grad():
                model(input_ids=torch.tensor([words(text)["input_ids"]]), past_key_values=cache, use_cache=True)
            save_file({f"layers.{n}.{role}": getattr(layer, role).contiguous()
                       for n, layer in enumerate(cache.layers) for role in ("keys", "values")},
                      work / f"{family}.captures" / f"{i}.safetensors")
        if family == "llama":
            model.save_pretrained(work / "sharded", max_shard_size="600KB")
            words.save_pretrained(work / "sharded")
            quantize_weights(work / "llama", work / "w8a8")


def quantize_weights(source, target):
    """A compressed-tensors checkpoint: int8 weights by channel, int8 activations by token."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target)
    weights = load_file(source / "model.safetensors")
    for name in [name for name in weights if re.search(r"layers\..*_proj\.weight", name)]:
        scale = weights[name].float().abs().amax(dim=1, keepdim=True) / 127.5
        weights[name] = (weights[name].float() / scale).round().clamp(-128, 127).to(torch.int8)
        weights[name + "_scale"] = scale.to(torch.bfloat16)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    config = json.loads((target / "config.json").read_text())
    whole = {"num_bits": 8, "type": "int", "symmetric": True}
    config["quantization_config"] = {
        "quant_method": "compressed-tensors", "format": "int-quantized", "quantization_status": "compressed",
        "ignore": ["lm_head"], "kv_cache_scheme": None, "global_compression_ratio": None,
        "config_groups": {"group_0": {
            "targets": ["Linear"],
            "weights": {**whole, "strategy": "channel", "dynamic": False},
            "input_activations": {**whole, "strategy": "token", "dynamic": True},
        }},
    }
    (target / "config.json").write_text(json.dumps(config))


def recipe(work, name, scheme, observer="static_minmax"):
    file = work / f"{name}.yaml"
    file.write_text(f"kv_cache_scheme: {{{scheme}, symmetric: true, dynamic: false, observer: {observer}}}\n")
    return file


def export(work, result, target, name, model=None):
    kvscale("export", "--scales", result, "--for", target, "--output", work / name, *(("--model", model) if model else ()))
    return work / name


def models(work):
    make_models(work)
    recipes = {
        "tensor": recipe(work, "tensor", "num_bits: 8, type: float, strategy: tensor"),
        "attn_head": recipe(work, "attn_head", "num_bits: 8, type: float, strategy: attn_head"),
        "int8": recipe(work, "int8", "num_bits: 8, type: int, strategy: channel"),
        "int4": recipe(work, "int4", "num_bits: 4, type: int, strategy: channel"),
    }
    for family in families():
        kvscale("calibrate", "--recipe", recipes["tensor"], "--input", work / f"{family}.captures", "--output", work / f"{family}.tensor")
    for scheme in ("attn_head", "int8", "int4"):
        kvscale("scales", "--statistics", work / "llama.tensor/statistics.kvstats", "--recipe", recipes[scheme], "--output", work / f"llama.{scheme}")
    say(f"{LAYERS} layers each: llama, llama in shards, llama in W8A8, opt, neox")


# ---- vLLM -------------------------------------------------------------------------------------------------------------


class Vllm:
    """Loads models with vLLM's own loader, one after the other in one process."""

    def __init__(self):
        os.environ.update(VLLM_TARGET_DEVICE="cpu", VLLM_CPU_KVCACHE_SPACE="1", VLLM_ENABLE_V1_MULTIPROCESSING="0",
                          VLLM_HOST_IP="127.0.0.1", GLOO_SOCKET_IFNAME="lo", VLLM_CPU_OMP_THREADS_BIND="nobind",
                          VLLM_LOGGING_LEVEL="ERROR")
        self.ready = False

    def load(self, folder, **options):
        """(layer, role) -> f32 bits, and the type of the cache."""
        from vllm.config import set_current_vllm_config
        from vllm.distributed import init_distributed_environment, initialize_model_parallel
        from vllm.engine.arg_utils import EngineArgs
        from vllm.model_executor.model_loader import get_model

        config = EngineArgs(model=str(folder), max_model_len=256, enforce_eager=True, **options).create_engine_config()
        config.compilation_config.static_forward_context.clear()
        with set_current_vllm_config(config):
            if not self.ready:
                init_distributed_environment(1, 0, f"file://{tempfile.mkdtemp()}/rank", 0, "gloo")
                initialize_model_parallel(1, 1)
                self.ready = True
            model = get_model(vllm_config=config)
        found, types = {}, set()
        for name, module in model.named_modules():
            if hasattr(module, "_k_scale"):
                layer = int(re.search(r"\.(\d+)\.", name)[1])
                types.add(module.kv_cache_dtype)
                for role in "kv":
                    found[layer, role] = f32(getattr(module, f"_{role}_scale").float().flatten().tolist())
        return found, types.pop()


def vllm(work):
    engine = Vllm()
    cases = (("llama", "tensor"), ("llama", "attn_head"), ("sharded", "tensor"), ("sharded", "attn_head"),
             ("w8a8", "tensor"), ("opt", "tensor"), ("neox", "tensor"))
    for model, scheme in cases:
        result = work / f"{model if model in families() else 'llama'}.{scheme}"
        merged = export(work, result, "vllm", f"vllm.{model}.{scheme}", work / model)
        kvscale("check", "--model", merged, "--for", "vllm", "--scales", result)
        found, cache = engine.load(merged)
        expect(f"vLLM, {model}, {scheme}", found, scales(result))
        expect(f"vLLM, {model}, {scheme}: the cache", cache, "fp8")
        say(f"vLLM, {model}, {scheme}: {len(found)} scales equal bit for bit, cache {cache}")
    spoilt(work, engine)


def spoilt(work, engine):
    """Folders spoilt on purpose: the engine says nothing and uses 1.0, and kvscale check says so."""
    one = f32([1.0])
    result = work / "llama.tensor"
    folder = work / "no-index"
    shutil.copytree(work / "vllm.sharded.tensor", folder, symlinks=True)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if "_scale" not in name}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    kvscale("check", "--model", folder, "--for", "vllm", "--scales", result, code=10)
    expect("vLLM, index not merged", set(map(tuple, engine.load(folder)[0].values())), {tuple(one)})
    say("vLLM, index without the scales: 1.0 in all layers, found by kvscale check")

    from safetensors.torch import load_file, save_file

    folder = work / "no-layer"
    shutil.copytree(work / "vllm.sharded.tensor", folder, symlinks=True)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    gone = [name for name in index["weight_map"] if re.search(r"layers\.1\..*[kv]_scale$", name)]
    file = folder / index["weight_map"][gone[0]]
    kept = {name: tensor for name, tensor in load_file(file).items() if name not in gone}
    file.unlink()
    save_file(kept, file)
    for name in gone:
        del index["weight_map"][name]
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    kvscale("check", "--model", folder, "--for", "vllm", "--scales", result, code=10)
    wanted = scales(result)
    expect("vLLM, a layer missing", engine.load(folder)[0], {slot: bits if slot[0] == 0 else one for slot, bits in wanted.items()})
    say("vLLM, scales of layer 1 missing: 1.0 in that layer, found by kvscale check")


# ---- SGLang -----------------------------------------------------------------------------------------------------------


def without_kernels():
    """SGLang's loader imports its kernels, which exist for GPUs only; loading calls none."""
    import types

    class Kernels(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *arguments, **named: None

    sys.modules["sgl_kernel"] = Kernels("sgl_kernel")
    os.environ["SGLANG_USE_CPU_ENGINE"] = "1"


def names(work):
    """The name of every exported scale, through SGLang's own rule for names."""
    without_kernels()
    from sglang.srt.model_loader.weight_utils import maybe_remap_kv_scale_name

    for family, target in (("llama", "sglang"), ("opt", "vllm")):
        folder = export(work, work / f"{family}.tensor", target, f"names.{family}", work / family)
        attention = {"llama": "model.layers.{}.self_attn", "opt": "model.decoder.layers.{}.self_attn"}[family]
        parameters = {f"{attention.format(layer)}.attn.{role}_scale": None for layer in range(LAYERS) for role in "kv"}
        found = set()
        from safetensors import safe_open

        for file in folder.glob("*.safetensors"):
            with safe_open(file, "pt") as opened:
                found |= {maybe_remap_kv_scale_name(name, parameters) for name in opened.keys() if name.endswith("_scale")}
        expect(f"SGLang's names, {family}", found, set(parameters))
        say(f"SGLang, {family}: {len(found)} names become parameters of the engine")


def sglang(work):
    without_kernels()
    from sglang.srt.configs.device_config import DeviceConfig
    from sglang.srt.configs.load_config import LoadConfig
    from sglang.srt.configs.model_config import ModelConfig
    from sglang.srt.distributed import init_distributed_environment, initialize_model_parallel
    from sglang.srt.model_loader import get_model
    from sglang.srt.runtime_context import get_parallel
    from sglang.srt.server_args import ServerArgs, set_global_server_args_for_scheduler

    result = work / "llama.tensor"
    for i, model in enumerate(("llama", "sharded")):
        merged = export(work, result, "sglang", f"sglang.{model}", work / model)
        kvscale("check", "--model", merged, "--for", "sglang", "--scales", result)
        arguments = ServerArgs(model_path=str(merged), device="cpu", dtype="bfloat16", attention_backend="torch_native")
        set_global_server_args_for_scheduler(arguments)
        if i == 0:
            init_distributed_environment(backend="gloo", world_size=1, rank=0, local_rank=0,
                                         distributed_init_method=f"file://{tempfile.mkdtemp()}/rank")
            initialize_model_parallel()
            ranks = ("tp", "pp", "attn_tp", "attn_dp", "attn_cp", "moe_ep", "moe_tp", "dp")
            get_parallel().override_permanently(**{f"{rank}_rank": 0 for rank in ranks}, **{f"{rank}_size": 1 for rank in ranks})
        loaded = get_model(model_config=ModelConfig.from_server_args(arguments), load_config=LoadConfig(), device_config=DeviceConfig("cpu"))
        found = {}
        for name, module in loaded.named_modules():
            if getattr(module, "k_scale", None) is not None:
                for role in "kv":
                    found[int(re.search(r"\.(\d+)\.", name)[1]), role] = f32([float(getattr(module, f"{role}_scale"))])
        expect(f"SGLang, {model}", found, scales(result))
        say(f"SGLang, {model}: {len(found)} scales equal bit for bit")


# ---- transformers, ModelOpt -------------------------------------------------------------------------------------------


def transformers(work):
    import torch
    from compressed_tensors.quantization import QuantizationConfig
    from transformers import AutoModelForCausalLM

    parsed = 0
    for config in sorted(work.glob("*/config.json")):
        quantization = json.loads(config.read_text()).get("quantization_config")
        if quantization and quantization["quant_method"] == "compressed-tensors" and quantization.get("kv_cache_scheme"):
            scheme = QuantizationConfig.model_validate(quantization).kv_cache_scheme
            expect(f"compressed-tensors, {config.parent.name}", (scheme.num_bits, scheme.type, scheme.symmetric), (8, "float", True))
            parsed += 1
    say(f"compressed-tensors parses {parsed} configs")
    for model in ("llama", "sharded"):
        loaded = AutoModelForCausalLM.from_pretrained(work / f"vllm.{model}.tensor", dtype=torch.float32)
        found = {(int(re.search(r"\.(\d+)\.", name)[1]), role): f32(getattr(module, f"{role}_scale").flatten().tolist())
                 for name, module in loaded.named_modules() if hasattr(module, "k_scale") for role in "kv"}
        expect(f"transformers, {model}", found, scales(work / "llama.tensor"))
        say(f"transformers, {model}: {len(found)} scales equal bit for bit")


def modelopt(work):
    """ModelOpt calibrates the same model on the same texts, and exports it."""
    import copy

    import modelopt.torch.quantization as quantization
    import torch
    from modelopt.torch.export import export_hf_checkpoint
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(work / "llama", dtype=torch.bfloat16)
    words = tokenizer()

    def forward(model):
        for text in TEXTS:
            model(input_ids=torch.tensor([words(text)["input_ids"]]))

    everything_off = {"quantizer_name": "*", "enable": False}
    config = {"quant_cfg": [everything_off, *copy.deepcopy(quantization.FP8_KV_CFG["quant_cfg"])], "algorithm": "max"}
    with torch.no_grad():
        model = quantization.quantize(model, config, forward)
        export_hf_checkpoint(model, export_dir=work / "modelopt.theirs")
    projection = r"model\.layers\.(\d+)\.self_attn\.[kv]_proj\.([kv])_scale"
    theirs = tensors(work / "modelopt.theirs", projection)
    expect("ModelOpt's slots", len(theirs), 2 * LAYERS)
    expect("ModelOpt's scales", theirs, scales(work / "llama.tensor"))
    expect("kvscale export --for modelopt", tensors(export(work, work / "llama.tensor", "modelopt", "modelopt.ours"), projection), theirs)
    say(f"ModelOpt: {len(theirs)} scales of its own export equal bit for bit")


# ---- ONNX Runtime -----------------------------------------------------------------------------------------------------


def genai(work):
    """The builder of ONNX Runtime GenAI takes the JSON, and its graph holds the scales."""
    import onnx

    for scheme in ("int8", "int4"):
        folder = export(work, work / f"llama.{scheme}", "ort-genai", f"genai.{scheme}")
        file = next(folder.glob("*.json"))
        written = json.loads(file.read_text())["scales"]
        built = work / f"genai.{scheme}.model"
        subprocess.run([sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", work / "llama", "-o", built, "-p", "fp32",
                        "-e", "cpu", "--extra_options", f"kv_cache_quant_scheme={scheme}_per_channel", f"kv_cache_scale_file={file}"],
                       check=True, stdout=subprocess.DEVNULL)
        graph = onnx.load(built / "model.onnx").graph
        held = {tensor.name: f32(onnx.numpy_helper.to_array(tensor).flatten().tolist()) for tensor in graph.initializer if "_scale" in tensor.name}
        for layer in range(LAYERS):
            for role in "kv":
                expect(f"GenAI, {scheme}, layer {layer} {role}", held[f"model.layers.{layer}.attn.{role}_scale"], f32(written[f"{role}_scales"][layer]))
        say(f"ONNX Runtime GenAI, {scheme} by channel: {2 * LAYERS} slots of the graph equal bit for bit")
    attention_inputs(work)


def attention_inputs(work):
    """The K and V of layer 0 and their exported scales, channel by channel, for kv_fake_quantize."""
    from safetensors.torch import load_file

    captured = load_file(work / "llama.captures" / "2.safetensors")
    given = {}
    for scheme in ("int8", "int4"):
        exported = json.loads(next((work / f"genai.{scheme}").glob("*.json")).read_text())["scales"]
        given[scheme] = {role: {
            "scales": exported[f"{role}_scales"][0],
            # [1, heads, tokens, head_dim] to [heads x head_dim, tokens]
            "channels": captured[f"layers.0.{name}"][0].float().transpose(1, 2).flatten(0, 1).tolist(),
        } for role, name in (("k", "keys"), ("v", "values"))}
    (work / "attention.json").write_text(json.dumps(given))


def attention(work):
    """GroupQueryAttention with a quantized cache gives what plain attention gives with values of kv_fake_quantize."""
    import numpy

    given = json.loads((work / "attention.json").read_text())
    fake = json.loads((work / "attention.fake.json").read_text())
    heads, head_dim, query_heads = 2, 64, 4
    for scheme, bits in (("int8", 8), ("int4", 4)):
        def rows(channels):
            return numpy.array(channels, numpy.float32).T[None]  # [1, tokens, heads x head_dim]

        key, value = (rows(given[scheme][role]["channels"]) for role in "kv")
        fake_key, fake_value = (rows(fake[scheme][role]) for role in "kv")
        scales = [numpy.array(given[scheme][role]["scales"], numpy.float32).reshape(1, heads, 1, head_dim) for role in "kv"]
        tokens = key.shape[1]
        query = numpy.random.default_rng(5).standard_normal((1, tokens, query_heads * head_dim), dtype=numpy.float32)
        quantized = group_query_attention(query, key, value, heads, head_dim, bits, scales)
        wanted = group_query_attention(query, fake_key, fake_value, heads, head_dim)
        plain = group_query_attention(query, key, value, heads, head_dim)
        size = float(numpy.abs(wanted).max())
        off = float(numpy.abs(quantized - wanted).max()) / size
        noise = float(numpy.abs(plain - wanted).max()) / size
        if not off < 1e-5 < 1e-3 < noise:
            sys.exit(f"  ONNX Runtime, {scheme}: differs by {off:.1e} of the largest output; quantization itself by {noise:.1e}")
        say(f"ONNX Runtime, {scheme} cache by channel: within {off:.0e} of kv_fake_quantize, unquantized {noise:.0e}")


def group_query_attention(query, key, value, heads, head_dim, bits=None, scales=()):
    """The output of one GroupQueryAttention without a past; with bits, K and V go through a quantized cache."""
    import numpy
    import onnxruntime
    from onnx import TensorProto, helper

    tokens = key.shape[1]
    element, dtype, width = {
        None: (TensorProto.FLOAT, numpy.float32, head_dim),
        8: (TensorProto.INT8, numpy.int8, head_dim),
        4: (TensorProto.UINT8, numpy.uint8, head_dim // 2),
    }[bits]
    feeds = {
        "query": query, "key": key, "value": value,
        "past_key": numpy.zeros((1, heads, 0, width), dtype), "past_value": numpy.zeros((1, heads, 0, width), dtype),
        "seqlens_k": numpy.array([tokens - 1], numpy.int32), "total": numpy.array([tokens], numpy.int32),
    }
    names = list(feeds)
    attributes = {"num_heads": query.shape[2] // head_dim, "kv_num_heads": heads}
    if bits:
        feeds.update(k_scale=scales[0], v_scale=scales[1])
        names += [""] * 5 + ["k_scale", "v_scale"]
        attributes.update(k_quant_type="PER_CHANNEL", v_quant_type="PER_CHANNEL", kv_cache_bit_width=bits)
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in feeds.items()]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, query.shape)]
    outputs += [helper.make_tensor_value_info(name, element, None) for name in ("present_key", "present_value")]
    node = helper.make_node("GroupQueryAttention", names, [output.name for output in outputs], domain="com.microsoft", **attributes)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(helper.make_graph([node], "attention", inputs, outputs), opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["output"], feeds)[0]


PARTS = {part.__name__: part for part in (models, vllm, names, sglang, transformers, modelopt, genai, attention)}

if __name__ == "__main__":
    PARTS[sys.argv[1]](Path(sys.argv[2]))
