"""What docs/architecture.md draws is what `.importlinter` enforces."""

import configparser

import pytest

from deploy.locks.lock import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter")


def drawn(contract: str) -> str:
    """A contract's layers as the page draws them."""
    layers = CONTRACTS[f"importlinter:contract:{contract}"]["layers"].split("\n")
    names = (layer.replace("(", "").replace(")", "") for layer in layers if layer)
    return " → ".join(names)


@pytest.mark.parametrize(
    ("contract", "who"),
    [("orchestrator", "orchestrator"), ("engines", "asr, tts"), ("shared", "shared")],
)
def test_the_layers_drawn_are_the_layers_enforced(contract: str, who: str) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"{who}:"))
    assert line.partition(":")[2].strip() == drawn(contract)


def test_every_package_is_on_the_page() -> None:
    for package in sorted((ROOT / "shared").iterdir()):
        if (package / "__init__.py").exists():
            assert f"`shared/{package.name}`" in PAGE
