"""Claims and their verdicts, computed from the evidence while the book is built: nothing is typed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from . import map as chapter_map

logger = logging.getLogger(__name__)

REGISTRY = "companion.experiments.claims"
OPEN = "not yet measured"
KIND = {"holds": "holds", "holds with a condition": "condition", "false": "false", OPEN: "open"}


class claim_place(nodes.Inline, nodes.TextElement):
    """Where a claim is discussed; becomes a link when the page exists."""


class measured(nodes.Inline, nodes.TextElement):
    """A number out of the evidence, with its address."""


def registry(location=None):
    """Return the module that holds the claims, or None with a warning."""
    try:
        return importlib.import_module(REGISTRY)
    except ImportError as error:
        logger.warning("no claims can be shown: %s", error, location=location)
        return None


def depend(env, module, *experiments: str | None) -> None:
    """Let the page be read anew when the registry or the evidence of these experiments changes."""
    env.note_dependency(module.__file__)
    for name in experiments:
        if name:
            env.note_dependency(str(evidence_file(env, name)))


def evidence_file(env, experiment: str) -> Path:
    """Return the path of an experiment's evidence."""
    return Path(env.srcdir) / "book" / "evidence" / f"{experiment}.json"


def verdict_of(claim, env, location):
    """Return (label, sentence) of a claim's verdict; a missing piece of evidence is a warning."""
    try:
        verdict = claim.verdict(evidence_file(env, "any").parent)
    except FileNotFoundError:
        logger.warning("claim %s: its evidence %s.json is missing", claim.id, claim.evidence, location=location)
        return OPEN, "Not yet measured."
    return verdict.label or OPEN, verdict.sentence


def sources_text(module, claim) -> str:
    """Say who states the claim, in words."""
    known = [module.SOURCES[name] for name in claim.sources]
    if not known:
        return "Said everywhere."
    listed = known[0] if len(known) == 1 else ", ".join(known[:-1]) + " and " + known[-1]
    return f"Said by {listed}."


class Parsing(SphinxDirective):
    """A directive that can put Markdown of its own on the page."""

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse one paragraph of Markdown and return what is inside."""
        box = nodes.Element()
        self.state.nested_parse(StringList([text], "claims"), 0, box)
        return list(box.children[0].children) if box.children else []


def pill(label: str) -> nodes.inline:
    """Return the verdict as a small coloured label."""
    return nodes.inline("", label, classes=["u-verdict", f"u-verdict-{KIND[label]}"])


class ClaimBox(Parsing):
    """`{claim} C01`: the statement, the verdict with its numbers, and where the data are."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        location = self.get_location()
        module = registry(location)
        if module is None:
            return []
        try:
            claim = module.claim(self.arguments[0])
        except LookupError as error:
            raise self.error(str(error).strip("'\"")) from None
        depend(self.env, module, claim.evidence)
        label, sentence = verdict_of(claim, self.env, location)

        anchor = f"claim-box-{claim.id.lower()}"
        box = nodes.container(classes=["u-claim", f"u-claim-{KIND[label]}"], ids=[anchor])
        note_anchor(self.env, anchor, anchor)
        places = self.env.__dict__.setdefault("coursebook_claim_places", {})
        places[claim.id] = (self.env.docname, anchor)

        name = nodes.inline("", "", link_to(f"claim-{claim.id.lower()}", f"Claim {claim.id}"), classes=["u-claim-name"])
        box += nodes.paragraph("", "", name, nodes.Text(" "), pill(label), classes=["u-claim-head"])
        box += nodes.paragraph("", "", *self.inline(claim.statement), classes=["u-claim-statement"])
        box += nodes.paragraph("", "", *self.inline(sentence), classes=["u-claim-sentence"])
        if self.content:
            self.state.nested_parse(self.content, self.content_offset, box)
        foot = nodes.paragraph("", sources_text(module, claim), classes=["u-claim-foot"])
        if claim.condition:
            foot += [nodes.Text(" The condition: "), *self.inline(claim.condition)]
        if claim.evidence:
            foot += [nodes.Text(" "), data_link(self.env, claim.evidence)]
        box += foot
        return [box]


def data_link(env, experiment: str) -> nodes.Node:
    """Return a link that downloads the evidence."""
    target = f"/book/evidence/{experiment}.json"
    link = addnodes.download_reference(
        "", "", nodes.Text(f"{experiment}.json"), refdoc=env.docname, reftarget=target, refdomain=""
    )
    return nodes.inline("", "", nodes.Text("Data: "), link, nodes.Text("."))


def link_to(label: str, text: str) -> addnodes.pending_xref:
    """Return a link to an anchor that another page of the book registers."""
    return addnodes.pending_xref(
        "", nodes.inline("", text), refdomain="std", reftype="ref", reftarget=label, refexplicit=True, refwarn=True
    )


def note_anchor(env, label: str, anchor: str) -> None:
    """Register an anchor of this page, so that `{ref}` finds it."""
    env.get_domain("std").anonlabels[label] = (env.docname, anchor)


