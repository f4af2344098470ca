#!/usr/bin/env bash
# OpenCV with the DNN CUDA backend, as a wheel, out of PyPI's source distribution. See docs/opencv_cuda.md.
#
#   build.sh [--python 3.12] [--arch 9.0] [--jobs N] [--out DIR] [--toolkit DIR|pypi] [--dry-run]
#
# --python   version of CPython; pythonX.Y must be on the path
# --arch     compute capability of the GPU: 7.5 T4, 8.0 A100, 8.6 RTX 30, 8.9 RTX 40, 9.0 H100 and H200
# --jobs     compilers at once, 1 GB of memory each; default: all cores
# --out      where the wheel goes; default: dist. Its folder `build` needs 6 GB meanwhile
# --toolkit  a CUDA 13.0 toolkit, or `pypi` to fetch its compiler and runtime as packages;
#            default: $CUDA_HOME, else /usr/local/cuda-13.0, else /usr/local/cuda
# --dry-run  check, print what would be done, and stop
#
# No root, and cmake downloads nothing. It took 10 minutes on two cores.
set -euo pipefail

package=opencv-contrib-python-headless version=4.14.0.94
# What PyTorch 2.11 for CUDA 13.0 pins, so that both use one copy.
libraries=(nvidia-cudnn-cu13==9.19.0.56 nvidia-cublas==13.1.0.3 nvidia-npp==13.0.1.2 nvidia-cufft==12.0.0.61)
compiler=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96
    nvidia-cuda-cccl==13.0.85 nvidia-cuda-culibos==13.0.85 nvidia-cuda-profiler-api==13.0.85)
# The last three are for the typing stubs alone, which name their classes.
modules=core,imgproc,imgcodecs,dnn,cudev,python3,flann,features2d,calib3d
absent=(IPP ITT ADE OPENCL LAPACK EIGEN FFMPEG GSTREAMER V4L GTK TIFF WEBP OPENJPEG OPENEXR AVIF FLATBUFFERS)

fail() {
    echo "build.sh: $*" >&2
    exit 2
}

read_options() {
    python=3.12 arch=9.0 jobs=$(nproc) out=dist toolkit='' dry_run=''
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) dry_run=1 && shift && continue ;;
            -h | --help) sed -n '2,/^set /s/^#\( \|$\)//p' "$0" && exit ;;
            --python | --arch | --jobs | --out | --toolkit) ;;
            *) fail "unknown option '$1'; --help lists them" ;;
        esac
        [ $# -gt 1 ] || fail "$1 needs a value; --help lists the options"
        printf -v "${1#--}" %s "$2"
        shift 2
    done
    [[ $arch =~ ^[0-9]+\.[0-9]+$ ]] || fail "--arch '$arch' is not a compute capability such as 9.0"
    [[ $jobs =~ ^[1-9][0-9]*$ ]] || fail "--jobs '$jobs' is not a number of compilers"
}

