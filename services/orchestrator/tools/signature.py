"""From a typed Python function to a JSON schema, and from a model's JSON to arguments."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from services.orchestrator.tools.base import ToolError


class Signature:
    """The arguments of a function, as its annotations say.

    ``Annotated[str, Field(description="…")]`` describes a parameter to the model.

    Raises:
        TypeError: a parameter is not annotated, or takes any number of arguments.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise TypeError(f"{function.__name__}: `{name}` takes any number of arguments")
            if name not in hints:
                raise TypeError(f"{function.__name__}: `{name}` is not annotated")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], default)
        config = ConfigDict(extra="forbid")
        self._model: type[BaseModel] = create_model(function.__name__, __config__=config, **fields)

    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        schema = self._model.model_json_schema()
        schema.pop("title", None)
        for parameter in schema.get("properties", {}).values():
            parameter.pop("title", None)
        return schema

    def bind(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them.

        Raises:
            ToolError: naming what is missing, unknown or of the wrong kind.
        """
        try:
            model = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
                for item in error.errors(include_url=False)
            ]
            raise ToolError(f"the arguments are not valid: {'; '.join(problems)}") from None
        return {name: getattr(model, name) for name in type(model).model_fields}
