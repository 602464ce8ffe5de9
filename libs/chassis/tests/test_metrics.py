"""The list of metrics is what a running process shows, no more and no less."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from chassis.metrics import METRICS


def families(text: str) -> dict[str, Any]:
    return {each.name: each for each in text_string_to_metric_families(text) if each.name.startswith("crm_")}


def complaints(text: str) -> list[str]:
    """What a /metrics page shows otherwise than the list says."""
    shown = families(text)
    listed = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    found = [f"{name} is not exported" for name in listed.keys() - shown.keys()]
    found += [f"{name} is not listed" for name in shown.keys() - listed.keys()]
    for name, metric in listed.items():
        if name not in shown:
            continue
        if (shown[name].type, shown[name].documentation) != (metric.kind, metric.help):
            found.append(f"{name} is shown as {shown[name].type}: {shown[name].documentation}")
        for sample in shown[name].samples:
            if set(sample.labels) - {"le"} != set(metric.labels):
                found.append(f"{name} has the labels {set(sample.labels)}")
    return found


async def test_the_page_shows_what_is_listed(client: Any) -> None:
    assert complaints((await client.get("/metrics")).text) == []


async def test_another_metric_would_be_seen(client: Any) -> None:
    page = (await client.get("/metrics")).text
    assert complaints(page.replace("crm_outbox_oldest_seconds", "crm_other"))[:1]
    assert len(complaints(page + "# HELP crm_new New.\n# TYPE crm_new gauge\ncrm_new 1\n")) == 1


def test_every_metric_has_one_sentence_and_a_name_of_its_own() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.help[0].isupper() and metric.help.endswith(".") and metric.help.count(". ") == 0
        assert metric.name.startswith("crm_") and metric.name.endswith("_total") == (metric.kind == "counter")
