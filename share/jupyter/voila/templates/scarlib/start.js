// What has to stand before anything is shown.
(() => {
  // Light or dark: the system says, until the reader does.
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = (chosen) => {
    const dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.style.colorScheme = chosen || "";
    const styles = document.getElementById("dark-theme");
    if (styles) styles.media = dark ? "screen" : "not all"; // paper is light
    theme.textContent = dark ? "Use light colours" : "Use dark colours";
    theme.value = dark ? "light" : "dark";
  };
  const kept = (value) => {
    try {
      if (value) localStorage.setItem("theme", value);
      return localStorage.getItem("theme");
    } catch { return value; }
  };
  paint(kept());
  theme.hidden = false;
  theme.addEventListener("click", () => { const { value } = theme; kept(value); paint(value); });
  system.addEventListener("change", () => paint(kept()));
  document.addEventListener("dressed", () => paint(kept()));

  // Who waits is told so; who does not wait sees no sign of it.
  const state = document.getElementById("page-state");
  setTimeout(() => { state.hidden = state.hidden && !document.querySelector(".loading"); }, 1000);

  // Voilà calls these: as it runs the cells, while a slow one runs, and once its colours are there, which says nothing here.
  window.voila_heartbeat = () => { state.firstElementChild.textContent = "Still getting the page ready. Thank you for waiting."; };
  window.voila_process = window.update_loading_text = window.voila_finish = window.display_cells = () => {};
})();
