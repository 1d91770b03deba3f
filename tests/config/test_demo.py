"""The demonstration: what it holds, and where it may not be."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.checks import check_no_demonstration_in_earnest
from config.demo.content import CLUBS
from config.demo.pictures import paint
from tests import factories


def test_it_is_refused_without_the_sandbox(settings: Any) -> None:
    settings.SANDBOX = False
    with pytest.raises(CommandError, match="known password"):
        call_command("seed_demo", stdout=StringIO())


@pytest.mark.django_db
def test_its_people_are_refused_in_earnest(settings: Any) -> None:
    factories.make_user("owner@riverside.example")
    assert check_no_demonstration_in_earnest(databases=["default"]) == []
    settings.SANDBOX = False
    assert [message.id for message in check_no_demonstration_in_earnest(databases=["default"])] == ["config.E001"]


@pytest.mark.django_db
def test_a_real_installation_is_not_bothered(settings: Any) -> None:
    factories.make_user("owner@club.example")
    settings.SANDBOX = False
    assert check_no_demonstration_in_earnest(databases=["default"]) == []


@pytest.mark.parametrize("club", CLUBS, ids=lambda club: club.slug)
def test_every_idea_names_accounts_pictures_and_campaigns_that_exist(club: Any) -> None:
    accounts = {account.key for account in club.accounts}
    campaigns = {plan.key for plan in club.campaigns} | {""}
    for idea in club.ideas:
        assert set(idea.accounts) <= accounts
        assert set(idea.said) <= set(idea.accounts)
        assert set(idea.pictures) <= set(club.pictures)
        assert idea.campaign in campaigns


def test_the_same_words_paint_the_same_picture() -> None:
    assert paint("court", "noon", "a") == paint("court", "noon", "a")
    assert paint("court", "noon", "a") != paint("court", "dusk", "a")