# What would be missing only after minutes.
check_tools() {
    local said
    command -v c++ >/dev/null || fail "no c++ on the path; install a C++ compiler (Debian: g++)"
    command -v "python$python" >/dev/null || fail "no python$python on the path; install CPython $python"
    said=$("python$python" -c '
import importlib.util, pathlib, sys, sysconfig
if not importlib.util.find_spec("ensurepip"):
    sys.exit("it has no ensurepip (Debian: pythonX.Y-venv)")
if not pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file():
    sys.exit("it has no headers (Debian: pythonX.Y-dev)")' 2>&1) ||
        fail "python$python on the path does not do: ${said%%$'\n'*}"
}

find_toolkit() {
    [ "$toolkit" != pypi ] || return 0
    local folder
    for folder in ${toolkit:-${CUDA_HOME:-} /usr/local/cuda-13.0 /usr/local/cuda}; do
        if [ -x "$folder/bin/nvcc" ]; then
            toolkit=$folder
            "$toolkit/bin/nvcc" --version | grep -q 'release 13\.0' ||
                fail "$toolkit/bin/nvcc is not of CUDA 13.0, for which the libraries are; give --toolkit pypi"
            return
        fi
    done
    fail "no nvcc in ${toolkit:-\$CUDA_HOME or /usr/local/cuda}; give a CUDA 13.0 --toolkit DIR, or --toolkit pypi"
}

set_cmake_args() {
    cmake_args=(
        "-DBUILD_LIST=$modules" -DWITH_CUDA=ON -DWITH_CUBLAS=ON -DWITH_CUDNN=ON -DOPENCV_DNN_CUDA=ON
        "-DCUDA_ARCH_BIN=$arch" -DCUDA_ARCH_PTX= "-DCUDA_TOOLKIT_ROOT_DIR=$overlay"
        "-DCUDNN_INCLUDE_DIR=$overlay/include" "-DCUDNN_LIBRARY=$overlay/lib64/libcudnn.so"
        "-DCUDA_cublas_LIBRARY=$overlay/lib64/libcublas.so"
        -DBUILD_ZLIB=ON -DBUILD_JPEG=ON -DBUILD_PNG=ON -DBUILD_PROTOBUF=ON "${absent[@]/%/=OFF}"
        # beside cv2 in site-packages: where the packages above put their libraries
        "-DCMAKE_INSTALL_RPATH=\$ORIGIN/../nvidia/cudnn/lib:\$ORIGIN/../nvidia/cu13/lib"
    )
    local index
    for index in "${!cmake_args[@]}"; do
        [[ ${cmake_args[index]} == -D* ]] || cmake_args[index]=-DWITH_${cmake_args[index]}
    done
}

show_plan() {
    printf '%s\n' "package $package==$version" "python $(command -v "python$python")" "toolkit $toolkit" \
        "out $out" "jobs $jobs" "${packages[@]/#/install }" "${cmake_args[@]/#/cmake }"
}

# One install: nvidia-* packages share folders, and a second `--target` would replace them.
fetch_libraries() {
    "$pip" install --no-deps --target "$work/site" "${packages[@]}" numpy
}

# Links to every file of one folder in another one, folders in it made anew; what is there stays.
link_into() { # link_into FROM TO
    mkdir -p "$2"
    cp --recursive --symbolic-link --no-clobber "$(realpath "$1")/." "$2"
}

# Toolkit, CUDA's and cuDNN's libraries as one toolkit, the only layout that OpenCV's cmake knows.
make_overlay() {
    local cuda=$work/site/nvidia/cu13 part library
    [ "$toolkit" != pypi ] || toolkit=$cuda
    mkdir -p "$overlay"
    for part in bin nvvm; do
        link_into "$toolkit/$part" "$overlay/$part"
    done
    link_into "$toolkit/include" "$overlay/include"
    for part in "$toolkit/lib64" "$toolkit/lib"; do
        [ ! -d "$part" ] || link_into "$part" "$overlay/lib64"
    done
    for part in "$cuda" "$work/site/nvidia/cudnn"; do
        link_into "$part/include" "$overlay/include"
        link_into "$part/lib" "$overlay/lib64"
    done
    # the packages have libX.so.N only; the linker looks for libX.so
    for library in "$overlay"/lib64/lib*.so.*; do
        ln -sfn "$(basename "$library")" "${library%%.so.*}.so"
    done
}

build_wheel() {
    mkdir -p "$work/tmp"
    # --no-cache-dir: pip would keep the wheel and give it again, whatever CMAKE_ARGS say then.
    ENABLE_CONTRIB=1 ENABLE_HEADLESS=1 CMAKE_ARGS="${cmake_args[*]}" LDFLAGS=-Wl,-s TMPDIR=$work/tmp \
        CMAKE_BUILD_PARALLEL_LEVEL=$jobs MAKEFLAGS=-j$jobs \
        "$pip" wheel --no-deps --no-cache-dir --no-binary "$package" --wheel-dir "$out" "$package==$version"
}

# Beside the libraries, as a user has it: it must load, and must say that it has CUDA and cuDNN.
check_wheel() {
    local found
    "$pip" install --no-deps --target "$work/site" "$out"/opencv_contrib_python_headless-"$version"-*.whl
    found=$(PYTHONPATH=$work/site "python$python" -c 'import cv2; print(cv2.getBuildInformation())')
    grep -Eq 'NVIDIA CUDA: +YES' <<<"$found" || fail "the wheel in $out was built without CUDA"
    grep -Eq 'cuDNN: +YES' <<<"$found" || fail "the wheel in $out was built without cuDNN"
}

main() {
    read_options "$@"
    check_tools
    find_toolkit
    out=$(realpath -m "$out")
    [[ $out != *[[:space:]]* ]] || fail "--out $out holds a space, on which CMAKE_ARGS would be split"
    work=$out/build overlay=$out/build/toolkit pip=$out/build/venv/bin/pip
    packages=("${libraries[@]}")
    [ "$toolkit" != pypi ] || packages+=("${compiler[@]}")
    set_cmake_args
    if [ -n "$dry_run" ]; then
        show_plan
        return
    fi
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT
    "python$python" -m venv "$work/venv"
    fetch_libraries
    make_overlay
    build_wheel
    check_wheel
    ls "$out"/*.whl
}

# not where a test reads it for its functions
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
