#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/templates_run.py: runs ci/templates/ on a small repository, whose benchmark a pull request makes twice as slow.

Run by build/lint/bin/python. Every script of the templates is executed as it stands, in the order, under the conditions and with
the environment that the platform gives; what is played are the platforms' own parts: the checkout, artifacts, and who signs
(actions/attest, cosign), which take what they are given and look at it. Only times, devices and paths are others.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from templates import ROOT, load

BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD", "build")).resolve()
HEAD_OF = "github.event.pull_request.head.repo.full_name"
BRIEF = {"DEVICES": "cpu", "WORKLOADS": "sha256", "PROFILE": "quick"}
# Prints what google-benchmark prints; the time is that of the processor.
BENCHMARK = r"""#include <stdio.h>
#include <time.h>
int main(void)
{
	volatile unsigned x = 1;
	struct timespec a, b;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (long i = 0; i < STEPS; i++)
		x = x * 1664525u + 1013904223u;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	const double ns = 1e9 * (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec);
	printf("{\"context\": {}, \"benchmarks\": [{\"name\": \"mix\", \"run_type\": \"iteration\", \"iterations\": 1,"
	       " \"real_time\": %f, \"cpu_time\": %f, \"time_unit\": \"ns\"}]}\n", ns, ns);
	return STEPS < 0;
}
"""
COSIGN = r"""#!/bin/sh
# Takes what `cosign attest-blob` of cosign 3 takes, and leaves a bundle that says what would be signed.
[ "$#" = 9 ] && [ "$1 $2 $3 $5 $7" = "attest-blob --yes --type --predicate --bundle" ] && [ -n "$SIGSTORE_ID_TOKEN" ] || exit 9
jq --arg type "$4" --arg subject "$(sha256sum <"$9")" '{$type, $subject, predicate: .}' "$6" >"$8"
"""


def sh(*words, cwd=None, env=None, check=True, stdin=None):
    done = subprocess.run(words, cwd=cwd, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} exits with {done.returncode}: {done.stdout}")
    return done


def expect(truth, what):
    if not truth:
        raise AssertionError(what)