class ClaimLedger(Parsing):
    """All claims in the order of the chapters, each with its verdict."""

    def run(self) -> list[nodes.Node]:
        location = self.get_location()
        module = registry(location)
        if module is None:
            return []
        depend(self.env, module, *(claim.evidence for claim in module.CLAIMS.values()))
        judged = {name: verdict_of(claim, self.env, location) for name, claim in module.CLAIMS.items()}
        result: list[nodes.Node] = [self.summary(judged)]
        titles = chapter_map.titles(self.env)
        order = list(titles) + [c.chapter for c in module.CLAIMS.values() if c.chapter not in titles]
        for chapter in dict.fromkeys(order):
            claims = [claim for claim in module.CLAIMS.values() if claim.chapter == chapter]
            if not claims:
                continue
            section = nodes.section(ids=[f"claims-{chapter}"], names=[])
            section += nodes.title("", titles.get(chapter, chapter))
            entries = nodes.bullet_list(classes=["u-ledger"])
            for claim in claims:
                entries += self.entry(module, claim, *judged[claim.id])
            section += entries
            result.append(section)
        return result

    def summary(self, judged: dict) -> nodes.paragraph:
        """Count the verdicts."""
        line = nodes.paragraph("", f"{len(judged)} claims: ", classes=["u-tally"])
        for label in KIND:
            count = sum(found == label for found, _ in judged.values())
            line += [
                nodes.inline("", "", nodes.strong("", str(count)), nodes.Text(" "), pill(label), classes=["u-count"]),
                nodes.Text(" "),
            ]
        return line

    def entry(self, module, claim, label: str, sentence: str) -> nodes.list_item:
        """Return one claim."""
        anchor = f"claim-{claim.id.lower()}"
        note_anchor(self.env, anchor, anchor)
        item = nodes.list_item(ids=[anchor], classes=["u-ledger-entry"])
        place = claim_place("", claim.id, claim=claim.id)
        item += nodes.paragraph("", "", place, nodes.Text(" "), pill(label), classes=["u-claim-head"])
        item += nodes.paragraph("", "", *self.inline(claim.statement), classes=["u-claim-statement"])
        foot = nodes.paragraph("", sources_text(module, claim), classes=["u-claim-foot"])
        if label == OPEN:
            foot += [nodes.Text(" To be tried: "), *self.inline(claim.trial)]
        else:
            item += nodes.paragraph("", "", *self.inline(sentence), classes=["u-claim-sentence"])
            foot += [
                nodes.Text(" The condition: "),
                *self.inline(claim.condition),
                nodes.Text(" "),
                data_link(self.env, claim.evidence),
            ]
        item += foot
        return item


class EvidenceRole(SphinxRole):
    """``{evidence}`C01:linear.half|.3g` ``: a number out of the evidence, in the format after the bar."""

    def run(self):
        address, _, form = self.text.partition("|")
        module = registry(self.get_location())
        if module is None:
            return [nodes.Text("(not measured)")], []
        owner = address.partition(":")[0].strip()
        try:
            depend(self.env, module, module.CLAIMS[owner].evidence if owner in module.CLAIMS else owner)
            value = module.number(address.strip(), evidence_file(self.env, "any").parent)
            text = format(value, form.strip())
        except FileNotFoundError as error:
            logger.warning(
                "evidence %s: there is no %s", self.text, Path(error.filename).name, location=self.get_location()
            )
            return [nodes.Text("(not measured)")], []
        except (LookupError, ValueError, TypeError) as error:
            logger.warning("evidence %s: %s", self.text, str(error).strip("'\""), location=self.get_location())
            return [nodes.Text("(not measured)")], []
        return [measured("", "", *written(text), address=address.strip())], []


def written(text: str) -> list[nodes.Node]:
    """Return a formatted number as it is written in prose: a true minus sign, powers of ten as powers."""
    found = re.fullmatch(r"(-?[\d.,]+)e([+-]\d+)", text)
    if not found:
        return [nodes.Text(re.sub(r"(?<!\w)-(?=\d)", "\u2212", text))]
    mantissa, exponent = found[1].replace("-", "\u2212"), str(int(found[2])).replace("-", "\u2212")
    return [nodes.Text(f"{mantissa}\u202f×\u202f10"), nodes.superscript("", exponent)]


def visit_measured(self, node) -> None:
    self.body.append(f'<span class="u-measured" title="measured: {self.attval(node["address"])}">')


def depart_measured(self, node) -> None:
    self.body.append("</span>")


def place_claims(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn the ledger's references to claim boxes into links."""
    places = getattr(app.env, "coursebook_claim_places", {})
    for node in list(doctree.findall(claim_place)):
        name = node["claim"]
        text = nodes.inline("", f"Claim {name}", classes=["u-claim-name"])
        if name in places:
            page, anchor = places[name]
            uri = app.builder.get_relative_uri(docname, page) + f"#{anchor}"
            node.replace_self(nodes.reference("", "", text, internal=True, refuri=uri))
        else:
            node.replace_self(text)


def forget(app: Sphinx, env, docname: str) -> None:
    """Forget the claim boxes of a page that is read anew or gone."""
    places = getattr(env, "coursebook_claim_places", {})
    for name in [name for name, (page, _) in places.items() if page == docname]:
        del places[name]


def merge(app: Sphinx, env, docnames, other) -> None:
    """Take over the claim boxes that another process has read."""
    theirs = getattr(other, "coursebook_claim_places", {})
    env.__dict__.setdefault("coursebook_claim_places", {}).update({k: v for k, v in theirs.items() if v[0] in docnames})


def setup(app: Sphinx) -> None:
    """Register the directives, the role and the events."""
    app.add_directive("claim", ClaimBox)
    app.add_directive("claim-ledger", ClaimLedger)
    app.add_role("evidence", EvidenceRole())
    app.add_node(claim_place)
    plain = (lambda self, node: None, lambda self, node: None)
    app.add_node(measured, html=(visit_measured, depart_measured), latex=plain, text=plain)
    app.connect("doctree-resolved", place_claims)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
