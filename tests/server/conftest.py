"""The edge over a real store on each backend, with an admin and a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Tokens
from packyard.charts.engine import Engine
from packyard.hub import opening
from packyard.hub.archives import Archives
from packyard.hub.composing import Profiles
from packyard.hub.contents import Looks
from packyard.hub.offers import Offers
from packyard.packs.files import Limits
from packyard.registry.registry import Registry
from packyard.server.edge import Edge
from packyard.server.parts import Parts, Settings
from packyard.storage.store import Store
from tests.auth.people import make_policy
from tests.live import htpasswd_line
from tests.migrated import open_migrated


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    root = tmp_path / "data" if request.param == "disk" else None
    opened = open_migrated(root, grace=timedelta(hours=1))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An htpasswd file in which a name's password is "password of NAME"."""
    path = tmp_path_factory.mktemp("users") / "htpasswd"
    names = ("admin", "reader")
    path.write_text("".join(htpasswd_line(name, f"password of {name}") for name in names))
    return path


Made = Callable[..., Edge]


@pytest.fixture
def make(store: Store, users: Path) -> Made:
    """An edge with these settings; `deletes` and `anonymous_pull` are the policy's."""

    def made(
        *,
        deletes: bool = True,
        anonymous_pull: bool = False,
        inner: object = None,
        **settings: object,
    ) -> Edge:
        secrets = Secrets.load()
        secrets.start_anew(store)
        tokens = Tokens(store, secrets)
        policy = make_policy(
            store,
            users,
            tokens=tokens,
            deletes=deletes,
            anonymous_pull=anonymous_pull,
            realm='a "b"',
        )
        engine = Engine()
        looks = Looks(store, secrets, opening.Settings())
        parts = Parts(
            store=store,
            registry=Registry(store),
            secrets=secrets,
            tokens=tokens,
            policy=policy,
            profiles=Profiles(store, secrets, engine.fill, looks),
            archives=Archives(store, secrets, opening.Settings(), Limits()),
            engine=engine,
            looks=looks,
            offers=Offers(store),
            settings=Settings(**settings),  # type: ignore[arg-type]
        )
        return Edge(parts, inner or PlainTextResponse("inner"))  # type: ignore[arg-type]

    return made


@pytest.fixture
def edge(make: Made) -> Edge:
    return make()