class Repository:
    """A branch main, and merges into it: of the same benchmark, a slower one, one that fails."""

    def __init__(self, path, action):
        self.path = path
        self.env = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        for role in "AUTHOR", "COMMITTER":
            self.env |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        (path / "bench.c").write_text(BENCHMARK)
        (path / ".github/actions/assay").mkdir(parents=True)
        (path / ".github/actions/assay/action.yml").write_text(action)
        self.heads = {"main": self.commit("main", 2000000)}
        for name, steps in ("same", 2000000), ("slower", 4000000), ("broken", -1):
            self.git("checkout", "-q", "-b", name, "main")
            self.commit(name, steps)
            self.git("checkout", "-q", "--detach", "main")
            self.git("merge", "-q", "--no-ff", "-m", "merge", name)
            self.heads[name] = self.git("rev-parse", "HEAD")

    def git(self, *words):
        return sh("git", *words, cwd=self.path, env=self.env).stdout.strip()

    def commit(self, name, steps):
        (self.path / "Makefile").write_text(f"# {name}\nbench: bench.c\n\tcc -O2 -DSTEPS={steps} -o bench bench.c\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        return self.git("rev-parse", "HEAD")

    def checkout(self, path, commit):
        sh("git", "clone", "-q", str(self.path), str(path), env=self.env)
        sh("git", "checkout", "-q", "--detach", commit, cwd=path, env=self.env)


class Github:
    """A runner: jobs of workflows, one at a time, in a workspace that stays from run to run."""

    def __init__(self, work, repository, programs):
        self.work, self.repository, self.programs = work, repository, programs
        self.artifacts, self.signed = {}, []

    @staticmethod
    def value(text, scope):
        """What a text with expressions becomes: those are names."""
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: scope.get(found.group(1), ""), text)

    @staticmethod
    def holds(condition, scope):
        """Whether it does: `!cancelled()`, comparisons of names and texts, and `&&`."""
        for term in re.sub(r"^\$\{\{ (.*) \}\}$", r"\1", condition).split(" && "):
            found = re.fullmatch(r"([\w.]+) (==|!=) (?:([\w.]+)|'(.*)')", term)
            expect(found or term == "!cancelled()", f"a condition of another kind: {term}")
            if found:
                right = scope.get(found.group(3), "") if found.group(3) else found.group(4)
                if (scope.get(found.group(1), "") == right) != (found.group(2) == "=="):
                    return False
        return True

    def steps(self, steps, scope, env, outputs):
        """Runs them; the code of the first that failed, after which only those are run that ask for it."""
        code = 0
        for step in steps:
            if code if "if" not in step else not self.holds(step["if"], scope):
                continue
            given = {key: self.value(str(value), scope) for key, value in step.get("with", {}).items()}
            uses = step.get("uses", "").partition("@")[0]
            if "run" in step:
                done = self.script(step, env | {key: self.value(str(value), scope) for key, value in step.get("env", {}).items()})
                written = dict(line.split("=", 1) for line in (self.work / "output").read_text().splitlines())
            else:
                done, written = {"actions/checkout": self.check_out, "actions/upload-artifact": self.upload,
                                 "actions/download-artifact": self.download, "actions/attest": self.attest,
                                 "$/.github/actions/assay": self.assay}[uses](given, scope, env)
            scope |= {f"steps.{step.get('id')}.outputs.{key}": value for key, value in written.items()}
            code = code or done
        outputs |= {key: value for key, value in scope.items() if key.startswith("steps.")}
        return code

    def script(self, step, env):
        script = self.work / "script"
        script.write_text(step["run"])
        (self.work / "output").write_text("")
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["bash", "-e"]
        done = sh(*shell, str(script), cwd=self.workspace, check=False,
                  env=env | {"GITHUB_OUTPUT": str(self.work / "output"), "GITHUB_STEP_SUMMARY": str(self.work / "summary")})
        self.log += done.stdout
        return done.returncode

    def check_out(self, given, scope, _):
        path = self.workspace / given["path"]
        shutil.rmtree(path, ignore_errors=True)
        self.repository.checkout(path, scope["github.sha"])
        return 0, {}

    def assay(self, given, scope, env):
        action = load((self.repository.path / ".github/actions/assay/action.yml").read_text())
        inputs = {f"inputs.{name}": given.get(name, what.get("default")) for name, what in action["inputs"].items()}
        expect(None not in inputs.values(), f"an input is missing: {inputs}")
        outputs = {}
        code = self.steps(action["runs"]["steps"], inputs, env, outputs)
        return code, {name: self.value(what["value"], outputs) for name, what in action["outputs"].items()}

    def upload(self, given, *_):
        paths = self.workspace.glob(given["path"] + ("*" if given["path"].endswith("/") else ""))
        files = {path.name: path.read_bytes() for path in paths}
        if not files:
            return 1, {}
        self.artifacts["7"] = files
        return 0, {"artifact-id": "7"}

    def download(self, given, *_):
        (self.workspace / given["path"]).mkdir()
        for name, data in self.artifacts[given["artifact-ids"]].items():
            (self.workspace / given["path"] / name).write_bytes(data)
        return 0, {}

    def attest(self, given, *_):
        expect((self.workspace / given["subject-path"]).is_file(), "no subject")
        self.signed.append((given["predicate-type"], json.loads((self.workspace / given["predicate-path"]).read_text())))
        return 0, {}

    def job(self, workflow, name, commit, needs):
        """(exit code, outputs) of a job. Its workspace is the machine's, or fresh where it is GitHub's machine."""
        job = workflow["jobs"][name]
        scope = {"github.sha": commit, "github.repository": "owner/name"} | needs
        scope |= {f"env.{key}": value for key, value in workflow.get("env", {}).items()}
        self.workspace, self.log = self.work / ("machine" if "self-hosted" in job["runs-on"] else name), ""
        if self.workspace.name == name:
            shutil.rmtree(self.workspace, ignore_errors=True)
        self.workspace.mkdir(exist_ok=True)
        (self.work / "temp").mkdir(exist_ok=True)
        (self.work / "summary").write_text("")
        if not self.holds(job["if"], scope):
            return None, {}
        env = self.repository.env | {"PATH": f"{self.programs}:{os.environ['PATH']}", "CI": "true", "GITHUB_SHA": commit,
                                     "GITHUB_REPOSITORY": "owner/name", "GITHUB_SERVER_URL": "https://github.com",
                                     "GITHUB_RUN_ID": "42", "RUNNER_TEMP": str(self.work / "temp")}
        env |= {key: str(value) for key, value in {**workflow.get("env", {}), **job.get("env", {})}.items()}
        outputs = {}
        code = self.steps(job["steps"], scope, env, outputs)
        return code, {key: self.value(value, outputs) for key, value in job.get("outputs", {}).items()}


