// What the page does beside its widgets.
(() => {
  const state = document.getElementById("page-state");
  const again = document.getElementById("again");
  const say = (text) => { state.firstElementChild.textContent = text; };

  // Once the line to the calculations is lost, what the viewer changes has no effect: so nothing can be changed any more,
  // and the answers given so far open again.
  let leaving = false;
  window.addEventListener("pagehide", () => { leaving = true; });
  const lose = (lost, why = "") => {
    if (leaving) return;
    if (lost) say(`The connection was lost, so answers can no longer be changed. What you see stays. ${why}`);
    again.hidden = !lost;
    state.classList.toggle("lost", lost);
    state.hidden = !lost;
    document.querySelectorAll(".rail, .section .filters, .section .buttons, .section .opening").forEach((box) => { box.inert = lost; });
  };
  again.addEventListener("click", () => {
    const link = document.querySelector("a.share");
    if (link) history.replaceState(null, "", link.hash);
    location.reload();
  });
  document.addEventListener("line-lost", ({ detail }) => lose(true, detail));
  document.addEventListener("line-back", () => { if (state.classList.contains("lost")) lose(false); });

  // Results are drawn anew with each answer or choice; a reader who listens is told what has changed. An answer changes
  // much: then it is the count and what comes first.
  const told = new Map();
  const whole = (line) => line.textContent;
  const name = (line) => line.firstChild.textContent.trim();
  const TELLING = {
    ".opened": whole,
    "[data-hook=summary]": whole,
    "article[data-hook=option] :is(h3, h4)": (line) => `First: ${name(line)}`,
    "[data-hook=plan]": whole,
    ".compare thead": (line) => `Side by side: ${[...line.querySelectorAll("th + th")].map(name).join(", ")}`,
    ".section:has(#table) :is(caption, .empty)": whole,
    "[data-hook=stability] p": whole,
  };
  const tell = (words) => { document.getElementById("announcer").textContent = words; };
  const announce = () => {
    const changed = [];
    for (const [where, words] of Object.entries(TELLING)) {
      const found = [...document.querySelectorAll(where)].find((line) => line.checkVisibility());
      const now = found ? words(found).trim().replace(/\s+/g, " ") : "";
      const before = told.get(where) ?? (where === ".opened" ? "" : undefined);
      if (now || before) told.set(where, now);
      if (now && before !== undefined && now !== before) changed.push(/[.!?]$/.test(now) ? now : `${now}.`);
    }
    if (changed.length) tell(changed.slice(0, 2).join(" "));
  };

  // On a phone the questions are a sheet over the results: what lies under it is out of reach meanwhile.
  const narrow = matchMedia("(max-width: 60em)");
  let sheet = false;
  const unfold = (moved = true) => {
    const rail = document.querySelector(".rail");
    if (!rail) return;
    const open = narrow.matches && location.hash === "#your-answers";
    if (open === sheet) return;
    sheet = open;
    document.querySelectorAll(".results, #page-bar").forEach((under) => { under.inert = open; });
    if (moved) (open ? rail.querySelector("select, input") : document.querySelector(".to-questions"))?.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", unfold);
  // A phone that is turned leaves less room: the question that is being answered stays in sight.
  matchMedia("(orientation: portrait)").addEventListener("change", () => {
    if (document.activeElement.closest(".rail")) document.activeElement.scrollIntoView({ block: "nearest" });
  });
  narrow.addEventListener("change", unfold);
  document.addEventListener("keydown", ({ key }) => { if (key === "Escape" && sheet) location.hash = "#results"; });

  // An answer redraws the results; what the reader has opened stays open. On paper what can go wrong is open too.
  const opened = new Set();
  const nameOf = (fold) => {
    const owner = fold.closest("[data-id]");
    return `${owner ? owner.dataset.hook + owner.dataset.id : ""}/${fold.querySelector("summary")?.textContent}`;
  };
  document.querySelectorAll("details[open]").forEach((fold) => opened.add(nameOf(fold)));
  document.addEventListener("toggle", ({ target }) => {
    if (target.isConnected) opened[target.open ? "add" : "delete"](nameOf(target));
  }, true);
  // Where what has the focus goes away, the focus goes to what is left of the same group.
  let held = [];
  document.addEventListener("focusin", ({ target }) => { held = [target, target.closest(".condition-group"), target.closest(".section")]; });
  const keepFocus = () => {
    const [gone, ...around] = held;
    if (!gone || gone.isConnected || document.activeElement !== document.body) return;
    held = [];
    const left = around.find((group) => group?.isConnected)?.querySelectorAll("input, select, button, a") ?? [];
    [...left].find((one) => one.checkVisibility())?.focus({ preventScroll: true });
  };
  let waiting = 0;
  new MutationObserver((changes) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { announce(); standAgain(); }, 300);
    keepFocus();
    if (!opened.size) return;
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        node.querySelectorAll?.("details").forEach((fold) => { if (opened.has(nameOf(fold))) fold.open = true; });
      }
    }
  }).observe(document, { childList: true, subtree: true });
  window.addEventListener("beforeprint", () => {
    const shut = document.querySelectorAll(".results details:is(.answers, :has(.harms)):not([open])");
    const all = (open) => shut.forEach((fold) => { fold.open = open; });
    all(true);
    window.addEventListener("afterprint", () => all(false), { once: true });
  });

  // A page that is loaded again opens with the answers it was left with. They are kept in this tab alone, and no longer
  // than it is open: as the link to them, and before there is one as what each question of the first view is set to.
  const left = "answers-of-this-tab";
  // Answers that are to be opened and are not open yet: until they are, the page's own must not take their place.
  let pending = "", before;
  // What a person says beside the answers: in no link and no file.
  const said = "words-of-this-tab";
  const stood = "place-of-this-tab";
  const WORDS = [".control-decision select", ".control-unclear textarea"];
  const YES = ".condition-group > .tick input"; // a yes that has not been told to what
  const tab = (use) => { try { return use(sessionStorage); } catch { return null; } };
  const questions = (within = ".rail") =>
    [...document.querySelectorAll(`${within} :is(select, input)`)].map((box) => [box.labels[0]?.textContent, box]);
  window.addEventListener("pagehide", () => {
    const link = document.querySelector("a.share");
    if (pending && (before === undefined || (link?.hash ?? "") === before)) {
      tab((store) => store.setItem(left, pending));
      return;
    }
    const set = questions().map(([name, box]) => [name, box.matches("select") ? box.selectedIndex : box.checked]);
    tab((store) => store.setItem(left, link ? link.dataset.kept || link.hash : JSON.stringify(Object.fromEntries(set))));
    const words = WORDS.map((name) => document.querySelector(name)?.value);
    const yes = [...document.querySelectorAll(YES)].filter((box) => box.checked).map((box) => box.labels[0].textContent);
    if (link) tab((store) => store.setItem(said, JSON.stringify([words, yes])));
    const over = [...document.querySelectorAll(".results h2[id]")].filter((part) => part.getBoundingClientRect().top < 100).pop();
    tab((store) => store.setItem(stood, JSON.stringify(over ? [over.id, over.getBoundingClientRect().top] : null)));
  });
  const back = ["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type);
  // It opens at the place where it was left too, unless the reader has gone on elsewhere before that is there.
  let place = back ? JSON.parse(tab((store) => store.getItem(stood)) ?? "null") : null;
  const standAgain = () => {
    const part = place && document.getElementById(place[0]);
    if (!part?.checkVisibility() || document.querySelector(".loading")) return;
    scrollBy({ top: part.getBoundingClientRect().top - place[1], behavior: "instant" });
    place = null;
  };
  const leftWith = (back && tab((store) => store.getItem(left))) || "";
  const setAgain = (answers) => {
    for (const [name, box] of questions(".first-view .rail")) {
      if (name in answers) box[box.matches("select") ? "selectedIndex" : "checked"] = answers[name];
    }
  };

  // A link keeps its answers after the #, which is never sent: the page hands them to the field for links.
  const inAddress = () => location.hash.replace(/^#answers%3d/i, "#answers="); // as a mail program may quote it
  const openLink = (answers = inAddress()) => {
    if (!answers.startsWith("#answers=")) return;
    pending = answers;
    const field = document.querySelector(".control-link input");
    if (!field) { setTimeout(openLink, 50, answers); return; }
    if (!state.classList.contains("lost")) state.hidden = true;
    before = document.querySelector("a.share")?.hash ?? "";
    field.value = answers;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    // From here on they may be changed: the way back must not bring these again.
    if (inAddress().startsWith("#answers=")) history.replaceState(null, "", location.pathname + location.search);
    if (answers === leftWith) sayAgain();
  };
  const sayAgain = () => {
    const [words, yes] = JSON.parse(tab((store) => store.getItem(said)) ?? "[[], []]");
    words.forEach((value, k) => {
      const field = document.querySelector(WORDS[k]);
      if (!field || !value) return;
      field.value = value;
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
    });
    document.querySelectorAll(YES).forEach((box) => { if (!box.checked && yes.includes(box.labels[0].textContent)) box.click(); });
  };
  window.addEventListener("hashchange", () => { if (!history.state?.shared) openLink(); });
  // Until they are open, nothing is asked that they would undo.
  const toOpen = leftWith || inAddress();
  if (toOpen.startsWith("{")) {
    setAgain(JSON.parse(toOpen));
  } else if (toOpen.startsWith("#answers=")) {
    pending = toOpen;
    document.querySelector(".first-view .rail")?.setAttribute("inert", "");
    say("Your answers come in a moment. Until then, this is an example.");
    state.hidden = false;
  }
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a.share");
    if (!link) return;
    event.preventDefault();
    const copied = await navigator.clipboard?.writeText(link.href).then(() => true, () => false);
    if (!copied) history.replaceState({ shared: true }, "", link.hash);
    link.nextSibling.textContent = copied ? ": it is copied." : ": it is now this page’s address.";
    tell(`Link to these answers${link.nextSibling.textContent}`);
  });

  // The rest of the page comes once the questions can be answered.
  const askForTheRest = () => setTimeout(() => document.querySelector("button.the-rest").click(), 400);

  // Scripts and widgets' styles take the processor, so they come after the first view is painted, and not while somebody
  // is at work with it or waits for an answer.
  const [PAUSE, MOST] = [300, 3000];
  let acted;
  for (const kind of ["pointerdown", "keydown", "change", "wheel", "touchmove"]) {
    document.addEventListener(kind, ({ isTrusted }) => {
      acted = performance.now();
      if (isTrusted) place = null;
    }, { capture: true, passive: true });
  }
  const incomplete = () => {
    say("Part of this page did not load. Load it again to see all of it.");
    again.hidden = state.hidden = false;
  };
  const dressInAPause = (painted) => {
    acted ??= painted;
    const now = performance.now();
    if (now - painted < MOST && (kernel.waiting() || now - acted < PAUSE)) setTimeout(dressInAPause, 50, painted);
    else dress();
  };
  const dress = () => {
    document.querySelectorAll("link.late").forEach((link) => {
      link.classList.remove("late");
      if (link.as === "style") link.rel = "stylesheet";
      else document.body.append(Object.assign(document.createElement("script"), { src: link.href, onerror: incomplete }));
    });
    document.dispatchEvent(new Event("dressed"));
  };
  // Voilà's script starts when the page has loaded; where it comes later than that, it would wait for ever.
  const listen = window.addEventListener;
  window.addEventListener = (type, then, ...rest) => {
    if (type === "load" && document.readyState === "complete") setTimeout(then);
    else listen.call(window, type, then, ...rest);
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (document.hidden) dress();
    else requestAnimationFrame(() => setTimeout(() => dressInAPause(performance.now())));
  });

  document.addEventListener("widgets-there", () => {
    if (state.classList.contains("lost")) lose(true);
    else if (!toOpen.startsWith("#answers=")) state.hidden = true;
    for (const fold of document.querySelectorAll(".results details")) fold.open = opened.has(nameOf(fold));
    openLink(toOpen);
    sheet = false;
    unfold(false);
    askForTheRest();
  });
})();
