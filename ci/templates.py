#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/templates.py: checks ci/templates/, and that the checks find what they are for.

Run by build/lint/bin/python, which `make check` makes of ci/lint.txt. The schemas of GitHub and GitLab (check-jsonschema, with
its vendored copies), zizmor offline, shellcheck of each script and of each block of YAML that is one, and rules of our own:
actions by their commit, no permission to write where anything is checked out or built, no expression inside a script, and no
signing where a pull request's code runs.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parent / "templates"
TOOLS = pathlib.Path(sys.executable).parent
SCHEMAS = {"workflow.yml": "github-workflows", "nightly.yml": "github-workflows", "action.yml": "github-actions",
           "assay.gitlab-ci.yml": "gitlab-ci"}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def load(text):
    """YAML 1.2, so that `on` is a word."""
    return YAML(typ="safe", pure=True).load(text)


def steps_of(data):
    """(name, step) of a workflow or an action."""
    if "runs" in data:
        yield from (("action", step) for step in data["runs"]["steps"])
    for name, job in data.get("jobs", {}).items():
        yield from ((name, step) for step in job["steps"])


def blocks(name, text):
    """(name, shell, script) of everything in a template that a shell runs, as the platform runs it."""
    if not name.endswith(".yml"):
        yield name, None, text
        return
    data = load(text)
    if name.endswith(".gitlab-ci.yml"):
        for job, what in data.items():
            yield f"{name}, {job}", "sh", "set -e\n" + "\n".join(what["script"]) + "\n"
        return
    for number, (job, step) in enumerate(steps_of(data)):
        if "run" in step:
            yield f"{name}, {job}, step {number}", "bash", "set -e\n" + step["run"]


def tool(*words, stdin=None):
    """What a program complained of; nothing when it exits with 0."""
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                          check=False)
    return [] if done.returncode == 0 else [f"{pathlib.Path(words[0]).name}: {done.stdout.strip()}"]


def github(text):
    """Our own rules for a workflow or an action."""
    data = load(text)
    if "jobs" in data and data.get("permissions") != {}:
        yield "the workflow gives permissions to all jobs"
    if "jobs" in data and set(data["on"]) - {"pull_request", "schedule", "workflow_dispatch"}:
        yield "an event that is not among those that are safe"
    for used in re.findall(r"^\s*(?:- )?uses: *(.+)$", text, re.MULTILINE):
        if not used.startswith("$/") and not PINNED.match(used):
            yield f"not pinned by a commit, with its version: {used}"
    for job, step in steps_of(data):
        if "${{" in step.get("run", ""):
            yield f"{job}: an expression inside a script"
        if step.get("uses", "").startswith("actions/checkout@") and step["with"].get("persist-credentials") is not False:
            yield f"{job}: credentials stay in the checkout"
    for name, job in data.get("jobs", {}).items():
        given = job.get("permissions", "those of the workflow")
        writes = {key for key, value in given.items() if value != "read"} if isinstance(given, dict) else {given}
        foreign = [step["uses"] for step in job["steps"] if re.match(r"actions/checkout@|[$.]/", step.get("uses", ""))]
        if writes - {"id-token", "attestations"} or (writes and (foreign or "self-hosted" in job["runs-on"])):
            yield f"{name}: it may write: {', '.join(sorted(writes))}"
        if "secrets" in str(job):
            yield f"{name}: it has a secret"


def gitlab(text):
    """Our own rules for GitLab's jobs."""
    for name, job in load(text).items():
        if "image" in job and "@sha256:" not in str(job["image"]):
            yield f"{name}: an image that is not pinned"
        if "id_tokens" in job and (job["variables"].get("GIT_STRATEGY") != "none" or
                                   any("$CI_DEFAULT_BRANCH" not in rule["if"] for rule in job["rules"])):
            yield f"{name}: it can sign, and has code that was not merged"


