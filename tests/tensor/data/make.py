# Makes the files of this folder with the reference library (pip install torch safetensors).
# Values are small integers counted up from 1 through all tensors by name, so tests can recompute them.
import json
import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent


def counted(shapes):
    """{name: (dtype, shape)} -> {name: tensor}"""
    tensors, value = {}, 1
    for name in sorted(shapes):
        dtype, shape = shapes[name]
        count = torch.Size(shape).numel()
        tensors[name] = torch.arange(value, value + count).to(dtype).reshape(shape)
        value += count
    return tensors


save_file(
    counted(
        {
            "bf16": (torch.bfloat16, [2, 3]),
            "bool": (torch.bool, [3]),
            "f16": (torch.float16, [5]),
            "f32": (torch.float32, [2, 2]),
            "i32": (torch.int32, [1]),
            "i64": (torch.int64, [2]),
            "i8": (torch.int8, [3, 1]),
            "u16": (torch.uint16, [1]),
            "u8": (torch.uint8, [1]),
        }
    ),
    FOLDER / "dtypes.safetensors",
    {"format": "pt"},
)
save_file(
    counted(
        {
            "empty": (torch.float32, [0, 3]),
            'quote " backslash \\ tab \t umlaut ü': (torch.float32, [1]),
            "scalar": (torch.float32, []),
        }
    ),
    FOLDER / "names.safetensors",
)

sharded = FOLDER / "sharded"
sharded.mkdir(exist_ok=True)
tensors = counted({"a": (torch.float32, [2]), "b": (torch.float16, [3]), "c": (torch.float32, [1])})
shards = {"model-00001-of-00002.safetensors": ["a", "b"], "model-00002-of-00002.safetensors": ["c"]}
for file, names in shards.items():
    save_file({name: tensors[name] for name in names}, sharded / file, {"format": "pt"})
index = {
    "metadata": {"total_size": 18},
    "weight_map": {name: file for file, names in shards.items() for name in names},
}
(sharded / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
