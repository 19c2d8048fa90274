"""Generates the stubs beside the protos, checks that they are fresh, and lints the protos with buf.

    python protos/generate.py            writes *_pb2.py, *_pb2.pyi, *_pb2_grpc.py, *_pb2_grpc.pyi
    python protos/generate.py --check    fails when what stands in the tree is not what the protos give
    python protos/generate.py --lint     buf lint

`buf/validate/validate.proto` comes as a descriptor out of the installed protovalidate wheel, so that neither protoc nor
buf needs a schema registry.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent
VALIDATE = "buf/validate/validate.proto"
LINT = '{"version":"v2","modules":[{"path":"."}],"lint":{"use":["STANDARD"],"except":["RPC_REQUEST_RESPONSE_UNIQUE",' \
       '"RPC_RESPONSE_STANDARD_NAME"],"ignore":["buf","google"]}}'


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the tree instead of writing")
    parser.add_argument("--lint", action="store_true", help="run buf lint")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.lint:
            return lint(Path(scratch))
        if arguments.check:
            return check(Path(scratch))
        generate(ROOT, Path(scratch))
    return 0


def generate(target: Path, scratch: Path) -> None:
    """Writes the stubs of every proto below `target`. Raises SystemExit when protoc refuses a proto."""
    run_protoc(scratch, [f"--python_out={target}", f"--mypy_out=quiet:{target}", f"--grpc_python_out={target}",
                         f"--mypy_grpc_out=quiet:{target}", *sources()])
    # The rules' extensions must be known to google.protobuf before our own files are loaded; grpc stubs they need none.
    run_protoc(scratch, [f"--python_out={target}", f"--mypy_out=quiet:{target}", VALIDATE])
    for stub in target.glob("afteraction/**/*_pb2_grpc.py*"):
        if "_service" not in stub.name:
            stub.unlink()


def check(scratch: Path) -> int:
    """1, with the names of the stale stubs, when the tree is not what the protos give."""
    fresh = scratch / "fresh"
    fresh.mkdir()
    generate(fresh, scratch)
    stubs = {path.relative_to(fresh) for path in fresh.rglob("*_pb2*")}
    present = {path.relative_to(ROOT) for path in ROOT.rglob("*_pb2*.py*") if path.suffix in {".py", ".pyi"}}
    stale = sorted(str(name) for name in stubs | present
                   if name not in stubs or name not in present
                   or (fresh / name).read_bytes() != (ROOT / name).read_bytes())
    if stale:
        print("stale stubs, run `make protos`: " + ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


def lint(scratch: Path) -> int:
    """buf's exit code over an image made by protoc."""
    image = scratch / "image.binpb"
    run_protoc(scratch, [f"--descriptor_set_out={image}", "--include_imports", "--include_source_info", *sources()])
    buf = Path(sys.executable).parent / "buf"
    return subprocess.run([buf, "lint", image, "--config", LINT], check=False).returncode


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("afteraction/**/v1/*.proto"))


def run_protoc(scratch: Path, arguments: list[str]) -> None:
    imports = scratch / "imports.binpb"
    imports.write_bytes(validate_descriptors().SerializeToString())
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    bin_directory = Path(sys.executable).parent
    command = ["protoc", f"--proto_path={ROOT}", f"--proto_path={well_known}", f"--descriptor_set_in={imports}",
               f"--plugin=protoc-gen-mypy={bin_directory / 'protoc-gen-mypy'}",
               f"--plugin=protoc-gen-mypy_grpc={bin_directory / 'protoc-gen-mypy_grpc'}", *arguments]
    if protoc.main(command) != 0:
        raise SystemExit("protoc refused the protos; see above")


def validate_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """What `validate.proto` imports, and itself, in order of dependence."""
    files = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return files


if __name__ == "__main__":
    sys.exit(main())
