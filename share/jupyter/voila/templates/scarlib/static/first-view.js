// The first view can be used before the widgets are there. It is the same page as plain HTML: what a person does with it
// goes to the kernel, what comes back is shown at once, and then the widgets take its place.
(() => {
  const first = () => document.querySelector(".first-view");

  const known = new Map(); // what the kernel has been told of a model and has not changed itself
  const late = new Set(); // models that Jupyter's client may have missed a change of: it asks once, at its start
  document.addEventListener("kernel-said", ({ detail: { model, state } }) => {
    const box = document.querySelector(`.first-view [data-model="${model}"]`);
    if (!box) return;
    known.delete(model);
    if (kernel.handed()) late.add(model);
    const control = box.querySelector(":scope > select, :scope input[type=checkbox]");
    if (box.matches(".widget-html")) {
      if ("value" in state) box.querySelector(".widget-html-content").innerHTML = state.value;
    } else if (control?.matches("select")) {
      if ("_options_labels" in state) control.replaceChildren(...state._options_labels.map((label) => new Option(label)));
      if ("index" in state) control.selectedIndex = state.index ?? -1;
    } else if (control && "value" in state) {
      control.checked = state.value;
    }
  });

  let touched = -Infinity;
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, ({ timeStamp }) => { touched = timeStamp; }, true);
  }
  document.addEventListener("change", ({ target }) => {
    const model = target.closest(".first-view [data-model]")?.dataset.model;
    if (!model) return;
    touched = -Infinity;
    const state = target.matches("select") ? { index: target.selectedIndex } : { value: target.checked };
    const told = JSON.stringify(state);
    if (known.get(model) === told) return;
    known.set(model, told);
    if (kernel.handed()) late.add(model);
    kernel.tell(model, { method: "update", state, buffer_paths: [] });
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".first-view button[data-model]");
    if (button) kernel.tell(button.dataset.model, { method: "custom", content: { event: "click" } });
  });

  // The widgets take the place of the first view once the last of them is there, and not while a list may be unfolded.
  const inUse = (now) => now.contains(document.activeElement) && document.activeElement.matches("select")
    && performance.now() - touched < 3000;
  const wayTo = (node, from) => {
    if (!from.contains(node)) return null;
    const way = [];
    for (; node !== from; node = node.parentElement) way.unshift([...node.parentElement.children].indexOf(node));
    return way;
  };
  const takeOver = () => {
    if (!cells.matches(".loading")) return;
    const live = cells.querySelector(".scarlib.jupyter-widgets");
    // A widget that is still to come is held a place for, which is no widget of Jupyter's.
    if (!live?.querySelector(".the-rest") || live.querySelector(".lm-Widget:not(.jupyter-widgets)")) return;
    const view = first();
    if (view && inUse(view)) {
      setTimeout(takeOver, 200);
      return;
    }
    watch.disconnect();
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    const seen = bottom > 0 && top < innerHeight; // what is out of sight would be scrolled to
    const way = view && seen && wayTo(document.activeElement, view.querySelector(".scarlib"));
    const scrolled = view?.querySelector(".rail").scrollTop;
    cells.classList.remove("loading");
    view?.querySelectorAll("style").forEach((style) => document.body.append(style)); // the page's too, after all others
    view?.closest("main").remove();
    cells.role = "main";
    if (location.hash === "#your-answers") location.replace(location.hash); // the sheet opens by being the target
    for (const model of late) kernel.tell(model, { method: "request_state" });
    document.dispatchEvent(new Event("widgets-there"));
    if (way) way.reduce((node, place) => node?.children[place], live)?.focus({ preventScroll: true }); // where it was
    live.querySelector(".rail").scrollTop = scrolled;
  };
  const watch = new MutationObserver(takeOver);

  // Voilà moves the element with the cells to another place, and what has the focus would lose it: so the first view gets
  // out of it.
  let cells;
  const part = () => {
    const view = first()?.closest("main");
    cells = document.getElementById("rendered_cells");
    if (!view) return;
    cells = document.createElement("div");
    cells.className = view.className;
    view.after(cells);
    cells.append(document.getElementById("jupyter-config-data"));
    for (let cell = first().closest(".cell").nextElementSibling, next; cell; cell = next) {
      next = cell.nextElementSibling;
      cells.append(cell);
    }
    [view.id, cells.id] = ["", view.id];
  };
  // What was answered before this script was there.
  const catchUp = () => {
    for (const control of document.querySelectorAll(".first-view [data-model] :is(select, input)")) {
      const asSent = control.matches("select")
        ? [...control.options].every((option) => option.selected === option.defaultSelected)
        : control.checked === control.defaultChecked;
      if (!asSent) control.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    part();
    catchUp();
    if (document.getElementById("jupyter-config-data")) kernel.connect();
    watch.observe(document.body, { childList: true, subtree: true });
  });
})();
