// A page that says `data-live` is read again when its address reports a change. Without scripts it is a page like any other.
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  let reading = false, again = false;
  const refresh = async () => {
    if (reading) { again = true; return; }
    reading = true;
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (response.ok && !main.contains(document.activeElement)) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
        if (page) main.replaceChildren(...page.childNodes);
      }
    } catch (error) {
      console.debug("not refreshed", error);
    }
    reading = false;
    if (again) { again = false; refresh(); }
  };
  let known = false;
  const source = new EventSource(main.dataset.live);
  source.addEventListener("incident", refresh);
  // A card's watch begins with the version that this page shows.
  source.addEventListener("card", () => { if (known) refresh(); known = true; });
  source.addEventListener("refused", () => source.close());
})();
