import pytest

from deploy.checks.addresses import HOSTS, problems


@pytest.mark.parametrize("host", ["".join(parts) for parts in HOSTS])
def test_an_index_host_is_named_by_file_and_line(host: str) -> None:
    files = [("README.md", f"install it\nfrom https://{host}/simple\n"), ("ok.md", "pypi\n")]
    assert problems(files) == ["README.md:2: names a package index's host"]
