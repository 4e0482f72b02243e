"""Which commit `--since` means: a revision, `REV...` for where HEAD left it, `auto` for the default branch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockcheck.git import GitError, Repository

AUTO = "auto"
_USUAL = ("main", "master")


@dataclass(frozen=True, slots=True)
class Base:
    """The commit to compare with. `name` says how it was found: what the user wrote, or what `auto` stands for."""

    commit: str
    name: str

    @property
    def label(self) -> str:
        """The name with the commit, shortened."""
        short = self.commit[:10]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


def resolve(repository: Repository, revision: str, surroundings: Mapping[str, str] | None = None) -> Base:
    """The commit that `--since` names; `surroundings` are the environment, which `auto` looks at. Raises GitError."""
    wanted = revision.strip()
    if wanted == AUTO:
        return _automatic(repository, os.environ if surroundings is None else surroundings)
    branch, dots, rest = wanted.partition("..")
    if not dots:
        return Base(_commit(repository, wanted), wanted)
    if rest != ".":
        raise GitError(f"`{wanted}` names more than one revision; write REV, or REV... for where HEAD left it")
    return _left(repository, branch)


def _commit(repository: Repository, name: str) -> str:
    """The full name of a commit."""
    if not name or name.startswith("-"):
        raise GitError(f"`{name}` is no revision")
    answer = repository.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if answer.status == 0:
        return answer.text
    if repository.ask("rev-parse", "--verify", "--quiet", "HEAD").status != 0:
        raise GitError(f"there is no commit `{name}`: this repository has no commit yet")
    raise GitError(f"there is no commit `{name}` in this clone{_shallow(repository)}")


def _left(repository: Repository, branch: str) -> Base:
    """Where HEAD left a branch."""
    commit = _commit(repository, branch)
    head = _commit(repository, "HEAD")
    answer = repository.ask("merge-base", commit, head)
    if answer.status != 0:
        raise GitError(f"HEAD and `{branch}` have no commit in common{_shallow(repository)}")
    return Base(answer.text, f"{branch}...")


def _shallow(repository: Repository) -> str:
    if not repository.is_shallow:
        return ""
    return "; the clone is shallow: fetch more of its history (`git fetch --unshallow`, or a greater fetch-depth)"


# --- auto ---------------------------------------------------------------------------------------------------


def _automatic(repository: Repository, surroundings: Mapping[str, str]) -> Base:
    """What a pull request is compared with in CI; else the nearest place where HEAD left a default branch."""
    found = _of_pull_request(repository, surroundings)
    if found is not None:
        return found
    branches = list(_default_branches(repository, surroundings))
    if not branches:
        _commit(repository, "HEAD")
        raise GitError(f"`auto` finds no default branch here, name a revision{_shallow(repository)}")
    return min((_left(repository, branch) for branch in branches), key=lambda base: _distance(repository, base))


def _of_pull_request(repository: Repository, surroundings: Mapping[str, str]) -> Base | None:
    """GitHub checks out a merge of the pull request into its base, which is the merge's first parent. GitLab says where
    the branch left its target."""
    reference = surroundings.get("GITHUB_REF", "")
    if reference.startswith("refs/pull/") and reference.endswith("/merge"):
        parents = repository.ask("rev-list", "--parents", "--max-count=1", "HEAD").text.split()[1:]
        if len(parents) == 2:  # noqa: PLR2004 - a merge of two
            return Base(_commit(repository, parents[0]), "the pull request's base")
    if commit := surroundings.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return Base(_commit(repository, commit), "the merge request's base")
    return None


def _default_branches(repository: Repository, surroundings: Mapping[str, str]) -> Iterator[str]:
    """The base branch of a pull request, else the default branch of each remote, else a local main or master."""
    remotes = repository.ask("remote").text.split()
    target = surroundings.get("GITHUB_BASE_REF")
    wanted = [f"{remote}/{target}" for remote in remotes if target]
    found = [name for name in wanted if _is_branch(repository, name)]
    found = found or [name for remote in remotes if (name := _default_of(repository, remote)) is not None]
    yield from found or [name for name in _USUAL if _is_branch(repository, name)][:1]


def _default_of(repository: Repository, remote: str) -> str | None:
    head = repository.ask("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
    names = [head.text] if head.status == 0 else []
    return next((name for name in [*names, *(f"{remote}/{x}" for x in _USUAL)] if _is_branch(repository, name)), None)


def _is_branch(repository: Repository, name: str) -> bool:
    places = ("refs/remotes/", "refs/heads/")
    return any(
        repository.ask("rev-parse", "--verify", "--quiet", f"{place}{name}^{{commit}}").status == 0 for place in places
    )


def _distance(repository: Repository, base: Base) -> int:
    """How many commits HEAD is ahead."""
    return int(repository.demand("rev-list", "--count", f"{base.commit}..HEAD"))
