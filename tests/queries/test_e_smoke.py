import json
from pathlib import Path
from tests.queries.casino import Casino
def test_smoke(day: Casino) -> None:
    out={}
    for name, q in {"accounts":{"from_":"2025-01-15","to":"2025-01-16","player_id":"StQ-1","currency":"EUR"},"revenue":{"from_":"2025-01-15","to":"2025-01-16","group_by":"day,currency","game_id":"btg/bonanza","currency":"EUR"},
      "statement":{"player_id":"StQ-1","currency":"EUR","from_":"2025-01-15","to":"2025-01-16"},"open-rounds":{"older_than":"24h"},"rtp":{"from_":"2025-01-15","to":"2025-01-16"}}.items():
        a=day.get("reports/"+name, **q)
        print(name, a.status, a.headers, a.body[:1500] if a.status==200 else (a.body, a.error))
        Path(f"/tmp/e_smoke/{name}.json").write_bytes(a.body)
        for accept in ("text/csv","text/html"):
            a=day.get("reports/"+name, headers={"accept":accept}, **q)
            Path(f"/tmp/e_smoke/{name}.{accept[5:]}").write_bytes(a.body)
            print(accept, a.status, a.body[:300], a.error)
    for g in ("day,game,provider,currency","month,currency","provider,currency"):
        a=day.get("reports/revenue", group_by=g); print(g, a.status, a.body[:700])
    a=day.get("reports/accounts"); print(a.status, len(a.json["rows"]), a.json["reconciled"], a.json["reconciliation"][:3])
