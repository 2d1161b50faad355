// Put into each page before anything of its own runs: `page` is what bench/pages.py knows of it.
(page) => {
  // Panel draws inside shadow roots, which neither a selector nor an observer of the document sees.
  const roots = [document];
  const observers = [];
  const look = { subtree: true, childList: true, characterData: true, attributes: true };
  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...args) {
    const root = attachShadow.apply(this, args);
    roots.push(root);
    observers.forEach((observer) => observer.observe(root, look));
    return root;
  };
  const observe = (within, told) => {
    // What is only read out to those who listen comes a moment later by intention.
    const heard = (change) => change.target.parentElement?.closest("#announcer") || change.target.id === "announcer";
    const observer = new MutationObserver((changes) => changes.every(heard) || told(observer));
    [within, ...roots.slice(1)].forEach((root) => observer.observe(root, look));
    observers.push(observer);
  };
  const stop = (observer) => {
    observer.disconnect();
    observers.splice(observers.indexOf(observer), 1);
  };
  const find = (selector) => roots
    .flatMap((root) => [...root.querySelectorAll(selector)])
    .filter((element) => element.isConnected && element.checkVisibility());
  // Each option once: while a page gives way to its live self, both may be there.
  const shown = () => [...new Set(find(page.result).map((element) => element.textContent))].join("\n");

  const seen = { ranked: null, control: null, answered: null, shifts: [], busy: [], text: shown };

  // The first frame with a ranked option in it has been made when a message sent from it arrives.
  const painted = (then) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    port2.postMessage(null);
  });
  observe(document, (observer) => {
    if (!find(page.result).length) return;
    stop(observer);
    painted((when) => { seen.ranked = when; });
  });

  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput) seen.shifts.push([shift.startTime, shift.value]);
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.busy.push([task.startTime, task.duration]);
  }).observe({ type: "longtask", buffered: true });

  // Interactive: change the control every 25 ms until the options have followed. Always to the same value, so that a page
  // which has heard it has nothing new to do: Dash drops an answer when another change comes before it.
  const change = (control) => {
    if (control.matches("select")) {
      control.selectedIndex = control.options.length - 2;
    } else {
      // Past the copy of the value that React keeps, which would else call this no change.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(control, "3");
    }
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.dispatchEvent(new Event("change", { bubbles: true }));
  };
  if (page.start !== null) {
    const before = new Set(["", page.start]);
    const timer = setInterval(() => {
      const [control] = find(page.control);
      if (seen.control && !before.has(shown())) {
        seen.answered = performance.now();
        clearInterval(timer);
      } else if (control && !control.disabled && document.readyState !== "loading") {
        if (!seen.control) before.add(shown());
        seen.control ??= performance.now();
        change(control);
      }
    }, 25);
  }

  // Keys: from the key to the last change of the page that follows it.
  let pressed, changed, old;
  seen.focus = () => {
    find(page.control)[0].focus();
    window.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
    observe(document.body, () => { changed = performance.now(); });
  };
  seen.arm = () => {
    old = shown();
    pressed = changed = null;
    const [control] = find(page.control);
    return control.matches("select")
      ? [control.selectedIndex / (control.options.length - 1), true]
      : [control.value / control.max, false];
  };
  // When it has been still for long enough and the options are others.
  seen.still = () => Boolean(pressed && changed) && performance.now() - changed > 400 && shown() !== old;
  seen.took = () => changed - pressed;

  window.benchProbe = seen;
}
