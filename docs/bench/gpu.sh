#!/usr/bin/env bash
# Measures the figures of docs/gpu.md on a machine with an NVIDIA GPU, into a folder of JSON files:
#
#   [MODELS="original fast"] docs/bench/gpu.sh OUT [FOLDER|- [NAME...]]
#
# Run from the root of the repository with a `python` that has PyTorch with CUDA; the package need not be
# installed. FOLDER holds an OpenCV with CUDA (pip install --no-deps --target FOLDER ...whl); without it
# (or with -) the figures of opencv-cuda are left out. MODELS are the cascades. With NAMEs only those are
# measured: torch, torch_large, torch_compile, torch_compile_large, onnxruntime, opencv, opencv_large,
# opencv_variants, training. What fails is listed at the end; the rest is measured all the same.
set -uo pipefail
out=$(realpath -m "${1:?usage: docs/bench/gpu.sh OUT [FOLDER|- [NAME...]]}") opencv=${2:--} names=("${@:3}")
rm -rf "$out/.package"
mkdir -p "$out/.package/protoface"
ln -s "$PWD"/{prototxt,converters,cascade,eval,trainers} "$PWD"/package/* "$out/.package/protoface"
export PYTHONPATH=$out/.package${PYTHONPATH:+:$PYTHONPATH}
# Nothing here should compute float32 in TF32: OpenCV asks cuDNN for FMA, the others are set so. This makes sure.
export NVIDIA_TF32_OVERRIDE=0
failed=()
read -ra models <<<"${MODELS:-original fast}"

take() { # take NAME FILE COMMAND...: a report, if it is wanted
    local name=$1 file=$2 start=$SECONDS
    [ ${#names[@]} = 0 ] || [[ " ${names[*]} " == *" $name "* ]] || return 0
    shift 2
    "$@" --json "$out/$file.json" >"$out/$file.log" 2>&1 || failed+=("$file ($(tail -n 1 "$out/$file.log"))")
    echo "$file: $((SECONDS - start)) s"
}

bench() { # bench NAME BATCHES RUNS BACKEND...: of all models
    local name=$1 runs=$3 batches model
    read -ra batches <<<"$2"
    shift 3
    for model in "${models[@]}"; do
        take "$name" "${model}_$name" python cascade/bench.py --model "$model" --size 256 --batch "${batches[@]}" \
            --runs "$runs" --backend "$@"
    done
}

on_device=(torch-cuda-device torch-cuda-graph torch-cuda-graph-fp16)
bench torch "1 8 64" 100 onnxruntime torch torch-cuda "${on_device[@]}"
bench torch_large "512 4096" 3 onnxruntime torch-cuda "${on_device[@]}"
compiled=(torch-cuda-compile torch-cuda-compile-fp16)
bench torch_compile 1 100 onnxruntime "${compiled[@]}"
bench torch_compile_large 4096 3 onnxruntime "${compiled[@]}"
bench onnxruntime "1 8 64 512" 20 onnxruntime onnxruntime-cuda
if [ "$opencv" != - ]; then
    # cv2 looks for NVIDIA's libraries beside itself
    nvidia=$(python -c 'import nvidia; print(list(nvidia.__path__)[0])') && ln -sfn "$nvidia" "$opencv/nvidia"
    export PYTHONPATH=$opencv:$PYTHONPATH
    bench opencv "1 8 64" 100 onnxruntime opencv opencv-cuda opencv-cuda-fp16
    bench opencv_large "512 4096" 3 onnxruntime opencv-cuda opencv-cuda-fp16
    for model in "${models[@]}"; do
        take opencv_variants "${model}_opencv_variants" python tests/cascade/backends/opencv_variants.py --model "$model" \
            --target cuda --target cuda-fp16
    done
fi
# its --precision tf32 would be overridden
unset NVIDIA_TF32_OVERRIDE
take training training python tests/trainers/solver/gpu_training.py
rm -r "$out/.package"
[ ${#failed[@]} = 0 ] || printf 'failed: %s\n' "${failed[@]}"
[ ${#failed[@]} = 0 ]
