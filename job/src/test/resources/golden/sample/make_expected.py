"""Computes expected.json from the bytes of conf/sample: python3 make_expected.py CONF_SAMPLE > expected.json

Standard library only, and written from the definition of the scales (bf16 in; computed in f32 and rounded to the dtype
after each operation), not from kvscale's code.
"""

import json
import os
import struct
import sys

FORMATS = {  # divisor, lowest and highest code
    "int8_sym": (127.5, None),
    "int8_asym": (255.0, (-128, 127)),
    "fp8": (448.0, None),
    "int4_sym": (7.5, None),
    "fp4": (6.0, None),
}
GROUP = 32
CHANNEL_LAYERS = (0, 17)


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def f32_bits(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def bf16(x):
    """Rounds half to even; x is a double that an f32 operation gave, so it is rounded to f32 first."""
    bits = f32_bits(x)
    bits += 0x7FFF + ((bits >> 16) & 1)
    return struct.unpack("<f", struct.pack("<I", bits & 0xFFFF0000))[0]


STEP = {"input": (bf16, 2.0**-7, lambda x: "%04x" % (f32_bits(x) >> 16)), "float32": (f32, 2.0**-23, lambda x: "%08x" % f32_bits(x))}


def parameters(low, high, scheme, version):
    step, epsilon, bits = STEP[version]
    divisor, codes = FORMATS[scheme]
    low, high = min(low, 0.0), max(high, 0.0)
    if codes is None:
        scale, zero = step(max(-low, high) / divisor), 0
    else:
        scale = step(step(high - low) / divisor)
        zero = step(codes[0] - step(low / scale)) if scale else 0
        zero = int(round(min(max(zero, codes[0]), codes[1])))  # round() of Python is half to even
    return bits(scale or epsilon), zero


def order(bits):
    """Total order of bf16 patterns, -0 below +0."""
    return bits ^ 0xFFFF if bits & 0x8000 else bits | 0x8000


def number(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def tensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            assert entry["dtype"] == "BF16"
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            yield name, entry["shape"], struct.unpack("<%dH" % ((end - begin) // 2), data[begin:end])


def main(folder):
    slots = {}
    samples = sorted(f[: -len(".safetensors")] for f in os.listdir(folder) if f.endswith(".safetensors"))
    tokens = 0
    for sample in samples:
        found = 0
        for name, (batch, heads, length, width), values in tensors(os.path.join(folder, sample + ".safetensors")):
            _, layer, kind = name.split(".")
            slot = slots.setdefault((int(layer), {"keys": "key", "values": "value"}[kind]), {"samples": {}, "count": 0})
            slot["count"] += len(values)
            channels = slot.setdefault("channels", [[[] for _ in range(width)] for _ in range(heads)])
            for head in range(heads):
                for d in range(width):
                    lane = values[head * length * width + d : (head + 1) * length * width : width]
                    channels[head][d] += [min(lane, key=order), max(lane, key=order)]
            slot["samples"][sample] = (min(values, key=order), max(values, key=order))
            found = length
        tokens += found
    expected = []
    for layer, role in sorted(slots):
        slot = slots[layer, role]
        low = [[min(c, key=order) for c in head] for head in slot["channels"]]
        high = [[max(c, key=order) for c in head] for head in slot["channels"]]
        head_low, head_high = [min(h, key=order) for h in low], [max(h, key=order) for h in high]
        least, greatest = min(head_low, key=order), max(head_high, key=order)
        ranges = {
            "tensor": [(least, greatest)],
            "attn_head": list(zip(head_low, head_high)),
            "group": [
                (min(l[g : g + GROUP], key=order), max(h[g : g + GROUP], key=order))
                for l, h in zip(low, high)
                for g in range(0, len(l), GROUP)
            ],
            "channel": [pair for l, h in zip(low, high) for pair in zip(l, h)],
        }
        if layer not in CHANNEL_LAYERS:
            del ranges["channel"]
        scales = {}
        for scheme in FORMATS:
            for strategy, pairs in ranges.items():
                for version in STEP:
                    both = [parameters(number(l), number(h), scheme, version) for l, h in pairs]
                    entry = {"bits": [bits for bits, _ in both]}
                    if scheme == "int8_asym":
                        entry["zero_point"] = [zero for _, zero in both]
                    scales.setdefault(scheme, {}).setdefault(strategy, {})[version] = entry
        expected.append(
            {
                "layer": layer,
                "role": role,
                "count": slot["count"],
                "min_bits": "%04x" % least,
                "max_bits": "%04x" % greatest,
                "min_sample": next(s for s in samples if slot["samples"][s][0] == least),
                "max_sample": next(s for s in samples if slot["samples"][s][1] == greatest),
                "scales": scales,
            }
        )
    head = {"dtype": "BF16", "kv_heads": 3, "head_dim": 64, "samples": samples, "tokens": tokens, "group_size": GROUP}
    lines = ",\n".join(json.dumps(slot, separators=(",", ":")) for slot in expected)
    print(json.dumps(head)[:-1] + ', "slots": [\n' + lines + "\n]}")


main(sys.argv[1])
