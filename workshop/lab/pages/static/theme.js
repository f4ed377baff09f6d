// Runs before the page is drawn: sets the chosen theme, and removes the token from the address bar.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
if (location.hash.startsWith("#token=")) history.replaceState(null, "", location.pathname + location.search);
// A link with a token that is pasted into this tab changes the fragment only: load the page again, which logs in.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
});
