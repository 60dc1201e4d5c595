from deploy.docs import configuration
from deploy.docs.services import settings


def test_every_setting_of_every_service_is_told_once() -> None:
    page, example = configuration.document(), configuration.example()
    for kind in settings().values():
        for field in kind.model_fields.values():
            assert page.count(f"| `{field.alias}` |") == 1, field.alias
            assert example.count(f"\n# {field.alias}=") == 1, field.alias


def test_the_example_sets_nothing_by_itself() -> None:
    lines = configuration.example().splitlines()
    assert all(not line or line.startswith("#") for line in lines)
