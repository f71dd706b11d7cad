// Pages refresh themselves; without this script every page works, and is as fresh as when it was loaded.
//
// Each element with `data-live` is fetched again from the page's own address every few seconds (data-live="10":
// ten) and replaced when it is another. It needs an id. Nothing is replaced under the reader's hands: not while the
// window is hidden, not while focus is in a field, text is selected, or a form in it is open.
"use strict";

(() => {
  const EVERY = 5;
  const SLOWEST = 60;
  let tag = "";
  let failures = 0;

  const parts = () => [...document.querySelectorAll("[data-live]")];

  function isBusy(part) {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return true;
    const focused = document.activeElement;
    if (focused && part.contains(focused) && focused.matches("input, select, textarea")) return true;
    return [...part.querySelectorAll("form")].some((form) =>
      [...form.elements].some((field) =>
        field.type === "checkbox" || field.type === "radio"
          ? field.checked !== field.defaultChecked
          : "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue,
      ),
    );
  }

  // What the reader has opened stays open; where he is by the keyboard, he stays.
  function replace(part, fresh) {
    if (part.innerHTML === fresh.innerHTML) return;
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
    const closed = new Set([...part.querySelectorAll("details:not([open])[id]")].map((each) => each.id));
    const scrolled = [...part.querySelectorAll(".scroll[id]")].map((each) => [each.id, each.scrollLeft, each.scrollTop]);
    const focused = part.contains(document.activeElement) ? where(document.activeElement) : "";
    say(part, fresh);
    part.replaceChildren(...fresh.childNodes);
    for (const each of part.querySelectorAll("details[id]")) {
      if (open.has(each.id)) each.open = true;
      if (closed.has(each.id)) each.open = false;
    }
    for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
    if (focused) part.querySelector(focused)?.focus({ preventScroll: true });
  }

  // Screen readers are told what changed in elements with `data-say`, and of nothing else.
  function say(part, fresh) {
    const before = [...part.querySelectorAll("[data-say]")].map((each) => each.textContent.trim());
    const changed = [...fresh.querySelectorAll("[data-say]")]
      .map((each) => each.textContent.trim())
      .filter((text, place) => text !== before[place]);
    if (changed.length > 0) document.getElementById("said").textContent = changed.join(". ");
  }

  function where(element) {
    if (element.id) return `#${CSS.escape(element.id)}`;
    const href = element.getAttribute("href");
    return href ? `${element.tagName.toLowerCase()}[href="${CSS.escape(href)}"]` : "";
  }

  async function refresh() {
    const live = parts();
    if (document.hidden || live.length === 0 || live.some(isBusy)) return;
    const headers = { "X-Hub-Live": "1" };
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // signed out meanwhile
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    tag = answer.headers.get("ETag") ?? "";
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts()) {
      const other = part.id && fresh.getElementById(part.id);
      if (other && !isBusy(part)) replace(part, other);
    }
  }

  function seconds() {
    const wanted = parts().map((part) => Number(part.dataset.live) || EVERY);
    return Math.min(SLOWEST, Math.min(EVERY * 12, ...wanted) * 2 ** failures);
  }

  async function turn() {
    try {
      await refresh();
      failures = 0;
      document.documentElement.removeAttribute("data-stale");
    } catch {
      failures = Math.min(failures + 1, 5);
      // The page is old and cannot say how old; it says so.
      document.documentElement.setAttribute("data-stale", "");
    }
    setTimeout(turn, seconds() * 1000);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !document.body.hasAttribute("data-still")) refresh().catch(() => {});
  });
  // A menu that is open closes by Escape, and gives the focus back.
  document.addEventListener("keydown", (pressed) => {
    const menu = pressed.key === "Escape" && document.querySelector("details.preferences[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  if (parts().length > 0 && !document.body.hasAttribute("data-still")) setTimeout(turn, seconds() * 1000);
})();
