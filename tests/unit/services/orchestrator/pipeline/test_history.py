"""The conversation as the model reads it."""

from services.orchestrator.llm.base import Message, ToolCall
from services.orchestrator.pipeline.history import History, tokens


def roles(messages: list[Message]) -> list[str]:
    return [message.role for message in messages]


def test_the_system_prompt_comes_first_and_the_users_words_last() -> None:
    history = History("Be kind.", budget=1000)
    history.add(Message("user", "Hello"))
    history.add(Message("assistant", "Hi"))
    asked = history.asked(Message("user", "Bye"))
    assert roles(asked) == ["system", "user", "assistant", "user"]
    assert asked[-1].content == "Bye"
    assert len(history.messages) == 2


def test_a_turn_cut_in_two_is_one() -> None:
    history = History("", budget=1000)
    history.add(Message("user", "Book a table"))
    assert history.asked(Message("user", "for two"))[-1].content == "Book a table for two"
    history.add(Message("user", "for two"))
    assert [message.content for message in history.messages] == ["Book a table for two"]


def test_the_oldest_turns_go_first_and_the_prompt_stays() -> None:
    history = History("system " * 20, budget=300)
    for number in range(50):
        history.add(Message("user", f"question {number} " * 3))
        history.add(Message("assistant", f"answer {number} " * 3))
    asked = history.asked(Message("user", "last"))
    assert asked[0].role == "system"
    assert asked[1].role == "user"
    assert asked[-1].content == "last"
    assert sum(map(tokens, asked)) <= 300
    assert len(history.messages) < 30


def test_words_longer_than_the_budget_are_still_asked() -> None:
    history = History("prompt", budget=50)
    assert history.asked(Message("user", "long " * 500))[-1].content.startswith("long")


def test_the_budget_is_spent_to_its_last_token_and_no_further() -> None:
    said = [Message("user", "one"), Message("assistant", "two"), Message("user", "three")]
    cost = sum(map(tokens, [Message("system", "Be kind."), *said]))
    for budget, kept in ((cost, 3), (cost - 1, 1)):
        history = History("Be kind.", budget=budget)
        for message in said:
            history.add(message)
        assert len(history.messages) == kept
        asked = History("Be kind.", budget=budget, messages=said[:2]).asked(said[2])
        assert len(asked) == 1 + kept


def test_only_what_the_user_says_is_joined() -> None:
    history = History("", budget=1000)
    history.add(Message("user", "Call a taxi"))
    for text in ("I do", "It is here"):
        history.add(Message("assistant", text))
    assert [message.content for message in history.messages] == [
        "Call a taxi",
        "I do",
        "It is here",
    ]


def test_calls_of_tools_cost_what_they_say() -> None:
    call = ToolCall("1", "book_table", '{"people": 2}' * 10)
    assert tokens(Message("assistant", "", (call,))) > tokens(Message("assistant", "")) + 30
