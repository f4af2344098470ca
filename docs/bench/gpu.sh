#!/usr/bin/env bash
# Takes the figures of docs/gpu.md on a machine with an NVIDIA GPU, into a folder of JSON files:
#
#   [MODEL=original] docs/bench/gpu.sh OUT [FOLDER]
#
# Run from the root of the repository with a `python` that has PyTorch with CUDA; the package need not be
# installed. FOLDER holds an OpenCV with CUDA (pip install --no-deps --target FOLDER ...whl); without it
# the figures of opencv-cuda are left out. MODEL is the cascade, by default `fast`. What fails is named in
# the end, the rest is taken all the same.
set -uo pipefail
out=$(realpath -m "${1:?usage: docs/bench/gpu.sh OUT [FOLDER]}") opencv=${2:-}
mkdir -p "$out/.package"
ln -sfn "$PWD" "$out/.package/protoface"
export PYTHONPATH=$out/.package${PYTHONPATH:+:$PYTHONPATH}
# cuDNN may use TF32 for OpenCV's float32, which OpenCV has no switch for
export NVIDIA_TF32_OVERRIDE=0
failed=()

take() { # take NAME COMMAND...: a report
    local name=$1 start=$SECONDS
    shift
    "$@" --json "$out/$name.json" >"$out/$name.log" 2>&1 || failed+=("$name ($(tail -n 1 "$out/$name.log"))")
    echo "$name: $((SECONDS - start)) s"
}

bench() { # bench NAME BATCHES RUNS BACKEND...
    local name=$1 batches runs=$3
    read -ra batches <<<"$2"
    shift 3
    take "$name" python cascade/bench.py --model "${MODEL:-fast}" --size 256 --batch "${batches[@]}" --runs "$runs" \
        --backend "$@"
}

on_device=(torch-cuda-device torch-cuda-graph torch-cuda-graph-fp16)
bench torch "1 8 64" 200 onnxruntime torch torch-cuda "${on_device[@]}"
bench torch_large "512 4096" 3 onnxruntime torch-cuda "${on_device[@]}"
bench torch_compile "1 4096" 50 onnxruntime torch-cuda-compile
bench onnxruntime "1 8 64 512" 20 onnxruntime onnxruntime-cuda
if [ -n "$opencv" ]; then
    # cv2 looks for NVIDIA's libraries beside itself
    nvidia=$(python -c 'import nvidia; print(list(nvidia.__path__)[0])') && ln -sfn "$nvidia" "$opencv/nvidia"
    export PYTHONPATH=$opencv:$PYTHONPATH
    bench opencv "1 8 64" 100 onnxruntime opencv opencv-cuda opencv-cuda-fp16
    bench opencv_large "512 4096" 3 onnxruntime opencv-cuda opencv-cuda-fp16
fi
# its --precision tf32 would be overridden
unset NVIDIA_TF32_OVERRIDE
take training python tests/trainers/gpu_training.py
rm -r "$out/.package"
[ ${#failed[@]} = 0 ] || printf 'failed: %s\n' "${failed[@]}"
[ ${#failed[@]} = 0 ]
