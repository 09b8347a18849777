"""The leader is killed again and again under load: what clients were told stays true."""

from compatlib.clusters import leader_of, settled, start_servers
from recording import Recording, assert_linearizable

KILLS = 20


def test_a_history_with_twenty_killed_leaders_is_linearizable(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    settled(servers)
    recording = Recording(servers)
    for _ in range(KILLS):
        leader = until(lambda: leader_of(servers), lambda found: found is not None)
        before = recording.answered()
        until(recording.answered, lambda now, before=before: now > before + 100)
        leader.kill()
        before = recording.answered()
        until(recording.answered, lambda now, before=before: now > before + 50)
        leader.start("-server", "-bootstrap-expect=3")
        settled(servers)
    histories = recording.end()
    counts = {kind: sum(one.kind == kind for done in histories.values() for one in done)
              for kind in ("read", "write", "cas")}
    unknown = sum(one.ended is None for done in histories.values() for one in done)
    print(f"{counts}, {unknown} of unknown outcome; longest time without a write {recording.longest_silence():.2f} s")
    assert min(counts.values()) > KILLS
    recording.assert_one_index_a_value()
    assert_linearizable(histories)
