"""Templates. Everything a template prints is escaped; nothing that a contract says is ever markup."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from treadle.insight import figure
from treadle.web.assets import assets
from treadle.web.draw import bar
from treadle.web.moment import Lens, what_of


class Renderer:
    """Renders pages under one frame."""

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        # autoescape is on for every template whatever its name: there is no other output than HTML.
        env = Environment(
            loader=PackageLoader("treadle.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        env.globals.update(
            css=assets()["console.css"].url,
            js=assets()["console.js"].url,
            icon=assets()["icon.svg"].url,
            bar=bar,
            what_of=what_of,
        )
        env.filters.update(
            duration=lambda us: figure.joined(figure.duration(us)),
            share=lambda value: figure.joined(figure.share(value)),
            digits=figure.digits,
            time=lens.clock.time,
            precise=lens.clock.precise,
            machine=lens.clock.machine,
        )
        self._env = env

    def bare(self, template: str, **values: Any) -> str:
        """A page that shows nothing live: it must come out whatever is wrong with the rest."""
        return self._env.get_template(template).render(moment=None, **values)

    def page(self, template: str, **values: Any) -> str:
        """A whole page. Every page knows the moment: the frame shows engines and time."""
        moment = self._lens.moment()
        return self._env.get_template(template).render(
            moment=moment,
            live=moment.values,
            settings=moment.sight.workspace.settings,
            near=lambda at_us: self._lens.clock.near(at_us, moment.now_us),
            zone=self._lens.clock.zone_name(moment.now_us),
            **values,
        )
