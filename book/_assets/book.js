/* Runs in the head of every page, after Sphinx's options and before its search. */

// The search fetches every page it found, to quote from it; from the disk a browser refuses that, with an error each time.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
