"""Which version of a contract goes live: a bad one is refused alone, and what serves keeps serving."""

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Kind, Place, Settings, Workspace
from treadle.control.decide import Action, decide, refuse

SETTINGS = Settings(
    name="t",
    environment="local",
    audience="a",
    tiers={},
    consumers={},
    domains={},
    services=(),
    subscriptions=(),
    connectors=(),
    ports={},
    engines={},
)


def contract(id, digest="sha256:" + "1" * 64, file=None):
    domain, name, major = id.split(".")
    place = Place(file or f"domains/{domain}/{name}.{major}.openapi.yaml")
    return Contract(id, Kind.OPENAPI, domain, name, int(major[1:]), "1.0.0", id, digest, place)


def newer(old):
    return contract(old.id, "sha256:" + "2" * 64)


def finding(of, severity=Severity.BLOCK, *, named=True):
    return Finding(of.place, "some-rule", severity, "is wrong", contract=of.id if named else "")


def nothing(*_):
    return ()


def run(contracts, *, findings=(), live=(), files=None, judge=nothing, compare=nothing, conflicts=nothing):
    if files is None:
        files = {each.place.file for each in (*contracts, *live)}
    workspace = Workspace(SETTINGS, tuple(contracts))
    return decide(workspace, findings, live, files, judge=judge, compare=compare, conflicts=conflicts)


def actions(desired):
    return {each.contract: each.action for each in desired.decisions}


A, B = contract("sales.orders.v1"), contract("itsm.tickets.v1")


def test_new_changed_and_unchanged():
    desired = run([A, newer(B)], live=[B])
    assert actions(desired) == {A.id: Action.ADD, B.id: Action.CHANGE}
    assert actions(run([A], live=[A])) == {A.id: Action.KEEP}


def test_a_bad_newcomer_is_refused_alone_and_the_last_good_serves():
    desired = run([newer(A), newer(B)], live=[A, B], judge=lambda c: [finding(c)] if c.id == A.id else [])
    assert actions(desired) == {A.id: Action.REFUSE, B.id: Action.CHANGE}
    assert {each.digest for each in desired.contracts if each.id == A.id} == {A.digest}
    assert {each.digest for each in desired.contracts if each.id == B.id} == {newer(B).digest}


def test_a_bad_newcomer_without_a_last_good_stays_out():
    desired = run([A, B], judge=lambda c: [finding(c)] if c.id == A.id else [])
    assert [each.id for each in desired.contracts] == [B.id]


def test_an_unreadable_file_keeps_its_last_good_though_the_finding_names_no_contract():
    desired = run([], findings=[finding(A, Severity.INVALID, named=False)], live=[A])
    assert actions(desired) == {A.id: Action.REFUSE}
    assert desired.contracts == (A,)


def test_a_folder_that_cannot_be_entered_keeps_every_contract_below_it():
    folder = Finding(Place("domains/sales"), "symlink-escapes", Severity.INVALID, "leads out")
    desired = run([B], findings=[folder], live=[A, B], files={B.place.file})
    assert actions(desired) == {A.id: Action.REFUSE, B.id: Action.KEEP}
    assert [each.id for each in desired.contracts] == [B.id, A.id]
    assert desired.findings == ()


def test_a_deleted_file_removes_its_contract():
    desired = run([B], live=[A, B], files={B.place.file})
    assert actions(desired) == {A.id: Action.REMOVE, B.id: Action.KEEP}
    assert desired.contracts == (B,)


def test_a_warning_refuses_nothing():
    desired = run([A], judge=lambda c: [finding(c, Severity.WARN)])
    assert actions(desired) == {A.id: Action.ADD}
    assert desired.decisions[0].findings


def test_compare_is_asked_only_for_a_changed_version():
    asked = []
    run([A, newer(B)], live=[A, B], compare=lambda old, new: asked.append((old.id, new.digest)) or ())
    assert asked == [(B.id, newer(B).digest)]


def test_an_engine_that_refuses_a_contract_puts_its_last_good_back():
    desired = run([newer(A), B], live=[A])
    again = refuse(desired, {A.id: finding(A), B.id: finding(B)}, live=[A])
    assert actions(again) == {A.id: Action.REFUSE, B.id: Action.REFUSE}
    assert again.contracts == (A,)


def test_a_version_that_serves_and_can_no_longer_be_served_stays_out():
    desired = run([A], live=[A])
    assert refuse(desired, {A.id: finding(A)}, live=[A]).contracts == ()


def test_a_conflict_refuses_the_contract_that_it_names():
    desired = run([A, B], live=[A], conflicts=lambda contracts: [finding(B)] if len(contracts) == 2 else [])
    assert actions(desired) == {A.id: Action.KEEP, B.id: Action.REFUSE}


def test_a_refused_newcomer_claims_nothing():
    asked = []
    run(
        [newer(A), B],
        live=[A],
        judge=lambda c: [finding(c)] if c.id == A.id else [],
        conflicts=lambda c: asked.extend(c) or [],
    )
    assert [(each.id, each.digest) for each in asked] == [(B.id, B.digest), (A.id, A.digest)]


def test_a_conflict_that_names_no_contract_is_kept_as_loose():
    desired = run([A], conflicts=lambda _: [finding(A, named=False)])
    assert actions(desired) == {A.id: Action.ADD}
    assert len(desired.findings) == 1
