"""docs/licences.md knows every direct dependency."""

import re
import tomllib

from deploy.locks.lock import REQUIREMENTS, ROOT

PAGE = (ROOT / "docs" / "licences.md").read_text()
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]*", re.IGNORECASE | re.MULTILINE)

NOT_SHIPPED = re.compile(r"-test\.|\.overrides\.")


def test_every_direct_dependency_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    text = "\n".join([*project["dependencies"], *extras])
    shipped = (path for path in REQUIREMENTS.glob("*.in") if not NOT_SHIPPED.search(path.name))
    inputs = [path.read_text() for path in shipped]
    names = {name.lower() for part in (text, *inputs) for name in NAME.findall(part)}
    names -= {name for name in names if name.startswith(("pytest-", "types-"))}
    unlisted = sorted(name for name in names if name not in PAGE)
    assert not unlisted
