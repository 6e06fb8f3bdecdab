/* Runs in the head of every page, after Sphinx's options and before its search. */

// The search fetches every page it found, to quote from it; from the disk a browser refuses that, with an error each time.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Paper is white: print in the light theme, whatever is on the screen, and put the reader's theme back afterwards.
{
  const root = document.documentElement;
  let screenTheme = null;
  const onPaper = (paper) => {
    if (paper && screenTheme === null) {
      screenTheme = root.dataset.theme;
      root.dataset.theme = "light";
    } else if (!paper && screenTheme !== null) {
      root.dataset.theme = screenTheme;
      screenTheme = null;
    }
  };
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  matchMedia("print").addEventListener("change", (query) => onPaper(query.matches));
}