def complaints(path):
    """All that is wrong with a template."""
    name, text = path.name, path.read_text()
    found = []
    if name in SCHEMAS:
        found += tool(str(TOOLS / "check-jsonschema"), "--builtin-schema", f"vendor.{SCHEMAS[name]}", str(path))
        if found:
            return found
        found += gitlab(text) if SCHEMAS[name] == "gitlab-ci" else github(text)
        if SCHEMAS[name] != "gitlab-ci":
            found += tool(str(TOOLS / "zizmor"), "--offline", "--no-progress", "--quiet", "--no-config", str(path))
    for where, shell, script in blocks(name, text):
        shell = ["-s", shell] if shell else []
        found += [f"{where}: {what}" for what in tool("shellcheck", *shell, "-", stdin=script)]
    return found


# A template, what is changed in it, and what must be said of that.
MUTANTS = [
    ("github/workflow.yml", "checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "checkout@v7", "not pinned"),
    ("github/workflow.yml", "attest@1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2", "attest@main", "zizmor"),
    ("github/workflow.yml", "contents: read", "contents: write", "it may write: contents"),
    ("github/workflow.yml", "contents: read", "id-token: write", "it may write: id-token"),
    ("github/workflow.yml", "permissions: {}\n\nconc", "conc", "the workflow gives permissions"),
    ("github/workflow.yml", "  pull_request:", "  pull_request_target:", "an event"),
    ("github/workflow.yml", "persist-credentials: false", "persist-credentials: true", "credentials stay"),
    ("github/workflow.yml", 'cd head && sh -euc "$BUILD"', "cd head && ${{ env.BUILD }}", "an expression inside"),
    ("github/workflow.yml", "timeout-minutes: 60", "timeout-minuts: 60", "check-jsonschema"),
    ("github/workflow.yml", "env.GITHUB_SHA", "env.GITHUB_SHA' $(cat x) '", "shellcheck"),
    ("github/nightly.yml", "    permissions: {}\n", "", "it may write"),
    ("github/nightly.yml", "DEVICES: all", "DEVICES: ${{ secrets.DEVICES }}", "it has a secret"),
    ("github/action.yml", "shell: bash", "shel: bash", "check-jsonschema"),
    ("github/action.yml", '"$program" --version', '"${{ inputs.assay }}" --version', "an expression inside"),
    ("github/action.yml", 'mkdir -p -- "$DIRECTORY"', "mkdir -p -- $DIRECTORY", "shellcheck"),
    ("gitlab/assay.gitlab-ci.yml", "interruptible:", "interuptible:", "check-jsonschema"),
    ("gitlab/assay.gitlab-ci.yml", "    GIT_STRATEGY: none\n", "    GIT_STRATEGY: clone\n", "it can sign"),
    ("gitlab/assay.gitlab-ci.yml", "  tags: [gpu]", "  image: debian:12", "an image"),
    ("gitlab/assay.gitlab-ci.yml", '.assay/base "$base"', ".assay/base $base", "shellcheck"),
    ("slurm/assay.sbatch", 'mkdir -p "$results"', "mkdir -p $results", "shellcheck"),
    ("slurm/prolog.sh", '--max-age "$max_age"', "--max-age $(cat age)", "shellcheck"),
]


def main():
    bad = [f"{path.relative_to(ROOT)}: {what}" for path in sorted(ROOT.glob("*/*")) for what in complaints(path)]
    with tempfile.TemporaryDirectory() as work:
        for name, old, new, expected in MUTANTS:
            text = (ROOT / name).read_text()
            path = pathlib.Path(work) / pathlib.Path(name).name
            shutil.rmtree(work, ignore_errors=True)
            path.parent.mkdir()
            path.write_text(text.replace(old, new, 1))
            if old not in text or not any(expected in what for what in complaints(path)):
                bad.append(f"{name}: {new!r} for {old!r} is not found by the checks")
    print("\n".join(bad) or f"{len(list(ROOT.glob('*/*')))} templates, {len(MUTANTS)} mistakes that were found")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