def pull_requests(work, repository, programs):
    """github/workflow.yml with github/action.yml."""
    workflow = load((ROOT / "github/workflow.yml").read_text())
    for step in workflow["jobs"]["compare"]["steps"]:
        if "options" in step.get("with", {}):
            step["with"]["options"] = "--pairs\n12\n--canary\noff\n\n--fail-on\n20%\n"
    github = Github(work, repository, programs)
    for name, wanted, verdicts in (("slower", 1, ["regression"]), ("same", 0, ["pass", "inconclusive"]), ("broken", 3, [])):
        commit = repository.heads[name]
        github.artifacts, github.signed = {}, []
        code, outputs = github.job(workflow, "compare", commit, {HEAD_OF: "owner/name"})
        expect(code == wanted, f"{name}: exit code {code}: {github.log}")
        expect(("### assay compare: " in (work / "summary").read_text()) == bool(verdicts), f"{name}: the summary")
        code, _ = github.job(workflow, "sign", commit, {f"needs.compare.outputs.{key}": value for key, value in outputs.items()})
        expect((code == 0) == bool(verdicts), f"{name}: sign exits with {code}: {github.log}")
        expect(len(github.signed) == bool(verdicts), f"{name}: {github.signed}")
        for kind, predicate in github.signed:
            expect(kind == "urn:assay:comparison:1" and predicate["comparison"]["verdict"] in verdicts and
                   predicate["commit"] == commit and predicate["run"] == "https://github.com/owner/name/actions/runs/42",
                   predicate)
            junit = xml.etree.ElementTree.fromstring(github.artifacts["7"]["comparison.xml"])
            expect(len(junit.findall(".//failure")) == wanted, "comparison.xml")
    # What is no comparison is not signed, whoever wrote it.
    for forged in b'{"verdict": "splendid"}', b"", b"[" * 2000000:
        github.artifacts = {"7": {"comparison.json": forged}}
        code, _ = github.job(workflow, "sign", commit, {"needs.compare.outputs.artifact": "7"})
        expect(code and not github.signed, f"signed: {forged[:40]}")
    for job, needs in ("sign", {}), ("compare", {HEAD_OF: "somebody/name"}):
        code, _ = github.job(workflow, job, commit, needs)
        expect(code is None, f"{job} runs where it must not")


def action(work, repository, programs):
    """github/action.yml alone: two files, a program that is built, and none."""
    github = Github(work, repository, programs)
    github.workspace, github.log = work, ""
    source = work / "source"
    source.mkdir()
    (source / "Makefile").write_text(f"build/assay:\n\tmkdir -p build\n\tcp {BUILD}/assay build/assay\n")
    sh("git", "init", "-q", "-b", "main", cwd=source)
    sh("git", "add", "-A", cwd=source)
    sh("git", "commit", "-q", "-m", "a", cwd=source, env=repository.env)
    commit = sh("git", "rev-parse", "HEAD", cwd=source).stdout.strip()
    for name, time in ("old", 100), ("new", 200):
        (work / f"{name}.json").write_text(json.dumps({"context": {}, "benchmarks": [
            {"name": "x", "run_type": "iteration", "iterations": 1, "real_time": time, "cpu_time": time, "time_unit": "ns"}]}))
    env = repository.env | {"RUNNER_TEMP": str(work / "temp")}
    given = {"base": "old.json", "head": "new.json", "files": "true", "options": "--floor\n5%"}
    for more, wanted in (({"assay": "assay-here"}, 3), ({"assay": "assay-here", "source": str(source), "commit": "main"}, 3),
                         ({"assay": "assay-here", "source": str(source), "commit": commit}, 1), ({"assay": str(BUILD / "assay")}, 1)):
        code, outputs = github.assay(given | more, {}, env)
        expect(code == wanted and outputs["code"] == ("1" if wanted == 1 else ""), f"{more}: {code} {outputs} {github.log}")


