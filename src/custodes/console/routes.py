"""Every page and what it asks for: path, method, handler. The table of docs/console.md is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.console.pages import home
from custodes.console.pages.evidence import bills, certificates, ledger, statements
from custodes.console.pages.labels import datasets, projects, versions
from custodes.console.pages.operator import customers, policy, server
from custodes.console.pages.recognition import collections, faces, liveness, people, reviews, subjects, tasks, try_it
from custodes.console.pages.video import jobs, streams
from custodes.console.visit import Outcome, Visit


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One page: its path below ``/console``, how it is asked for, what answers, and the operations that it asks."""

    method: str
    path: str
    handler: Callable[[Visit], Outcome]
    operations: tuple[str, ...] = ()


PAGES: tuple[PageRoute, ...] = (
    PageRoute("GET", "/", home.page, home.OPERATIONS),
    PageRoute("GET", "/health", home.health, home.HEALTH),
    PageRoute("GET", "/uses", home.uses, home.USES),
    PageRoute("GET", "/try/{task}", try_it.page, ("ListCollections",)),
    PageRoute("POST", "/try/{task}", try_it.result, try_it.OPERATIONS),
    PageRoute("GET", "/collections", collections.listing, collections.LISTING),
    PageRoute("POST", "/collections", collections.create, ("CreateCollection",)),
    PageRoute("GET", "/collections/{collection}", collections.show, collections.SHOWING),
    PageRoute("GET", "/collections/{collection}/settings", collections.settings, collections.SETTINGS),
    PageRoute("POST", "/collections/{collection}/switch", collections.switch, ("SwitchFaceModel",)),
    PageRoute("POST", "/collections/{collection}/pictures", collections.keep_pictures, collections.PICTURES),
    PageRoute("POST", "/collections/{collection}/retention", collections.retain, ("retention set",)),
    PageRoute("POST", "/collections/{collection}/delete", collections.delete, ("DeleteCollection",)),
    PageRoute("GET", "/collections/{collection}/add", faces.add_page, faces.ADD_PAGE),
    PageRoute("POST", "/collections/{collection}/add", faces.add, faces.ADDING),
    PageRoute("GET", "/collections/{collection}/faces/{face}", faces.show, faces.ONE),
    PageRoute("POST", "/collections/{collection}/faces/{face}", faces.alike, faces.ALIKE),
    PageRoute("POST", "/collections/{collection}/delete-faces", faces.delete, faces.DELETING),
    PageRoute("GET", "/collections/{collection}/people", people.listing, people.LISTING),
    PageRoute("POST", "/collections/{collection}/people", people.create, ("CreateUser",)),
    PageRoute("GET", "/collections/{collection}/people/{person}", people.show, people.ONE),
    PageRoute("POST", "/collections/{collection}/people/{person}", people.associate, ("AssociateFaces", *people.ONE)),
    PageRoute("POST", "/collections/{collection}/people/{person}/disassociate", people.disassociate, people.TAKING),
    PageRoute("POST", "/collections/{collection}/people/{person}/delete", people.delete, ("DeleteUser",)),
    PageRoute("GET", "/liveness", liveness.page),
    PageRoute("POST", "/liveness", liveness.begin, liveness.BEGINNING),
    PageRoute("GET", "/liveness/{session}", liveness.result, liveness.RESULT),
    PageRoute("GET", "/jobs", jobs.listing, jobs.LISTING),
    PageRoute("POST", "/jobs", jobs.start, jobs.STARTING),
    PageRoute("GET", "/find-job", jobs.find),
    PageRoute("GET", "/jobs/{kind}/{job}", jobs.show, jobs.GETTING),
    PageRoute("GET", "/jobs/{kind}/{job}/export", jobs.export, jobs.GETTING),
    PageRoute("GET", "/jobs/{kind}/{job}/edl", jobs.cut_list, jobs.CUTS),
    PageRoute("GET", "/tasks", tasks.listing, tasks.LISTING),
    PageRoute("POST", "/tasks", tasks.start, tasks.STARTING),
    PageRoute("GET", "/tasks/{task}", tasks.show, tasks.ONE),
    PageRoute("POST", "/tasks/{task}/stop", tasks.stop, tasks.STOPPING),
    PageRoute("GET", "/streams", streams.listing, streams.LISTING),
    PageRoute("GET", "/streams/{processor}", streams.show, streams.ONE),
    PageRoute("POST", "/streams/{processor}", streams.move, streams.MOVING),
    PageRoute("GET", "/events", streams.events, streams.EVENTS),
    PageRoute("GET", "/labels", projects.listing, projects.LISTING),
    PageRoute("POST", "/labels", projects.create, ("CreateProject",)),
    PageRoute("GET", "/labels/{project}", projects.show, projects.SHOWING),
    PageRoute("POST", "/labels/{project}/delete", projects.delete, projects.DELETING),
    PageRoute("POST", "/labels/{project}/datasets", datasets.create, datasets.CREATING),
    PageRoute("POST", "/labels/{project}/distribute", datasets.distribute, datasets.DISTRIBUTING),
    PageRoute("POST", "/labels/{project}/versions", versions.train, versions.TRAINING),
    PageRoute("POST", "/labels/{project}/versions/{version}", versions.move, versions.MOVING),
    PageRoute("GET", "/labels/{project}/try", versions.try_page, versions.TRYING),
    PageRoute("POST", "/labels/{project}/try", versions.tried, versions.TRIED),
    PageRoute("GET", "/labels/{project}/{kind}", datasets.entries, datasets.ENTRIES),
    PageRoute("POST", "/labels/{project}/{kind}/delete", datasets.delete, datasets.DELETING),
    PageRoute("GET", "/labels/{project}/{kind}/draw", datasets.draw, datasets.DRAWING),
    PageRoute("POST", "/labels/{project}/{kind}/draw", datasets.add, datasets.ADDING),
    PageRoute("GET", "/reviews", reviews.listing, reviews.LISTING),
    PageRoute("GET", "/reviews/{review}", reviews.show, reviews.ONE),
    PageRoute("POST", "/reviews/{review}", reviews.decide, reviews.DECIDING),
    PageRoute("GET", "/subjects", subjects.page),
    PageRoute("POST", "/subjects", subjects.search, subjects.SEARCHING),
    PageRoute("GET", "/erasures", certificates.find),
    PageRoute("GET", "/erasures/{face}", certificates.show, certificates.SHOWING),
    PageRoute("GET", "/ledger", ledger.show, ledger.SHOWING),
    PageRoute("GET", "/ledger/entry/{index}", ledger.entry, ledger.ENTRY),
    PageRoute("GET", "/statement", statements.page),
    PageRoute("POST", "/statement", statements.make, statements.MAKING),
    PageRoute("GET", "/verify", statements.verify),
    PageRoute("GET", "/customers", customers.listing, customers.LISTING),
    PageRoute("POST", "/customers", customers.create, ("account create",)),
    PageRoute("GET", "/customers/{account}", customers.show, customers.ONE),
    PageRoute("POST", "/customers/{account}", customers.move, customers.MOVES),
    PageRoute("POST", "/customers/{account}/decide", customers.decide, customers.DECIDING),
    PageRoute("GET", "/policy", policy.show, policy.SHOWING),
    PageRoute("GET", "/policy/explain", policy.explain, policy.EXPLAINING),
    PageRoute("POST", "/policy/proposal", policy.propose, policy.PROPOSING),
    PageRoute("POST", "/policy/apply", policy.apply, policy.APPLYING),
    PageRoute("GET", "/bills", bills.show, bills.SHOWING),
    PageRoute("POST", "/bills", bills.run, bills.RUNNING),
    PageRoute("GET", "/bills/{month}/{account}", bills.show_invoice, bills.INVOICE),
    PageRoute("GET", "/server", server.show, server.SHOWING),
)
