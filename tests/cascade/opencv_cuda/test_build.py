"""The script that builds OpenCV with CUDA: everything but the downloads and the compilation."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "cascade" / "opencv_cuda" / "build.sh"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux")


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": path, **environment},
    )


@pytest.fixture
def toolkit(tmp_path: Path) -> Path:
    """A made-up CUDA toolkit: a compiler that says its release, a header and libraries."""
    files = {"bin/nvcc": "#!/bin/sh\necho 'Cuda compilation tools, release 13.0, V13.0.88'\n"}
    for name in ("bin/ptxas", "nvvm/bin/cicc", "include/cuda.h", "lib64/libcudart_static.a"):
        files[name] = f"toolkit {name}"
    return folder(tmp_path / "cuda", files)


def folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return path


def test_the_plan_is_what_was_tried(toolkit: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = build(
        "--python", PYTHON, "--arch", "8.6", "--jobs", "3", "--out", str(out),
        "--toolkit", str(toolkit), "--dry-run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"toolkit {toolkit}" in lines
    assert "jobs 3" in lines
    assert "package opencv-contrib-python-headless==4.14.0.94" in lines
    assert [line for line in lines if line.startswith("install ")] == [
        "install nvidia-cudnn-cu13==9.19.0.56",
        "install nvidia-cublas==13.1.0.3",
        "install nvidia-npp==13.0.1.2",
        "install nvidia-cufft==12.0.0.61",
    ]
    options = dict(line[len("cmake -D") :].split("=", 1) for line in lines if line.startswith("cmake"))
    on = {
        name for name, value in options.items() if value == "ON" and name.startswith(("WITH", "OPEN"))
    }
    assert on == {"WITH_CUDA", "WITH_CUBLAS", "WITH_CUDNN", "OPENCV_DNN_CUDA"}
    assert {name for name, value in options.items() if value == "OFF"} == {
        f"WITH_{name}"
        for name in [
            "IPP",
            "ITT",
            "ADE",
            "OPENCL",
            "LAPACK",
            "EIGEN",
            "FFMPEG",
            "GSTREAMER",
            "V4L",
            "GTK",
            "TIFF",
            "WEBP",
            "OPENJPEG",
            "OPENEXR",
            "AVIF",
            "FLATBUFFERS",
        ]
    }
    assert options["CUDA_ARCH_BIN"] == "8.6"
    assert options["CUDA_ARCH_PTX"] == ""
    assert set(options["BUILD_LIST"].split(",")) > {"dnn", "flann", "features2d", "calib3d"}
    assert options["CMAKE_INSTALL_RPATH"].startswith("$ORIGIN/../nvidia/cudnn/lib:")
    assert options["CUDNN_LIBRARY"] == f"{out}/build/toolkit/lib64/libcudnn.so"
    assert not out.exists()


def test_the_compiler_can_come_from_pypi(tmp_path: Path) -> None:
    done = build("--python", PYTHON, "--toolkit", "pypi", "--out", str(tmp_path), "--dry-run")
    assert "install nvidia-cuda-nvcc==13.0.88" in done.stdout.splitlines()


def test_toolkit_and_libraries_become_one_folder(toolkit: Path, tmp_path: Path) -> None:
    libraries = {
        "cu13/include/cublas_v2.h": "blas",
        "cu13/lib/libcublas.so.13": "blas",
        "cudnn/include/cudnn.h": "dnn",
        "cudnn/lib/libcudnn.so.9": "dnn",
    }
    work = tmp_path / "work"
    folder(work / "site" / "nvidia", libraries)
    code = f"source {SCRIPT}; work={work} overlay={work}/toolkit toolkit={toolkit}; make_overlay"
    for _ in range(2):  # a second time: what is there is no error
        subprocess.run(["bash", "-c", code], check=True)
    overlay = work / "toolkit"
    for name in ("bin/nvcc", "nvvm/bin/cicc", "include/cuda.h", "lib64/libcudart_static.a"):
        assert (overlay / name).read_text() == (toolkit / name).read_text()
    for name in ("include/cublas_v2.h", "include/cudnn.h"):
        assert (overlay / name).is_symlink()
    assert (overlay / "lib64/libcublas.so").read_text() == "blas"
    assert (overlay / "lib64/libcudnn.so").read_text() == "dnn"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arch", "90"], "--arch '90' is not a compute capability such as 9.0"),
        (["--jobs", "0"], "--jobs '0' is not a number of compilers"),
        (["--jobs"], "--jobs needs a value"),
        (["--cuda"], "unknown option '--cuda'"),
        (["--python", "3.2"], "no python3.2 on the path; install CPython 3.2"),
        (
            ["--python", PYTHON, "--toolkit", "/nowhere"],
            "no nvcc in /nowhere; give a CUDA 13.0 --toolkit",
        ),
    ],
)
def test_bad_arguments_are_one_line(arguments: list[str], said: str) -> None:
    done = build(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("build.sh: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'pyenv: command not found' >&2; exit 127", "does not do: pyenv: command not found"),
        ("echo 'it has no headers'; exit 1", "does not do: it has no headers"),
    ],
)
def test_a_python_that_cannot_build(tmp_path: Path, script: str, said: str) -> None:
    folder(tmp_path, {"python3.99": f"#!/bin/sh\n{script}\n"})
    done = build("--python", "3.99", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 2
    assert said in done.stderr


def test_a_compiler_of_another_release(toolkit: Path) -> None:
    (toolkit / "bin" / "nvcc").write_text("#!/bin/sh\necho 'release 12.4, V12.4.99'\n")
    done = build("--python", PYTHON, CUDA_HOME=str(toolkit))
    assert done.returncode == 2
    assert "is not of CUDA 13.0" in done.stderr


def test_a_folder_with_a_space(toolkit: Path, tmp_path: Path) -> None:
    out = tmp_path / "a b"
    done = build("--python", PYTHON, "--toolkit", str(toolkit), "--out", str(out))
    assert "holds a space" in done.stderr
    assert not out.exists()


def test_help_is_the_head_of_the_script() -> None:
    done = build("--help")
    assert done.returncode == 0
    for option in ("--python", "--arch", "--jobs", "--out", "--toolkit", "--dry-run"):
        assert option in done.stdout
    assert "set -e" not in done.stdout
