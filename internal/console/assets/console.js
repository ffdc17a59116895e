// Keeps a page current: counts down, and fetches the page anew when the server says that it is old. Nothing here decides anything: without
// it the page works the same and is only not kept current.
"use strict";

(() => {
  const skew = Number(document.body.dataset.now) - Date.now();
  const seen = document.getElementById("live")?.dataset.plan || "";

  const left = (ms) => {
    const s = Math.floor(ms / 1000);
    if (s <= 0) return "time is over";
    if (s < 600) return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0") + " left";
    if (s < 7200) return Math.floor(s / 60) + " min left";
    return Math.floor(s / 3600) + " h left";
  };
  const tick = () => {
    for (const at of document.querySelectorAll("[data-until]")) {
      const ms = Number(at.dataset.until) - Date.now() - skew;
      const text = left(ms);
      if (at.textContent !== text) at.textContent = text;
      at.classList.toggle("soon", ms < 120000);
    }
  };
  tick();
  setInterval(tick, 1000);

  // What somebody has typed is kept, unless it was about another plan.
  const keep = (from, to) => {
    const same = from.dataset.plan === to.dataset.plan;
    for (const old of from.querySelectorAll("input[id], textarea[id]")) {
      const now = to.querySelector("#" + CSS.escape(old.id));
      if (!now || !same && old.tagName !== "TEXTAREA") continue;
      if (old.type === "checkbox") now.checked = old.checked && old.value === now.value;
      else now.value = old.value;
    }
    for (const old of from.querySelectorAll("details[open]")) {
      const now = to.querySelector("#" + CSS.escape(old.id));
      if (now) now.open = true;
    }
  };
  const replace = (to) => {
    const from = document.getElementById("live");
    const focus = document.activeElement, id = focus && from.contains(focus) ? focus.id : "";
    const range = id && "selectionStart" in focus ? [focus.selectionStart, focus.selectionEnd] : null;
    keep(from, to);
    from.replaceWith(to);
    const again = id && document.getElementById(id);
    if (again) {
      again.focus({ preventScroll: true });
      if (range && range[0] !== null) again.setSelectionRange(range[0], range[1]);
    }
    if (from.dataset.state !== to.dataset.state) document.getElementById("news").textContent = to.dataset.state;
    tick();
  };

  const lost = (is) => { document.getElementById("lost").hidden = !is; };
  let busy = false, again = false;
  const load = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const url = new URL(location.href);
      // After an answer to a form the address is that of the form: the page is the one that it belongs to.
      url.pathname = url.pathname.replace(/\/(say|stop)$/, "");
      if (seen && !url.searchParams.has("plan")) url.searchParams.set("plan", seen);
      const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const to = page.getElementById("live");
      if (!answer.ok || !to) throw new Error("no page");
      replace(document.importNode(to, true));
      document.title = page.title;
      lost(false);
    } catch {
      lost(true);
    } finally {
      busy = false;
      if (again) { again = false; load(); }
    }
  };

  const news = document.body.dataset.news;
  if (!news || !document.getElementById("live")) return;
  let poll = 0;
  const listen = () => {
    const stream = new EventSource(news);
    stream.addEventListener("open", () => { clearInterval(poll); poll = 0; lost(false); });
    stream.addEventListener("current", (e) => { if (e.data !== document.getElementById("live").dataset.seq) load(); });
    stream.addEventListener("moved", load);
    stream.addEventListener("error", () => {
      lost(true);
      // A stream that was refused is not tried again by the browser: look now and then instead.
      if (stream.readyState === EventSource.CLOSED && !poll) poll = setInterval(load, 15000);
    });
  };
  listen();
})();
