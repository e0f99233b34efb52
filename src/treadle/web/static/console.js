// Live values for pages that are rendered whole. Each element that changes names the value it shows:
// data-live (its text), data-live-state, data-live-weight (attributes), data-live-d (path data). The stream sends
// values by the same names; a name that is not on this page is ignored. Without this file the pages still say it all.
(() => {
  "use strict";

  const ATTRIBUTES = { liveState: "data-state", liveWeight: "data-weight", liveD: "d" };
  const RETRY_MS = 5000;
  const SILENT_MS = 6000;
  const status = document.getElementById("link");
  const statusText = document.getElementById("link-text");
  const pattern = document.getElementById("entry");
  const shown = new Map();

  const note = (key, show) => {
    const known = shown.get(key);
    if (known) known.push(show);
    else shown.set(key, [show]);
  };

  for (const element of document.querySelectorAll("[data-live]")) {
    note(element.dataset.live, (text) => {
      if (element.textContent !== text) element.textContent = text;
    });
  }
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const selector = "data-" + name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
    for (const element of document.querySelectorAll(`[${selector}]`)) {
      note(element.dataset[name], (text) => element.setAttribute(attribute, text));
    }
  }

  // A row is a copy of the page's own pattern; what the stream says becomes text and nothing else.
  const row = (entry) => {
    const made = pattern.content.firstElementChild.cloneNode(true);
    for (const field of made.querySelectorAll("[data-field]")) {
      const name = field.dataset.field;
      if (name === "state") field.dataset.state = entry.state;
      else if (name !== "href") field.textContent = entry[name];
      else if (entry.href.startsWith("/")) field.setAttribute("href", entry.href);
    }
    return made;
  };

  const list = (name, entries) => {
    const place = document.querySelector(`[data-list="${name}"]`);
    if (!place) return;
    const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    place.replaceChildren(...entries.map(row));
    if (focused) {
      const again = [...place.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused);
      if (again) again.focus();
    }
    document.querySelector(`[data-empty="${name}"]`).hidden = entries.length > 0;
  };

  let source = null;
  let heard = 0;
  let seen = "";

  const link = (state, text) => {
    status.dataset.link = state;
    document.documentElement.dataset.link = state;
    if (statusText.textContent !== text) statusText.textContent = text;
  };

  const lost = () => link("lost", `connection lost, data from ${seen || "when the page was opened"}`);

  const apply = (event) => {
    const { values, lists } = JSON.parse(event.data);
    for (const [key, text] of Object.entries(values)) {
      for (const show of shown.get(key) || []) show(text);
    }
    for (const [name, entries] of Object.entries(lists)) list(name, entries);
    heard = performance.now();
    if (values.now) seen = values.now;
    link("live", "live");
    status.title = `data from ${seen}`;
  };

  const connect = () => {
    source = new EventSource("/events/stream");
    source.addEventListener("full", apply);
    source.addEventListener("delta", apply);
    source.addEventListener("error", () => {
      lost();
      // An answer that is no stream ends the source for good: begin anew.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    });
  };

  // A half-open connection reports nothing: silence itself is the sign.
  setInterval(() => {
    if (!heard || performance.now() - heard < SILENT_MS) return;
    lost();
    heard = performance.now();
    source.close();
    connect();
  }, 1000);

  // Leaving the page ends the stream at once; coming back through the history begins it again.
  addEventListener("pagehide", () => source && source.close());
  addEventListener("pageshow", (event) => event.persisted && connect());

  const list700 = matchMedia("(max-width: 700px)");
  const listed = document.querySelector(".map-list");
  const open = () => {
    if (listed) listed.open = list700.matches;
  };
  list700.addEventListener("change", open);
  open();

  // Point at a node and its connections stand out.
  const edges = [...document.querySelectorAll(".edge")];
  const light = (id) => {
    for (const edge of edges) edge.classList.toggle("lit", edge.dataset.from === id || edge.dataset.to === id);
  };
  for (const node of document.querySelectorAll(".node")) {
    for (const name of ["mouseenter", "focus"]) node.addEventListener(name, () => light(node.dataset.node));
    for (const name of ["mouseleave", "blur"]) node.addEventListener(name, () => light(null));
  }

  connect();
})();