def merge_requests(work, repository, programs):
    """gitlab/assay.gitlab-ci.yml."""
    jobs = load((ROOT / "gitlab/assay.gitlab-ci.yml").read_text())
    zeros = "0" * 40
    for name, before, budget, wanted in (("slower", None, "60s", 1), ("same", zeros, "2s", 0)):
        commit, project = repository.heads[name], work / f"gitlab-{name}"
        repository.checkout(project, commit)
        env = repository.env | {"PATH": f"{programs}:{os.environ['PATH']}", "CI": "true", "CI_COMMIT_SHA": commit,
                                "CI_COMMIT_BEFORE_SHA": before or zeros, "CI_PROJECT_PATH": "group/name",
                                "CI_PIPELINE_URL": "https://gitlab.com/group/name/-/pipelines/42"}
        if not before:
            env["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = repository.heads["main"]
        compare, sign = jobs["assay:compare"], jobs["assay:sign"]
        done = sh("bash", "-eo", "pipefail", cwd=project, stdin="\n".join(compare["script"]), check=False,
                  env=env | compare["variables"] | {"BUDGET": budget})
        expect(done.returncode == wanted, f"{name}: {done.stdout}")
        expect(xml.etree.ElementTree.parse(project / compare["artifacts"]["reports"]["junit"]) is not None, "JUnit")
        signer = work / f"signer-{name}"
        for path in (path for pattern in compare["artifacts"]["paths"] for path in project.glob(pattern)):
            copy = signer / path.relative_to(project)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        sh("bash", "-eo", "pipefail", cwd=signer, stdin="\n".join(sign["script"]),
           env=env | sign["variables"] | {"SIGSTORE_ID_TOKEN": "token"})
        bundle = json.loads((signer / sign["artifacts"]["paths"][0]).read_text())
        expect(bundle["type"] == "urn:assay:comparison:1" and bundle["predicate"]["commit"] == commit and
               (bundle["predicate"]["comparison"]["verdict"] == "regression") == (wanted == 1), bundle)


def slurm(work, state, programs):
    """slurm/assay.sbatch as it runs without Slurm, and slurm/prolog.sh with each state of a node."""
    scripts = {}
    for name in "assay.sbatch", "prolog.sh":
        scripts[name] = work / name
        scripts[name].write_text((ROOT / "slurm" / name).read_text().replace("PATH=/usr/local/bin", f"PATH={programs}", 1))
    env = {"PATH": os.environ["PATH"], "ASSAY_STATE_DIR": str(state)}

    def certify():
        done = sh("bash", str(scripts["assay.sbatch"]), env=env | BRIEF, check=False)
        return done.returncode, len(list(state.glob("baselines/*/*.intoto.json"))), done.stdout

    code, kept, text = certify()
    expect((code, kept) == (0, 1) and "baseline.none" in text, f"the first: {kept}: {text}")
    # Under other load it may be found slower, and must not become a baseline then.
    code, kept, text = certify()
    expect((code, kept) in ((0, 2), (1, 1)) and "workload" in text, f"the second: {kept}: {text}")

    def prolog(**more):
        return sh("sh", str(scripts["prolog.sh"]), env=env | more, check=False).returncode

    last = state / "last.json"
    text = last.read_text()
    expect(prolog(SLURM_JOB_USER="somebody") == 0, "a node that passed")
    last.write_text(re.sub(r'("finishedAt":")20\d\d', r"\g<1>2020", text, count=1))
    expect(prolog(SLURM_JOB_USER="somebody") == 1, "a verdict that is old")
    expect(prolog(SLURM_JOB_USER="assay") == 0, "the job that brings a new one")
    last.write_text(text.replace('"exitCode":0', '"exitCode":1', 1))
    expect(prolog() == 1, "a device that computed wrong")
    last.write_text("{")
    expect(prolog() == 0, "a file that is no verdict")
    last.unlink()
    expect(prolog() == 1, "no verdict")
    scripts["prolog.sh"].write_text(scripts["prolog.sh"].read_text().replace("timeout 5 assay", "timeout 5 assay-that-is-missing"))
    expect(prolog() == 0, "no assay")


def nightly(work, state, repository, programs):
    """github/nightly.yml, which goes on with the key and the baseline of Slurm's script."""
    workflow = load((ROOT / "github/nightly.yml").read_text())
    workflow["jobs"]["measure"]["env"] |= BRIEF | {"ASSAY_STATE_DIR": str(state)}
    kept = len(list(state.glob("baselines/*/*.intoto.json")))
    github = Github(work, repository, programs)
    for branch, wanted in ("other", None), ("main", 0):
        code, _ = github.job(workflow, "measure", repository.heads["main"], {"github.ref": f"refs/heads/{branch}"})
        expect(code == wanted, f"{branch}: {github.log}")
    files = github.artifacts["7"]
    expect({"node.intoto.json", "node.transcript", "comparison.json", "comparison.md", "comparison.xml"} <= set(files), files.keys())
    comparison = json.loads(files["comparison.json"])
    expect(comparison["mode"] == "history" and len(list(state.glob("baselines/*/*.intoto.json"))) == kept + 1, comparison)


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        programs = work / "bin"
        programs.mkdir()
        (programs / "assay").symlink_to(BUILD / "assay")
        (programs / "cosign").write_text(COSIGN)
        (programs / "cosign").chmod(0o755)
        repository = Repository(work / "repository", (ROOT / "github/action.yml").read_text())
        pull_requests(work, repository, programs)
        action(work, repository, programs)
        merge_requests(work, repository, programs)
        state = work / "state"
        state.mkdir(mode=0o700)
        slurm(work, state, programs)
        nightly(work, state, repository, programs)
    print("each template did what it is for")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"{error}")
