"""The first act of the walk-through: the office's people sign in. Must not know any request."""

from kuramori.demo.handover.walk import Walk
from kuramori.texts import tr


def everybody_signs_in(walk: Walk) -> None:
    """The manager has the first account; everybody else gets theirs from who keeps such accounts."""
    walk.narrator.act(tr("Everybody signs in as themselves", "全員が本人としてサインイン"))
    walk.narrator.say(
        tr(
            "Each with an own password and authenticator; the duty of secrecy is acknowledged first. Who is not signed "
            "in sees nothing over the network.",
            "各自のパスワードと認証アプリを使い、初回に守秘義務を確認します。サインインしていない人には、ネットワーク越しには"
            "何も見えません。",
        )
    )
    people, office = walk.people, walk.office
    office.first_account(people.manager, walk.scene.desk_socket)
    for name in (people.deputy, people.handler, people.witness, people.administrator):
        office.account(name, people.manager)
    for name in (people.installer, people.auditor):
        office.account(name, people.administrator)
    for custodian in walk.scene.custodians:
        office.account(custodian.name, people.manager)
    office.refused("sign-in-missing", "", "GET", "/v1/requests")
    office.refused("role-missing", people.administrator, "GET", "/v1/requests")
